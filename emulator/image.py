"""An image for a board: emitted C, cross-compiled, linked to the target's memory map, read back as bytes."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..codegen.board import board_files
from ..ir.errors import BudgetError, UsageError
from ..ir.program import Program
from ..targets import Target
from .toolchain import Toolchain

FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")


@dataclass(frozen=True)
class Symbol:
    """Where a function or variable lies; ``address`` without the Thumb bit."""

    address: int
    size: int


@dataclass(frozen=True)
class Image:
    """Segments to load, symbols by name, and bytes per kind of section.

    ``bss`` holds the model's own variables; the arena is not among them.
    """

    segments: tuple[tuple[int, bytes], ...]
    symbols: Mapping[str, Symbol]
    text: int
    rodata: int
    data: int
    bss: int

    @property
    def flash(self) -> int:
        """Bytes of flash that the image takes: code, constants, and initial values of variables."""
        return self.text + self.rodata + self.data


def build_image(program: Program, files: Mapping[str, str], target: Target, toolchain: Toolchain) -> Image:
    """Compiles and links ``files`` for ``target``.

    Raises BudgetError where the image is larger than a memory of the target, UsageError where the target has
    no memory map or the compiler fails (its words, and the command).
    """
    sources = {name: text for name, text in files.items() if name.endswith((".c", ".h"))}
    sources |= board_files(program, target, with_memory=not toolchain.complete)
    with tempfile.TemporaryDirectory(prefix="tinyc-board-") as name:
        folder = Path(name)
        for file, text in sources.items():
            (folder / file).write_text(text, encoding="utf-8")
        units = sorted(file for file in sources if file.endswith(".c"))
        wanted = [f"-Wl,-u,{symbol}" for symbol in ("tinyc_in", "tinyc_out", "tinyc_done")]
        entry = f"-Wl,-e,{program.name}_run"
        command = [
            *toolchain.command, *FLAGS, "-I.", *units, *toolchain.link, "-T", "link.ld", entry, *wanted,
            "-Wl,--gc-sections", "-o", "board.elf",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise _failed(program, target, command, done.stderr)
        return read_image(folder / "board.elf")


def _failed(program: Program, target: Target, command: list[str], words: str) -> Exception:
    overflow = re.findall(r"region [`']?(\w+)'? overflowed by (\d+) bytes", words)
    overflow += re.findall(r"will not fit in region '(\w+)': overflowed by (\d+) bytes", words)
    if overflow:
        region, count = overflow[0]
        kind = "flash" if region == "FLASH" else "SRAM"
        return BudgetError(
            f"{program.name} is larger than the {kind} of {target.name}, by {int(count):,} bytes",
            remedy="choose a board with more memory, or narrow the model",
        )
    return UsageError(
        f"The cross compiler for {target.name} failed",
        where=" ".join(command),
        why=words.strip()[:4000],
        remedy="check the target's compiler options; --no-verify skips the emulated board",
    )


def read_image(path: Path) -> Image:
    """Reads an ELF file."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with path.open("rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        thumb = elf["e_machine"] == "EM_ARM"
        symbols = {
            s.name: Symbol(
                s["st_value"] & ~1 if thumb and s["st_info"]["type"] == "STT_FUNC" else s["st_value"],
                s["st_size"],
            )
            for s in table.iter_symbols()
            if s.name
        }
        segments = tuple(
            (s["p_vaddr"], s.data())
            for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD" and s["p_filesz"]
        )
        sizes = {s.name: s["sh_size"] for s in elf.iter_sections() if s.name}
    return Image(
        segments, symbols,
        text=sizes.get(".text", 0),
        rodata=sum(size for name, size in sizes.items() if name.startswith(".rodata")),
        data=sizes.get(".data", 0),
        bss=sizes.get(".bss", 0) - symbols["tinyc_arena"].size,
    )  # fmt: skip
