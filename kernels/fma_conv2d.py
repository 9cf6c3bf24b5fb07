"""Convolution by register tiles of float32; numbers are those of ``Conv2D``, but for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .fma_tiles import CYCLES_PER_MAC, computes, packed


@dataclass(frozen=True, eq=False)
class FmaConv2D(Conv2D):
    """The taps of a row lie side by side; four channels of up to four pixels are computed at a time."""

    template: ClassVar[str] = "fma_conv2d"

    fused: bool
    """By VFMA, not by a multiplication and an addition apart."""

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType, fused: bool) -> FmaConv2D | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        scattered = kernel.groups > 1 or (kernel.sliding.dilation[1] > 1 and kernel.sliding.kernel[1] > 1)
        if scattered or not computes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue,
            fused,
        )  # fmt: skip

    def constants(self) -> Mapping[str, np.ndarray]:
        return packed(self.weights.reshape(self.out_channels, -1), self.bias)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
