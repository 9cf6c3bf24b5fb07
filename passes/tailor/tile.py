"""Kernels for cores that have neither Arm's DSP extension nor Helium."""

from __future__ import annotations

from ...ir.dtype import DType
from ...ir.kernel import Kernel
from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.tile_conv2d import TileConv2D, TilePairs
from ...kernels.tile_dense import TileDense
from ...kernels.tile_depthwise import TileDepthwise, TileTaps


def with_tiles(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel for RV32, None where there is none for it; ``dtype`` is its input's."""
    if type(kernel) is Conv2D:
        return TileConv2D.of(kernel, dtype)
    if type(kernel) is DepthwiseConv2D:
        return TileDepthwise.of(kernel, dtype)
    return _dense(kernel, dtype)


def with_pairs(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel for Thumb, None where there is none for it; ``dtype`` is its input's."""
    if type(kernel) is Conv2D:
        return TilePairs.of(kernel, dtype)
    if type(kernel) is DepthwiseConv2D:
        return TileTaps.of(kernel, dtype)
    return _dense(kernel, dtype)


def _dense(kernel: Kernel, dtype: DType) -> Kernel | None:
    return TileDense.of(kernel, dtype) if type(kernel) is Dense else None
