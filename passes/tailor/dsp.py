"""Kernels by Arm's DSP extension (Cortex-M4, M7, M33)."""

from __future__ import annotations

from ...kernels.attention import QuantizedAttention
from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.dsp_attention import DspAttention
from ...kernels.dsp_conv2d import DspConv2D
from ...kernels.dsp_dense import DspDense
from ...kernels.dsp_depthwise import DspDepthwise
from ...kernels.dsp_elementwise import DspProduct, DspSum
from ...kernels.dsp_event import DspEventConv2D, DspEventDense
from ...kernels.dsp_filter import DspFilter
from ...kernels.dsp_masked import DspMaskedConv2D, DspMaskedDense
from ...kernels.dsp_matmul import DspMatMul
from ...kernels.dsp_pool import DspAveragePool, DspMaxPool
from ...kernels.dsp_recurrent import DspRecurrent
from ...kernels.dsp_scattered import DspScattered
from ...kernels.dsp_wide import DspWideConv2D, DspWideDense
from ...kernels.event_conv2d import EventConv2D
from ...kernels.event_dense import EventDense
from ...kernels.integer_recurrent import IntegerRecurrent
from ...kernels.matmul import MatMul
from ...kernels.packed_conv2d import PackedConv2D
from ...kernels.packed_dense import PackedDense
from ...kernels.packed_depthwise import PackedDepthwise
from ...kernels.packed_pool import PackedAveragePool, PackedMaxPool
from ...kernels.pool import AveragePool, MaxPool
from ...kernels.product import Product
from ...kernels.scaled_sum import ScaledSum
from .exchange import Exchanges
from .rates import by_rate

DSP: Exchanges = {
    Conv2D: (DspConv2D.of, DspScattered.of, DspWideConv2D.of),
    PackedConv2D: (DspConv2D.of, DspScattered.of),
    DepthwiseConv2D: (DspDepthwise.of, DspFilter.of),
    PackedDepthwise: (DspDepthwise.of,),
    Dense: (DspDense.of, DspWideDense.of),
    PackedDense: (DspDense.of,),
    MatMul: (DspMatMul.of,),
    QuantizedAttention: (DspAttention.fitting,),
    IntegerRecurrent: (DspRecurrent.of,),
    AveragePool: (DspAveragePool.of,),
    PackedAveragePool: (DspAveragePool.of,),
    MaxPool: (DspMaxPool.of,),
    PackedMaxPool: (DspMaxPool.of,),
    ScaledSum: (DspSum.of,),
    Product: (DspProduct.of,),
    EventDense: (by_rate(DspEventDense.fitting, DspMaskedDense.fitting),),
    EventConv2D: (by_rate(DspEventConv2D.fitting, DspMaskedConv2D.fitting),),
}
