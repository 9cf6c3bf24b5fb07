"""Cross compilers: which one builds for a target on this machine, and which version it is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from ..codegen.optimization import Optimize, compiler_flags
from ..targets import Target

INSTALL = "pip install 'tinyc[toolchain]'"
"""What brings a cross compiler and the emulator to any machine."""


@dataclass(frozen=True)
class Toolchain:
    """A cross compiler with the options that select a core.

    ``link`` holds what must follow the sources; ``label`` names it in reports (``arm-none-eabi-gcc 12.2.1``).
    ``complete`` tells that it has a C library of its own. ``optimize`` is what it compiles for.
    """

    command: tuple[str, ...]
    link: tuple[str, ...]
    label: str
    complete: bool
    optimize: Optimize = "speed"

    @property
    def compile(self) -> tuple[str, ...]:
        """The command with all flags of a model's C."""
        separate = ("-ffunction-sections", "-fdata-sections")
        return (*self.command, "-std=c99", *compiler_flags(self.optimize), "-ffp-contract=off", *separate)


@cache
def find_toolchain(target: Target) -> Toolchain | None:
    """The target's gcc where it is installed, else ``zig cc`` of the package ziglang, else None."""
    return gcc(target) or zig(target)


def gcc(target: Target) -> Toolchain | None:
    """The gcc that the target file names; Arm's comes with newlib, Debian's for RISC-V without a library."""
    path = shutil.which(target.gcc)
    if path is None:
        return None
    complete = not target.is_riscv
    libraries = ("-lc", "-lgcc") if complete else ("-lgcc",)
    # without a C library gcc has stdint.h for freestanding code only; memcpy stays known to it all the same
    alone = () if complete else ("-ffreestanding", "-fbuiltin")
    command = (path, *target.gcc_flags, *alone)
    return Toolchain(command, ("-nostdlib", *libraries), f"{target.gcc} {_version(path)}", complete)


def zig(target: Target) -> Toolchain | None:
    """clang as the package ziglang brings it; it has compiler-rt but no C library for bare metal."""
    if find_spec("ziglang") is None:
        return None
    core = ("-target", target.zig_target, f"-mcpu={target.zig_cpu}")
    # without debugging information it strips what it optimizes for size of its symbols
    command = (sys.executable, "-m", "ziglang", "cc", *core, "-gline-tables-only")
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", "version"], capture_output=True, text=True, check=False
    )
    return Toolchain(command, (), f"zig cc {done.stdout.strip()}", complete=False)


def _version(path: str) -> str:
    done = subprocess.run([path, "-dumpfullversion"], capture_output=True, text=True, check=False)
    match = re.search(r"\d+(\.\d+)+", done.stdout)
    return match[0] if match else "of unknown version"
