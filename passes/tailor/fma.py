"""Kernels by register tiles of float32, for cores that multiply and add floats (Cortex-M4F, M7, M33, M55)."""

from __future__ import annotations

from functools import partial

from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.float_recurrent import FloatRecurrent
from ...kernels.fma_conv2d import FmaConv2D
from ...kernels.fma_dense import FmaDense
from ...kernels.fma_depthwise import FmaDepthwise
from ...kernels.fma_recurrent import FmaRecurrent
from ...targets import Target
from .exchange import Exchanges

_SLOWLY_FUSED = ("cortex-m4", "cortex-m33")
"""VFMA takes three cycles there, VMUL and VADD one each: Arm Cortex-M4 Technical Reference Manual
(100166), 7.2.3; the M33 is modelled alike."""


def fuses(target: Target) -> bool:
    """Whether a core multiplies and adds faster by one instruction than by two."""
    return target.cpu not in _SLOWLY_FUSED


def float_tiles(target: Target) -> Exchanges:
    """For a core with an FPU."""
    fused = fuses(target)
    return {
        Conv2D: (partial(FmaConv2D.of, fused=fused),),
        DepthwiseConv2D: (partial(FmaDepthwise.of, fused=fused),),
        Dense: (partial(FmaDense.of, fused=fused),),
        FloatRecurrent: (partial(FmaRecurrent.of, fused=fused),),
    }
