"""An image for a board: emitted C, cross-compiled, linked to the target's memory map, read back as bytes."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from ..codegen.board import board_files
from ..codegen.emit import weight_bytes
from ..codegen.semihosted import STARTUP_FUNCTIONS
from ..ir.errors import BudgetError, TinycError, UsageError
from ..ir.program import Program
from ..targets import Target
from .host import without_budget
from .toolchain import Toolchain

_AROUND_FOLDER = "around"
_AROUND = frozenset(("tinyc_arena", "tinyc_state", "tinyc_in", "tinyc_out", "tinyc_done", *STARTUP_FUNCTIONS))
"""Symbols of what surrounds a model."""


@dataclass(frozen=True)
class Symbol:
    """Where a function or variable lies; ``address`` without the Thumb bit."""

    address: int
    size: int


@dataclass(frozen=True)
class Image:
    """An ELF file: segments to load, symbols by name, addresses of code, and bytes per kind of section.

    The sizes are the model's own, with what it calls: neither arena and state nor what drives it on the
    board.
    """

    elf: bytes
    segments: tuple[tuple[int, bytes], ...]
    symbols: Mapping[str, Symbol]
    code: range
    text: int
    rodata: int
    data: int
    bss: int

    @property
    def flash(self) -> int:
        """Bytes of flash that the image takes: code, constants, and initial values of variables."""
        return self.text + self.rodata + self.data


@dataclass(frozen=True)
class Surroundings:
    """What an image holds besides the model: ``files`` by name, one of them the linker ``script``, and the
    linker's ``options``. ``flash`` is how many bytes there are for code and constants."""

    files: Mapping[str, str]
    script: str
    options: tuple[str, ...]
    flash: int


def build_image(program: Program, files: Mapping[str, str], target: Target, toolchain: Toolchain) -> Image:
    """Compiles and links ``files`` alone into the target's own memory; see ``link``.

    Raises UsageError too where the target has no memory map.
    """
    names = ["tinyc_arena", "tinyc_in", "tinyc_out", "tinyc_done"]
    if program.states:
        names += ["tinyc_state", f"{program.name}_reset"]
    wanted = (f"-Wl,-u,{symbol}" for symbol in names)
    around = Surroundings(
        board_files(program, target, with_memory=not toolchain.complete),
        "link.ld",
        (f"-Wl,-e,{program.name}_run", *wanted),
        target.main_memory("flash").bytes,
    )
    return link(program, files, around, target, toolchain)


def link(
    program: Program, files: Mapping[str, str], around: Surroundings, target: Target, toolchain: Toolchain
) -> Image:
    """Compiles the C among ``files`` and what is ``around`` it for ``target``.

    Raises BudgetError where the image is larger than a memory (before anything is compiled, where the
    weights alone are), UsageError where the compiler fails (its words, and the command).
    """
    if (excess := weight_bytes(program) - around.flash) > 0:
        raise _too_large(program, target, "flash", excess)
    sources = {name: text for name, text in files.items() if name.endswith((".c", ".h"))}
    # in a folder of their own: a model may be called "board" or "memory"
    sources |= {f"{_AROUND_FOLDER}/{name}": text for name, text in around.files.items()}
    with tempfile.TemporaryDirectory(prefix="tinyc-board-") as name:
        folder = Path(name)
        (folder / _AROUND_FOLDER).mkdir()
        for file, text in sources.items():
            (folder / file).write_text(text, encoding="utf-8")
        units = sorted(file for file in sources if file.endswith(".c"))
        compiler = [*toolchain.compile, without_budget(program)]
        rest = [
            "-iquote", ".", f"-I{_AROUND_FOLDER}", *units, *toolchain.link,
            "-T", f"{_AROUND_FOLDER}/{around.script}", *around.options, "-Wl,--gc-sections",
            "-o", "board.elf",
        ]  # fmt: skip
        done = subprocess.run(
            compiler + rest, cwd=folder, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode != 0:
            command = f"{' '.join(compiler)} \\\n  {' '.join(rest)}"
            raise _failed(program, target, command, done.stderr)
        return read_image((folder / "board.elf").read_bytes())


def _failed(program: Program, target: Target, command: str, words: str) -> TinycError:
    # as the linkers of binutils and LLVM say it
    if overflow := re.search(r"(FLASH|RAM)'? *:? overflowed by (\d+) bytes", words):
        return _too_large(program, target, "flash" if overflow[1] == "FLASH" else "SRAM", int(overflow[2]))
    return UsageError(
        f"The cross compiler for {target.name} failed",
        where=command,
        why=words.strip()[:4000],
        remedy="check the target's compiler options; --no-verify skips the emulated board",
    )


def _too_large(program: Program, target: Target, memory: str, excess: int) -> BudgetError:
    return BudgetError(
        f"{program.name} is larger than the {memory} of {target.name}, by {excess:,} bytes",
        remedy="choose a board with more memory, or narrow the model",
    )


def read_image(elf: bytes) -> Image:
    """Reads an ELF file."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    file = ELFFile(BytesIO(elf))
    table = file.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    thumb = file["e_machine"] == "EM_ARM"
    sections = {s.name: s for s in file.iter_sections() if s.name}
    sizes = {name: int(section["sh_size"]) for name, section in sections.items()}
    symbols: dict[str, Symbol] = {}
    for s in table.iter_symbols():
        if s.name:
            odd = 1 if thumb and s["st_info"]["type"] == "STT_FUNC" else 0
            symbols[s.name] = Symbol(s["st_value"] & ~odd, s["st_size"])
        if s.name in _AROUND or s.name.startswith("tinyc_feed_"):
            sizes[file.get_section(s["st_shndx"]).name] -= s["st_size"]
    text = sections[".text"]
    return Image(
        elf,
        tuple(
            (s["p_vaddr"], s.data())
            for s in file.iter_segments()
            if s["p_type"] == "PT_LOAD" and s["p_filesz"]
        ),
        symbols,
        range(text["sh_addr"], text["sh_addr"] + text["sh_size"]),
        text=sizes[".text"],
        rodata=sum(size for name, size in sizes.items() if name.startswith(".rodata")),
        data=sizes.get(".data", 0),
        bss=sizes.get(".bss", 0),
    )
