"""The emulated device for a target: Unicorn where it has the core, QEMU for Helium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from ..codegen.optimization import Optimize
from ..ir.errors import UsageError
from ..ir.program import Program
from ..targets import Target
from .board import Board, BoardRun
from .cores import unknown_core
from .image import Image, build_image
from .qemu import CPUS, QemuBoard, qemu_obstacle, semihosted_image
from .toolchain import INSTALL, Toolchain, find_toolchain

_MODULES = ("unicorn", "capstone", "elftools")


class Device(Protocol):
    """What runs a model and counts."""

    image: Image

    def run(self, inputs: Mapping[str, np.ndarray]) -> BoardRun:
        """One inference on stored inputs by buffer name; of a model with states, after a reset."""
        ...

    def run_steps(self, steps: Sequence[Mapping[str, np.ndarray]]) -> list[BoardRun]:
        """Several, the time steps of one sequence where the model has states."""
        ...


def obstacle(target: Target) -> UsageError | None:
    """Why there is no emulated board for ``target`` on this machine, with the line to type; None where
    there is one."""
    if target.is_native:
        return UsageError(
            "The target host is this computer: there is no board to emulate",
            why="this computer is no board to emulate",
            remedy="name a board with --target; `tinyc targets` lists them",
        )
    needed = ("elftools",) if target.cpu in CPUS else _MODULES
    missing = [name for name in needed if find_spec(name) is None]
    if find_toolchain(target) is None or missing:
        lacking = ", ".join(missing) or f"cross compiler for {target.cpu}"
        return UsageError(
            "The emulated board needs more than is installed", why=f"no {lacking}", remedy=INSTALL
        )
    return qemu_obstacle(target) if target.cpu in CPUS else unknown_core(target)


def make_device(
    program: Program, files: Mapping[str, str], target: Target, layers: Sequence[str],
    optimize: Optimize = "speed",
) -> tuple[Device, Toolchain]:  # fmt: skip
    """Builds ``files`` for ``target`` and puts them on its emulated board.

    Raises UsageError where there is an ``obstacle``, BudgetError where the image does not fit.
    """
    if (reason := obstacle(target)) is not None:
        raise reason
    toolchain = find_toolchain(target)
    assert toolchain is not None
    toolchain = replace(toolchain, optimize=optimize)
    return build_device(program, files, target, layers, toolchain), toolchain


def build_device(
    program: Program, files: Mapping[str, str], target: Target, layers: Sequence[str], toolchain: Toolchain
) -> Device:
    """The same with a given compiler, where the emulator is known to be installed."""
    if target.cpu in CPUS:
        return QemuBoard(program, files, target, layers, toolchain)
    return Board(program, build_image(program, files, target, toolchain), target, layers)


def flash_bytes(
    program: Program, files: Mapping[str, str], target: Target, toolchain: Toolchain
) -> tuple[int, int]:
    """Bytes of code and of constants of ``files``, with what they call, by a compiler; see ``link`` for what
    is refused."""
    build = semihosted_image if target.cpu in CPUS else build_image
    image = build(program, files, target, toolchain)
    return image.text, image.rodata + image.data
