"""Kernels by Arm's Helium (Cortex-M55)."""

from __future__ import annotations

from ...ir.dtype import DType
from ...ir.kernel import Kernel
from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.mve_conv2d import MveConv2D
from ...kernels.mve_dense import MveDense
from ...kernels.mve_depthwise import MveDepthwise
from ...kernels.mve_mean import MveMean
from ...kernels.mve_sum import MveSum
from ...kernels.pool import AveragePool
from ...kernels.scaled_sum import ScaledSum


def with_helium(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel by Helium, None where there is none for it; ``dtype`` is its input's."""
    if type(kernel) is Conv2D:
        return MveConv2D.of(kernel, dtype)
    if type(kernel) is DepthwiseConv2D:
        return MveDepthwise.of(kernel, dtype)
    if type(kernel) is Dense:
        return MveDense.of(kernel, dtype)
    if type(kernel) is AveragePool:
        return MveMean.of(kernel, dtype)
    if type(kernel) is ScaledSum:
        return MveSum.of(kernel, dtype)
    return None
