"""Depthwise convolution by the micro-kernels for Arm's Helium; numbers are those of ``DepthwiseConv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .depthwise import DepthwiseConv2D
from .epilogue import Requantize, requantizes
from .mve_blocks import BLOCK
from .weights import centred_bias, channel_groups

CYCLES_PER_MAC = 0.9
"""Instructions, as measured with kws01 on a Cortex-M55."""
_TURNS = np.arange(BLOCK).reshape(4, 4).T[[0, 2, 1, 3]].reshape(-1)
"""Channels in the order in which widening yields them: every fourth one."""


@dataclass(frozen=True, eq=False)
class MveDepthwise(DepthwiseConv2D):
    """16 channels at a time, the last ones perhaps again; of fewer channels several pixels, where these lie
    side by side."""

    template: ClassVar[str] = "mve_depthwise"

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType) -> MveDepthwise | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        if not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.sliding, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    @property
    def together(self) -> int:
        """Pixels that the micro-kernel for 3 × 3 takes as one, 0 where it takes none.

        It adds two products in 16 bits, which do not hold twice -128 · -128.
        """
        s = self.sliding
        if s.kernel != (3, 3) or self.weights.min() == -128:
            return 0
        if self.channels >= BLOCK:
            return 1
        return BLOCK // self.channels if BLOCK % self.channels == 0 and s.stride[1] == 1 else 0

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        flat = self.weights.reshape(-1, self.channels)
        ends = np.empty((2, self.channels), np.int32)
        ends[0] = centred_bias(flat.T, self.bias, self.input_zero)
        ends[1] = self.epilogue.multipliers
        blocks = [
            part
            for lanes in self._lanes()
            for part in (flat[:, lanes].reshape(-1).view("<u4"), *ends[:, lanes[_TURNS]].view(np.uint32))
        ]
        padding = np.full(max(self.channels, BLOCK), self.input_zero, np.int8)
        weights = np.concatenate(blocks).astype(np.uint32)
        return {"weights": weights} | ({"padding": padding} if self.sliding.is_padded else {})

    def _lanes(self) -> np.ndarray:
        """[blocks, 16] numbers of channels; of fewer they take turns."""
        if self.channels < BLOCK:
            return np.arange(BLOCK)[None] % self.channels
        return channel_groups(self.channels, BLOCK)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
