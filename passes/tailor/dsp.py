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
from ...kernels.dsp_elementwise import DspProduct, DspSum
from ...kernels.dsp_filter import DspFilter
from ...kernels.dsp_matmul import DspMatMul
from ...kernels.dsp_pool import DspAveragePool, DspMaxPool
from ...kernels.dsp_scattered import DspScattered
from ...kernels.matmul import MatMul
from ...kernels.packed_conv2d import PackedConv2D
from ...kernels.packed_dense import PackedDense
from ...kernels.pool import AveragePool, MaxPool
from ...kernels.product import Product
from ...kernels.scaled_sum import ScaledSum


def with_dsp(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel by the DSP extension, None where there is none for it; ``dtype`` is its inputs'."""
    if type(kernel) is Conv2D or type(kernel) is PackedConv2D:
        return DspConv2D.of(kernel, dtype) or DspScattered.of(kernel, dtype)
    if type(kernel) is DepthwiseConv2D:
        return DspDepthwise.of(kernel, dtype) or DspFilter.of(kernel, dtype)
    if type(kernel) is Dense or type(kernel) is PackedDense:
        return DspDense.of(kernel, dtype)
    if type(kernel) is MatMul:
        return DspMatMul.of(kernel, dtype)
    if type(kernel) is AveragePool:
        return DspAveragePool.of(kernel, dtype)
    if type(kernel) is MaxPool:
        return DspMaxPool.of(kernel, dtype)
    if type(kernel) is ScaledSum:
        return DspSum.of(kernel, dtype)
    if type(kernel) is Product:
        return DspProduct.of(kernel, dtype)
    return None
