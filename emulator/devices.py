"""The emulated device for a target: Unicorn where it has the core, QEMU for Helium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from ..ir.errors import UsageError
from ..ir.program import Program
from ..targets import Target
from .board import Board, BoardRun
from .image import Image, build_image
from .qemu import CPUS, QemuBoard
from .toolchain import INSTALL, Toolchain, find_toolchain

_MODULES = ("unicorn", "capstone", "elftools")


class Device(Protocol):
    """What runs a model and counts."""

    image: Image

    def run(self, inputs: Mapping[str, np.ndarray]) -> BoardRun:
        """One inference on stored inputs by buffer name."""
        ...


def make_device(
    program: Program, files: Mapping[str, str], target: Target, layers: Sequence[str]
) -> tuple[Device, Toolchain]:
    """Builds ``files`` for ``target`` and puts them on its emulated board.

    Raises UsageError where the target is this computer, or a compiler or emulator is missing (with the line
    to type), BudgetError where the image does not fit.
    """
    if target.is_native:
        raise UsageError(
            "The target host is this computer: there is no board to emulate",
            remedy="name a board with --target; `tinyc targets` lists them",
        )
    toolchain = find_toolchain(target)
    missing = [name for name in _MODULES if find_spec(name) is None]
    if toolchain is None or missing:
        lacking = ", ".join(missing) or f"a cross compiler for {target.cpu}"
        raise UsageError(
            "The emulated board needs more than is installed", why=f"no {lacking}", remedy=INSTALL
        )
    return build_device(program, files, target, layers, toolchain), toolchain


def build_device(
    program: Program, files: Mapping[str, str], target: Target, layers: Sequence[str], toolchain: Toolchain
) -> Device:
    """The same with a given compiler, where the emulator is known to be installed."""
    if target.cpu in CPUS:
        return QemuBoard(program, files, target, layers, toolchain)
    return Board(program, build_image(program, files, target, toolchain), target, layers)
