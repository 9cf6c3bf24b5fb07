"""Convolution by the micro-kernels for Arm's Helium; numbers are those of ``Conv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .epilogue import Requantize, requantizes
from .mve_blocks import CYCLES_PER_MAC, in_fours

_GATHERED = 256
"""Bytes of taps at a time, unless two pixels have more."""


@dataclass(frozen=True, eq=False)
class MveConv2D(Conv2D):
    """Two pixels and four output channels at a time; the taps of a pixel side by side, in blocks of 16."""

    template: ClassVar[str] = "mve_conv2d"

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> MveConv2D | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        scattered = kernel.groups > 1 or kernel.sliding.dilation[1] > 1
        if scattered or not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue
        )

    @property
    def is_direct(self) -> bool:
        """One tap, never in the padding: inputs lie side by side already."""
        return self.sliding.taps == 1 and not self.sliding.is_padded

    @property
    def taps(self) -> int:
        """Inputs of a pixel."""
        return self.sliding.taps * self.in_channels

    @property
    def gathered(self) -> int:
        """Pixels whose taps are copied side by side before they are used, an even number; 0: none are."""
        if self.is_direct and not self.in_place():
            return 0
        return max(min(_GATHERED // self.taps, self.out_pixels) // 2 * 2, 2)

    @property
    def out_pixels(self) -> int:
        """Of a row that is computed at once."""
        rows, columns = self.sliding.output
        return rows * columns * self.sliding.batch if self.sliding.is_pointwise else columns

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        flat = self.weights.reshape(self.out_channels, -1)
        return {"weights": in_fours(flat, self.bias, self.input_zero, self.epilogue)}

    def in_place(self) -> tuple[int, ...]:
        """Pixels are copied before outputs are written."""
        return (0,) if self.sliding.is_pointwise and self.in_channels == self.out_channels else ()

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)

    def scratch(self) -> int:
        return self.gathered * self.taps
