"""Cortex-M55 with Helium, which Unicorn does not have: the model in QEMU's machine mps3-an547.

A plugin that is compiled on this machine counts instructions, exactly, without touching the image.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from ..codegen.semihosted import STARTUP_FUNCTIONS, CodeRange, counter_source, semihosted_files
from ..ir.errors import UsageError, VerificationError
from ..ir.program import Program
from ..targets import Region, Target
from .board import INSTRUCTION_LIMIT, BoardRun, LayerWork, aligned, stack_too_large
from .host import build_shared
from .image import Image, Surroundings, link
from .toolchain import Toolchain

EMULATOR = "qemu-system-arm"
CPUS = ("cortex-m55",)
"""The cores that this emulator is for."""

# What the machine has where it starts; a target with less of it is held to its own size.
_CODE = Region("ITCM", 0x00000000, 512 * 1024, "flash", "main")
_RAM = Region("ISRAM", 0x21000000, 4 * 1024 * 1024, "ram", "main")
_SECONDS = 600


@cache
def find_qemu() -> tuple[str, int] | None:
    """Path and major version of ``qemu-system-arm``; None where it is not installed."""
    path = shutil.which(EMULATOR)
    if path is None:
        return None
    words = _run([path, "--version"], Path.cwd()).stdout
    match = re.search(r"version (\d+)\.", words)
    return (path, int(match[1])) if match else None


class QemuBoard:
    """A model in an emulated Cortex-M55. ``run`` may be called any number of times.

    ``image`` is what runs, start-up code included; symbols are its own.
    """

    def __init__(
        self, program: Program, files: Mapping[str, str], target: Target, layers: Sequence[str],
        toolchain: Toolchain,
    ) -> None:  # fmt: skip
        """Compiles and links ``files`` for the machine; ``layers`` names the program's steps in order.

        Raises UsageError where QEMU is not installed or the target's core is another one; see ``link`` too.
        """
        self.program, self.target, self.layers = program, target, layers
        self._emulator, self._major = _required(target)
        self._ram = _fitting(_RAM, target.main_memory("ram"))
        self.image: Image = semihosted_image(program, files, target, toolchain)
        self._counter = self._build_counter()

    def _build_counter(self) -> bytes:
        # QEMU 9 takes no plugin for an interface older than 2; what is used of it did not change
        version = 1 if self._major < 9 else 2
        ranges = _code_ranges(self.program.name, self.layers, self.image)
        source = counter_source(ranges, len(self.layers), INSTRUCTION_LIMIT, version)
        with tempfile.TemporaryDirectory(prefix="tinyc-counter-") as folder:
            return build_shared(Path(folder), source).read_bytes()

    def run(self, inputs: Mapping[str, np.ndarray]) -> BoardRun:
        """One inference on ``inputs`` by buffer name, as the emulator's machine takes them; of a model with
        states, after a reset.

        Cycles are None: there is no table for this core. Raises VerificationError for a fault, an endless
        loop, or a status other than OK, BudgetError for a stack that does not fit above the variables.
        """
        return self.run_steps([inputs])[0]

    def run_steps(self, steps: Sequence[Mapping[str, np.ndarray]]) -> list[BoardRun]:
        """The same for several inferences: the time steps of one sequence, where the model has states."""
        assert self.program.plan is not None
        state, restart = bytes(self.program.plan.state_bytes), 1
        runs: list[BoardRun] = []
        for inputs in steps:
            before = struct.pack("<I", restart) + state if self.program.states else b""
            run, state = self._run(before, inputs)
            restart = 0
            runs.append(run)
        return runs

    def _run(self, before: bytes, inputs: Mapping[str, np.ndarray]) -> tuple[BoardRun, bytes]:
        """One inference after what the input file has ``before`` the inputs, and the state that it leaves."""
        program = self.program
        with tempfile.TemporaryDirectory(prefix="tinyc-qemu-") as name:
            folder = Path(name)
            fed = (
                np.ascontiguousarray(inputs[name], program.buffers[name].dtype.numpy)
                for name in program.inputs
            )
            (folder / "input.bin").write_bytes(before + b"".join(array.tobytes() for array in fed))
            (folder / "board.elf").write_bytes(self.image.elf)
            (folder / "counter.so").write_bytes(self._counter)
            done = self._emulate(folder)
            counts, last = _read_counts(folder / "counts.txt", len(self.layers) + 1)
            if done.returncode != 0 or not (folder / "output.bin").is_file():
                raise self._failed(last, self._reason(folder, done))
            return self._result((folder / "output.bin").read_bytes(), counts, last)

    def _emulate(self, folder: Path) -> subprocess.CompletedProcess[str]:
        command = [
            self._emulator, "-M", "mps3-an547", "-cpu", self.target.cpu, "-nographic", "-monitor", "none",
            "-serial", "none", "-semihosting-config", "enable=on,target=native",
            "-plugin", "file=./counter.so", "-kernel", "board.elf",
        ]  # fmt: skip
        try:
            done = _run(command, folder, _SECONDS)
        except subprocess.TimeoutExpired:
            raise self._failed(None, f"QEMU did not finish within {_SECONDS} seconds") from None
        if "plugin" in done.stderr.lower() and done.returncode != 0:
            raise UsageError(
                f"{self._emulator} cannot count instructions",
                why=done.stderr.strip()[:4000],
                remedy="install a QEMU that was built with plugins, as Debian's is",
            )
        return done

    def _result(
        self, raw: bytes, counts: Sequence[int], last: int | None
    ) -> tuple[BoardRun, bytes]:
        status, stack, room = struct.unpack_from("<3I", raw)
        if status:
            raise self._failed(last, f"{self.program.name}_run returned status {status}")
        if stack >= room:
            raise stack_too_large(self.program, self.target)
        outputs: dict[str, np.ndarray] = {}
        position = 12
        for name in self.program.outputs:
            buffer = self.program.buffers[name]
            flat = np.frombuffer(raw, buffer.dtype.numpy, buffer.elements, position)
            outputs[name] = flat.reshape(buffer.shape)
            position += buffer.nbytes
        layers = tuple(
            LayerWork(layer, count, None) for layer, count in zip(self.layers, counts, strict=False)
        )
        variables = aligned(self.image.symbols["board_bss_end"].address - self._ram.origin)
        stack = aligned(stack)
        run = BoardRun(outputs, sum(counts), None, layers, variables, stack, variables + stack)
        return run, raw[position:]

    def _reason(self, folder: Path, done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode == 3:
            return f"it takes more than {INSTRUCTION_LIMIT:,} instructions: an endless loop?"
        if (folder / "fault.bin").is_file():
            counter, cfsr, hfsr, address = struct.unpack("<4I", (folder / "fault.bin").read_bytes())
            known = f", address 0x{address:08x}" if cfsr & 0x8000 else ""
            return f"a fault of code at 0x{counter:08x}{known} (CFSR 0x{cfsr:08x}, HFSR 0x{hfsr:08x})"
        return f"QEMU ended with code {done.returncode}: {done.stderr.strip()[:2000]}"

    def _failed(self, owner: int | None, why: str) -> VerificationError:
        name, layers = self.program.name, self.layers
        layer = f"layer {layers[owner]}" if owner is not None and owner < len(layers) else f"{name}_run"
        return VerificationError(
            f"{name} failed on the emulated {self.target.name}",
            where=layer,
            why=why,
            remedy="report this as a bug of tinyc, with the model",
        )


def qemu_obstacle(target: Target) -> UsageError | None:
    """Why ``target`` cannot run in QEMU here; None where it can."""
    if target.cpu not in CPUS:
        return UsageError(
            f"{target.name} does not run in QEMU",
            why=f"its core is {target.cpu}",
            remedy=f"name a target with one of the cores {', '.join(CPUS)}",
        )
    if find_qemu() is None:
        return UsageError(
            f"{EMULATOR} is not installed",
            why=f"no {EMULATOR}, which emulates {target.cpu}",
            remedy="install QEMU (Debian: apt install qemu-system-arm)",
        )
    return None


def _required(target: Target) -> tuple[str, int]:
    if (reason := qemu_obstacle(target)) is not None:
        raise reason
    found = find_qemu()
    assert found is not None
    return found


def semihosted_image(
    program: Program, files: Mapping[str, str], target: Target, toolchain: Toolchain
) -> Image:
    """Compiles and links ``files`` for the machine, with start-up code; see ``link``."""
    code = _fitting(_CODE, target.main_memory("flash"))
    ram = _fitting(_RAM, target.main_memory("ram"))
    around = Surroundings(
        semihosted_files(program, code, ram, with_memory=not toolchain.complete),
        "semihosted.ld",
        ("-Wl,-e,board_reset",),
        code.bytes,
    )
    return link(program, files, around, target, toolchain)


def _fitting(machine: Region, target: Region) -> Region:
    """The machine's memory, no larger than the target's."""
    return replace(machine, bytes=min(machine.bytes, target.bytes))


def _code_ranges(name: str, layers: Sequence[str], image: Image) -> list[CodeRange]:
    """Whose instructions the counter counts, as ``counter_source`` numbers owners."""
    count = len(layers)
    owners = {f"{name}_{layer}": index for index, layer in enumerate(layers)}
    owners |= {f"{name}_run": count} | dict.fromkeys(STARTUP_FUNCTIONS, count + 1)
    found = [(image.symbols[symbol], owner) for symbol, owner in owners.items() if symbol in image.symbols]
    return [CodeRange(s.address, s.address + s.size, owner) for s, owner in found]


def _read_counts(path: Path, owners: int) -> tuple[list[int], int | None]:
    """Instructions by owner, and the owner that ran last; zeros where QEMU ended before it could tell."""
    if not path.is_file():
        return [0] * owners, None
    *counts, last = (int(line) for line in path.read_text(encoding="ascii").split())
    return counts, last


def _run(
    command: Sequence[str], folder: Path, seconds: int | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds,
        stdin=subprocess.DEVNULL, errors="replace",
    )  # fmt: skip
