"""Convolution by the micro-kernels for Arm's DSP extension; numbers are those of ``Conv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from .conv2d import Conv2D
from .dsp_words import fits, packed
from .epilogue import Requantize

LANES = 3
"""Pixels at a time."""


@dataclass(frozen=True, eq=False)
class DspConv2D(Conv2D):
    """Rows of taps are filled up to a multiple of four with weights of 0."""

    template: ClassVar[str] = "dsp_conv2d"

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> DspConv2D | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        flat = kernel.weights.reshape(kernel.out_channels, -1)
        apart = kernel.groups > 1 or kernel.sliding.dilation[1] > 1
        if apart or not fits(flat, kernel.bias, kernel.input_zero, kernel.epilogue, input_dtype):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue
        )

    @property
    def run(self) -> int:
        """Inputs in a row of taps, filled up."""
        return -(-self.sliding.kernel[1] * self.in_channels // 4) * 4

    @property
    def is_pointwise(self) -> bool:
        """One tap, and one output for each input pixel."""
        return self.sliding.taps == 1 and self.sliding.stride == (1, 1) and self.sliding.pads == (0, 0)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        rows = self.weights.reshape(self.out_channels, self.sliding.kernel[0], -1)
        filled = np.pad(rows, ((0, 0), (0, 0), (0, self.run - rows.shape[2])))
        flat = filled.reshape(self.out_channels, -1)
        return {"weights": packed(flat, self.bias, self.input_zero, self.epilogue)}

    def in_place(self) -> tuple[int, ...]:
        """Pixels are read before they are written."""
        return (0,) if self.is_pointwise and self.in_channels == self.out_channels else ()

    def scratch(self) -> int:
        return LANES * 2 * self.sliding.kernel[0] * self.run + self.run
