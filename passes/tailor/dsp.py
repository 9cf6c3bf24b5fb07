"""Kernels by Arm's DSP extension (Cortex-M4, M7, M33)."""

from __future__ import annotations

from ...ir.dtype import DType
from ...ir.kernel import Kernel
from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.dsp_conv2d import DspConv2D
from ...kernels.dsp_dense import DspDense
from ...kernels.dsp_depthwise import DspDepthwise


def with_dsp(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel by the DSP extension, None where there is none for it; ``dtype`` is its input's."""
    if type(kernel) is Conv2D:
        return DspConv2D.of(kernel, dtype)
    if type(kernel) is DepthwiseConv2D:
        return DspDepthwise.of(kernel, dtype)
    if type(kernel) is Dense:
        return DspDense.of(kernel, dtype)
    return None
