"""Depthwise convolution of packed operands; numbers are those of ``DepthwiseConv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.bits import pack
from ..ir.dtype import DType
from .depthwise import DepthwiseConv2D
from .epilogue import Requantize, requantize_constants
from .packed_words import SOURCES

LANES = 4
"""Channels at a time: whole bytes, whatever the widths."""


@dataclass(frozen=True, eq=False)
class PackedDepthwise(DepthwiseConv2D):
    """Input, weights and output of 8, 4 or 2 bits each; ``source`` is the input's type. The channels of each
    tap's weights begin a byte."""

    template: ClassVar[str] = "packed_depthwise"

    source: DType

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, source: DType) -> PackedDepthwise | None:
        """None for types that are not packed in any way."""
        if not isinstance(kernel.epilogue, Requantize) or source not in SOURCES:
            return None
        if kernel.weights.dtype == np.int16:
            return None
        s, e = kernel.sliding, kernel.epilogue
        return cls(s, kernel.weights, kernel.bias, kernel.input_zero, e, source)

    @property
    def lanes(self) -> int:
        return LANES

    def constants(self) -> Mapping[str, np.ndarray]:
        bits = self.weight_bits
        weights = self.weights if bits == 8 else pack(self.weights, bits)
        return {"weights": weights, "bias": self.bias} | requantize_constants(self.epilogue)
