"""Depthwise convolution by register tiles of float32; numbers are ``DepthwiseConv2D``'s, but for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .depthwise import DepthwiseConv2D
from .fma_tiles import CYCLES_PER_MAC, computes, packed
from .weights import channel_groups


@dataclass(frozen=True, eq=False)
class FmaDepthwise(DepthwiseConv2D):
    """Four channels of up to four pixels are computed at a time, the last four channels perhaps again."""

    template: ClassVar[str] = "fma_depthwise"

    fused: bool
    """By VFMA, not by a multiplication and an addition apart."""

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType, fused: bool) -> FmaDepthwise | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        if kernel.channels < 4 or not computes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.sliding, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue, fused)

    @property
    def slides_over(self) -> bool:
        """Three taps of neighbouring outputs lie in neighbouring columns, so that these do for several."""
        s = self.sliding
        return s.kernel[1] == 3 and s.stride[1] == 1 and s.dilation[1] == 1

    def constants(self) -> Mapping[str, np.ndarray]:
        order = channel_groups(self.channels, 4).reshape(-1)
        return packed(self.weights.reshape(-1, self.channels).T[order], self.bias[order])

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
