"""Depthwise convolution with the weights of a channel in registers; numbers are ``DepthwiseConv2D``'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .depthwise import DepthwiseConv2D
from .dsp_words import requantizes
from .epilogue import Requantize
from .tile_order import parameters

CYCLES_PER_MAC = 6.0
"""Modelled, as measured with kws01 on an ESP32-C3."""


@dataclass(frozen=True, eq=False)
class TileDepthwise(DepthwiseConv2D):
    """Kernels of 3 × 3, a row of one channel at a time, without working memory."""

    template: ClassVar[str] = "tile_depthwise"

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType) -> TileDepthwise | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        suits = kernel.sliding.kernel == (3, 3) and kernel.sliding.dilation[1] == 1
        if not suits or not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.sliding, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        filters = np.ascontiguousarray(self.weights.reshape(-1, self.channels).T)
        return {
            "weights": filters,
            "parameters": parameters(filters, self.bias, self.input_zero, self.epilogue, 1),
        }

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
