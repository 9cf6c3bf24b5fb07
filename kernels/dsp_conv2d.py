"""Convolution by the micro-kernels for Arm's DSP extension; numbers are those of ``Conv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .dsp_words import CYCLES_PER_MAC, Form, form_of, packed, requantizes, scale_of, words_of_pair
from .epilogue import Requantize

LANES = 3
"""Pixels at a time."""


@dataclass(frozen=True, eq=False)
class DspConv2D(Conv2D):
    """Taps are taken in fours, of each row as many as there are; the rest of all rows is put behind them and
    filled up with weights of 0."""

    template: ClassVar[str] = "dsp_conv2d"

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> DspConv2D | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        scattered = kernel.groups > 1 or kernel.sliding.dilation[1] > 1
        if scattered or not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue
        )

    @property
    def form(self) -> Form:
        """Where weights are apart, pixels are taken by twos, not threes."""
        flat = self.weights.reshape(self.out_channels, -1)
        return form_of(flat, self.bias, self.input_zero, self.scale)

    @property
    def pair(self) -> int:
        """Words of two channels."""
        return words_of_pair(self.sliding.kernel[0] * self.fours + self.filled, self.form)

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return scale_of(self.epilogue)

    @property
    def fours(self) -> int:
        """Inputs in a row of taps that come in fours."""
        return self.sliding.kernel[1] * self.in_channels // 4 * 4

    @property
    def rest(self) -> int:
        """Inputs in a row of taps behind those."""
        return self.sliding.kernel[1] * self.in_channels % 4

    @property
    def filled(self) -> int:
        """The rest of all rows, filled up."""
        return -(-self.sliding.kernel[0] * self.rest // 4) * 4

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        rows = self.weights.reshape(self.out_channels, self.sliding.kernel[0], -1)
        fours = rows[:, :, : self.fours].reshape(self.out_channels, -1)
        rest = rows[:, :, self.fours :].reshape(self.out_channels, -1)
        flat = np.concatenate([fours, np.pad(rest, ((0, 0), (0, self.filled - rest.shape[1])))], axis=1)
        return {"weights": packed(flat, self.bias, self.input_zero, self.epilogue, self.form)}

    def in_place(self) -> tuple[int, ...]:
        """Pixels are read before they are written."""
        return (0,) if self.sliding.is_pointwise and self.in_channels == self.out_channels else ()

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)

    def scratch(self) -> int:
        return LANES * (2 * (self.sliding.kernel[0] * self.fours + self.filled) + self.filled)
