"""Kernels by register tiles of float32, for cores that multiply and add floats (Cortex-M4F, M7, M33, M55)."""

from __future__ import annotations

from ...ir.dtype import DType
from ...ir.kernel import Kernel
from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.fma_conv2d import FmaConv2D
from ...kernels.fma_dense import FmaDense
from ...kernels.fma_depthwise import FmaDepthwise


def with_fma(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel by register tiles, None where there is none for it; ``dtype`` is its input's."""
    if type(kernel) is Conv2D:
        return FmaConv2D.of(kernel, dtype)
    if type(kernel) is DepthwiseConv2D:
        return FmaDepthwise.of(kernel, dtype)
    if type(kernel) is Dense:
        return FmaDense.of(kernel, dtype)
    return None
