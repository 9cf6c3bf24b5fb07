"""Convolution by the micro-kernels for Arm's DSP extension; numbers are those of ``Conv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .dsp_inputs import Inputs
from .dsp_words import (
    CYCLES_PER_MAC,
    Form,
    cycles_per_mac,
    filled_up,
    fits,
    form_of,
    packed,
    scale_of,
    staged,
    words_of_pair,
)
from .epilogue import Requantize

LANES = 3
"""Pixels at a time."""


@dataclass(frozen=True, eq=False)
class DspConv2D(Conv2D):
    """Input (of type ``source``), weights and output of 8, 4 or 2 bits each. The bytes of taps are taken in
    fours, of each row as many as there are; the rest of all rows is put behind them and filled up with
    weights of 0."""

    template: ClassVar[str] = "dsp_conv2d"

    source: DType

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> DspConv2D | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        scattered = kernel.groups > 1 or kernel.sliding.dilation[1] > 1
        inputs = Inputs(input_dtype, kernel.input_zero)
        if scattered or not fits(kernel.weights, kernel.bias, inputs, kernel.epilogue):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue,
            input_dtype,
        )  # fmt: skip

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.source, self.input_zero)

    @cached_property
    def form(self) -> Form:
        """Where weights are apart, pixels are taken by twos, not threes."""
        flat = self.weights.reshape(self.out_channels, -1)
        return form_of(flat, self.bias, self.inputs, self.scale)

    @property
    def pair(self) -> int:
        """Words of two channels."""
        return words_of_pair(self._taps, self.form)

    @property
    def _taps(self) -> int:
        """Inputs of a pixel, filled up."""
        return (self.sliding.kernel[0] * self.fours + self.filled) * self.inputs.many

    @property
    def _row(self) -> int:
        """Bytes of a row of taps."""
        return self.sliding.kernel[1] * self.source.nbytes(self.in_channels)

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return scale_of(self.epilogue)

    @property
    def fours(self) -> int:
        """Bytes of a row of taps that come in fours."""
        return self._row // 4 * 4

    @property
    def rest(self) -> int:
        """Bytes of a row of taps behind those."""
        return self._row % 4

    @property
    def filled(self) -> int:
        """The rest of all rows, filled up to what micro-kernels take at a time."""
        rows = self.sliding.kernel[0]
        return -rows * self.fours + filled_up(rows * (self.fours + self.rest), self.form, self.inputs)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        inputs, channels = self.inputs, self.out_channels
        rows = inputs.filled(self.weights).reshape(channels, self.sliding.kernel[0], -1)
        fours, rest = np.split(rows, [self.fours * inputs.many], axis=2)
        flat = np.concatenate([fours.reshape(channels, -1), rest.reshape(channels, -1)], axis=1)
        flat = np.pad(flat, ((0, 0), (0, self._taps - flat.shape[1])))
        return {"weights": packed(inputs.ordered(flat), self.bias, inputs, self.epilogue, self.form)}

    def in_place(self) -> tuple[int, ...]:
        """Pixels are read before they are written."""
        return (0,) if self.sliding.is_pointwise and self.in_channels == self.out_channels else ()

    def cost(self, window: Window) -> Cost:
        per_mac = cycles_per_mac(
            CYCLES_PER_MAC, self.form, self.source, self.epilogue, self._taps, self.out_channels
        )
        return super().cost(window).at(per_mac)

    @property
    def work_bytes(self) -> int:
        """Working memory for the inputs of the pixels that are computed at a time."""
        return LANES * (2 * self._taps + self.filled)

    def scratch(self) -> int:
        return self.work_bytes + staged(self.epilogue, self.out_channels)
