"""Convolution of groups, or with columns dilated, by the micro-kernels for Arm's DSP extension.

Numbers are those of ``Conv2D``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .dsp_words import Form, form_of, packed, requantizes, scale_of, words_of_pair
from .epilogue import Requantize

_LANES = 3
_CYCLES_PER_MAC = 1.6
"""Modelled, as measured with four groups of 16 channels on a Cortex-M4."""


@dataclass(frozen=True, eq=False)
class DspScattered(Conv2D):
    """The inputs of all taps are put side by side first, for one group after the other."""

    template: ClassVar[str] = "dsp_scattered"

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> DspScattered | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        if not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue
        )

    @property
    def per_group(self) -> int:
        """Output channels of a group."""
        return self.out_channels // self.groups

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return scale_of(self.epilogue)

    @property
    def form(self) -> Form:
        """That of all groups. Where weights are apart, pixels are taken by twos, not threes."""
        forms = {form_of(weights, bias, self.input_zero, self.scale) for weights, bias, _ in self._parts()}
        return Form.APART if Form.APART in forms else forms.pop()

    @property
    def pair(self) -> int:
        """Words of two channels."""
        return words_of_pair(self.filled, self.form)

    @property
    def filled(self) -> int:
        """Inputs of a group, filled up to a multiple of four."""
        return -(-self.sliding.taps * self.weights.shape[3] // 4) * 4

    @property
    def words(self) -> int:
        """Words of a group's weights."""
        return -(-self.per_group // 2) * self.pair

    def constants(self) -> Mapping[str, np.ndarray]:
        form, zero = self.form, self.input_zero
        words = [packed(flat, bias, zero, epilogue, form) for flat, bias, epilogue in self._parts()]
        return {"weights": np.concatenate(words)}

    def _parts(self) -> list[tuple[np.ndarray, np.ndarray, Requantize]]:
        """Weights [channels, inputs], biases and requantization of each group."""
        assert isinstance(self.epilogue, Requantize)
        flat = self.weights.reshape(self.out_channels, -1)
        filled = np.pad(flat, ((0, 0), (0, self.filled - flat.shape[1])))
        multipliers = np.broadcast_to(self.epilogue.multipliers, self.bias.shape)
        groups = [slice(g * self.per_group, (g + 1) * self.per_group) for g in range(self.groups)]
        return [(filled[g], self.bias[g], replace(self.epilogue, multipliers=multipliers[g])) for g in groups]

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(_CYCLES_PER_MAC)

    def scratch(self) -> int:
        return (2 * _LANES + 1) * self.filled
