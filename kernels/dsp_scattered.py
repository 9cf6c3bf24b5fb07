"""Convolution of groups, or with columns dilated, by the micro-kernels for Arm's DSP extension.

Numbers are those of ``Conv2D``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .dsp_inputs import Inputs
from .dsp_words import (
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

_LANES = 3
_CYCLES_PER_MAC = 1.6
"""Modelled, as measured with four groups of 16 channels on a Cortex-M4."""


@dataclass(frozen=True, eq=False)
class DspScattered(Conv2D):
    """Input (of type ``source``), weights and output of 8, 4 or 2 bits each. The inputs of all taps are put
    side by side first, for one group after the other."""

    template: ClassVar[str] = "dsp_scattered"

    source: DType

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> DspScattered | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        inside = kernel.groups > 1 and kernel.weights.shape[3] * input_dtype.bits % 8
        inputs = Inputs(input_dtype, kernel.input_zero)
        if inside or not fits(kernel.weights, kernel.bias, inputs, kernel.epilogue):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue,
            input_dtype,
        )  # fmt: skip

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.source, self.input_zero)

    @property
    def depth(self) -> int:
        """Bytes of a group's channels in a pixel."""
        return self.source.nbytes(self.weights.shape[3])

    @property
    def per_group(self) -> int:
        """Output channels of a group."""
        return self.out_channels // self.groups

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return scale_of(self.epilogue)

    @cached_property
    def form(self) -> Form:
        """That of all groups. Where weights are apart, pixels are taken by twos, not threes."""
        forms = {form_of(weights, bias, self.inputs, self.scale) for weights, bias, _ in self._parts()}
        return Form.APART if Form.APART in forms else forms.pop()

    @property
    def pair(self) -> int:
        """Words of two channels."""
        return words_of_pair(self.filled * self.inputs.many, self.form)

    @property
    def filled(self) -> int:
        """Bytes of a group's taps, filled up."""
        bits = DType.of(self.weights.dtype).bits
        return filled_up(self.sliding.taps * self.depth, Form.CRUMBS if bits == 2 else Form.ONE, self.inputs)

    @property
    def words(self) -> int:
        """Words of a group's weights."""
        return -(-self.per_group // 2) * self.pair

    def constants(self) -> Mapping[str, np.ndarray]:
        form, inputs = self.form, self.inputs
        parts = self._parts()
        words = [packed(inputs.ordered(flat), bias, inputs, epilogue, form) for flat, bias, epilogue in parts]
        return {"weights": np.concatenate(words)}

    def _parts(self) -> list[tuple[np.ndarray, np.ndarray, Requantize]]:
        """Weights [channels, inputs], biases and requantization of each group."""
        assert isinstance(self.epilogue, Requantize)
        flat = self.inputs.filled(self.weights).reshape(self.out_channels, -1)
        filled = np.pad(flat, ((0, 0), (0, self.filled * self.inputs.many - flat.shape[1])))
        multipliers = np.broadcast_to(self.epilogue.multipliers, self.bias.shape)
        groups = [slice(g * self.per_group, (g + 1) * self.per_group) for g in range(self.groups)]
        return [(filled[g], self.bias[g], replace(self.epilogue, multipliers=multipliers[g])) for g in groups]

    def cost(self, window: Window) -> Cost:
        taps = self.sliding.taps * self.weights.shape[3]
        per_mac = cycles_per_mac(
            _CYCLES_PER_MAC, self.form, self.source, self.epilogue, taps, self.per_group
        )
        return super().cost(window).at(per_mac)

    @property
    def work_bytes(self) -> int:
        """Working memory for the inputs of the pixels that are computed at a time."""
        return (2 * _LANES * self.inputs.many + 1) * self.filled

    def scratch(self) -> int:
        return self.work_bytes + staged(self.epilogue, self.out_channels)
