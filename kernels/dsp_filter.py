"""Depthwise convolution of any form by a micro-kernel for Arm's DSP extension.

Numbers are those of ``DepthwiseConv2D``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .depthwise import DepthwiseConv2D
from .dsp_words import MOST_SCALE
from .epilogue import Requantize, requantizes
from .weights import centred_bias, channel_groups

_CYCLES_PER_MAC = 5.2
"""Modelled, as measured with kernels of 5 x 5 on a Cortex-M4."""


@dataclass(frozen=True, eq=False)
class DspFilter(DepthwiseConv2D):
    """Four channels are computed at a time, the last ones perhaps again; taps are taken by twos."""

    template: ClassVar[str] = "dsp_filter"

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType) -> DspFilter | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        if kernel.channels < 4 or not requantizes(
            kernel.weights, kernel.epilogue, input_dtype, most=MOST_SCALE
        ):
            return None
        return cls(kernel.sliding, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    @property
    def taps(self) -> int:
        """Filled up to a multiple of two."""
        return -(-self.sliding.taps // 2) * 2

    def constants(self) -> Mapping[str, np.ndarray]:
        """For each four channels: biases, the weights of channels 0 and 2 and of 1 and 3 for each tap as 16
        bits, multipliers. Weights and biases are shifted up where the requantization shifts accumulators."""
        assert isinstance(self.epilogue, Requantize)
        flat = self.weights.astype(np.int64).reshape(self.sliding.taps, -1)
        biases = centred_bias(flat.T, self.bias, self.input_zero) << self.epilogue.pre_shift
        filled = np.pad(flat << self.epilogue.pre_shift, ((0, self.taps - len(flat)), (0, 0))) & 0xFFFF
        multipliers = np.broadcast_to(self.epilogue.multipliers.astype(np.int64), biases.shape)
        words: list[np.ndarray] = []
        for four in channel_groups(self.channels, 4):
            pairs = filled[:, four[:2]] | filled[:, four[2:]] << 16
            words += [biases[four], pairs.reshape(-1), multipliers[four]]
        return {"weights": (np.concatenate(words) & 0xFFFFFFFF).astype(np.uint32)}

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(_CYCLES_PER_MAC)

    def scratch(self) -> int:
        return 4 * self.taps + self.channels
