"""Kernels by register tiles, for cores that have neither Arm's DSP extension nor Helium."""

from __future__ import annotations

from ...ir.dtype import DType
from ...ir.kernel import Kernel
from ...kernels.conv2d import Conv2D
from ...kernels.tile_conv2d import TileConv2D, TilePairs


def with_tiles(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel by tiles for RV32, None where there is none for it; ``dtype`` is its input's."""
    if type(kernel) is Conv2D:
        return TileConv2D.of(kernel, dtype)
    return None


def with_pairs(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The same for Thumb."""
    if type(kernel) is Conv2D:
        return TilePairs.of(kernel, dtype)
    return None
