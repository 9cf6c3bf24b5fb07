"""What emitted C is optimized for: one text, one definition in it, and the compiler's level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Optimize = Literal["speed", "size"]
"""``speed``: the routines of fast kernels are inlined into each layer, so that the compiler specialises them
on its constants; ``size``: layers share them."""

LEVELS: Mapping[Optimize, str] = {"speed": "-O2", "size": "-Os"}
"""Of gcc and clang; docs/kernels.md has what -O3 would gain and take."""


def compiler_flags(optimize: Optimize) -> tuple[str, ...]:
    """For emitted C, whichever of the two its header says."""
    return LEVELS[optimize], f"-DTINYC_SPECIALIZED={int(optimize == 'speed')}"


def other(optimize: Optimize) -> Optimize:
    """The one of the two that was not chosen."""
    return "size" if optimize == "speed" else "speed"
