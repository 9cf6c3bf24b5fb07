"""Depthwise convolution by the micro-kernels for Arm's DSP extension; numbers are ``DepthwiseConv2D``'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .depthwise import DepthwiseConv2D
from .dsp_words import CYCLES_PER_MAC
from .epilogue import Requantize, requantizes
from .weights import centred_bias, channel_groups

_COLUMNS = 50
"""Columns of the input that are widened at a time; each takes 24 bytes."""
_ORDER = (0, 2, 1, 3)
"""In which the micro-kernel takes four channels."""


@dataclass(frozen=True, eq=False)
class DspDepthwise(DepthwiseConv2D):
    """Kernels of 3 × 3. Four channels are computed at a time, the last ones perhaps again."""

    template: ClassVar[str] = "dsp_depthwise"

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType) -> DspDepthwise | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        s = kernel.sliding
        suits = s.kernel == (3, 3) and s.dilation[1] == 1 and s.stride[1] <= 2 and kernel.channels >= 4
        if not suits or not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(s, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    @property
    def most(self) -> int:
        """Outputs of a row that are computed at a time."""
        return min(self.sliding.output[1], (_COLUMNS - 3) // self.sliding.stride[1] + 1)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        bias = centred_bias(self.weights.reshape(-1, self.channels).T, self.bias, self.input_zero)
        multipliers = np.broadcast_to(self.epilogue.multipliers, bias.shape)
        words = [
            word
            for four in channel_groups(self.channels, 4)
            for c in _ORDER
            for word in (bias[four[c]], multipliers[four[c]], *self._columns(four[c], c >= 2))
        ]
        return {"weights": (np.array(words, np.int64) & 0xFFFFFFFF).astype(np.uint32)}

    def _columns(self, channel: int, second: bool) -> list[int]:
        """A word for each column of taps. The first two rows are for one word of inputs, the last is for one
        that two channels share: for its lower half, or for the upper one with the ``second`` channel, which
        has the two words in the other order."""
        top, middle, bottom = self.weights[:, :, channel].astype(np.int64) & 0xFF
        if second:
            return list(bottom << 16 | top << 8 | middle << 24)
        return list(top | middle << 16 | bottom << 8)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)

    def scratch(self) -> int:
        return 24 * ((self.most - 1) * self.sliding.stride[1] + 3)
