"""Kernels by Arm's Helium (Cortex-M55)."""

from __future__ import annotations

from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.event_conv2d import EventConv2D
from ...kernels.event_dense import EventDense
from ...kernels.mve_conv2d import MveConv2D
from ...kernels.mve_dense import MveDense
from ...kernels.mve_depthwise import MveDepthwise
from ...kernels.mve_event import MveEventConv2D, MveEventDense, MveMaskedConv2D, MveMaskedDense
from ...kernels.mve_mean import MveMean
from ...kernels.mve_sum import MveSum
from ...kernels.pool import AveragePool
from ...kernels.scaled_sum import ScaledSum
from .exchange import Exchanges
from .rates import by_rate

HELIUM: Exchanges = {
    Conv2D: (MveConv2D.of,),
    DepthwiseConv2D: (MveDepthwise.of,),
    Dense: (MveDense.of,),
    AveragePool: (MveMean.of,),
    ScaledSum: (MveSum.of,),
    EventDense: (by_rate(MveEventDense.like, MveMaskedDense.fitting),),
    EventConv2D: (by_rate(MveEventConv2D.like, MveMaskedConv2D.fitting),),
}
