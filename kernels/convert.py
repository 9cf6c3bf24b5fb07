"""Between float32 and integers: QuantizeLinear and DequantizeLinear as steps of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window

LIMIT = 2.0**21
"""Scaled values are clamped to ±LIMIT, so that adding 1.5 · 2^23 rounds them half to even in float32."""


@dataclass(frozen=True)
class Quantize(Kernel):
    """q = saturate(round_half_even(x / scale) + zero_point), ONNX QuantizeLinear; the division is by
    multiplication with the float32 reciprocal."""

    template: ClassVar[str] = "quantize"
    windowed: ClassVar[bool] = True

    elements: int
    quant: Quant
    dtype: DType

    @property
    def reciprocal(self) -> float:
        return float(np.float32(1.0) / np.float32(self.quant.scale))

    @property
    def bounds(self) -> tuple[int, int]:
        return int(self.dtype.lowest), int(self.dtype.highest)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.elements)

    def in_place(self) -> tuple[int, ...]:
        return (0,)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        low, high = self.bounds
        with np.errstate(over="ignore"):
            scaled = inputs[0] * np.float32(self.reciprocal)
        limit = np.float32(LIMIT)
        inside = np.where(scaled > -limit, np.minimum(scaled, limit), -limit)  # NaN becomes the lower limit
        q = np.rint(inside).astype(np.int64) + self.quant.zero_point
        return (np.clip(q, low, high).astype(self.dtype.numpy),)


@dataclass(frozen=True)
class Dequantize(Kernel):
    """x = (q - zero_point) · scale in float32, ONNX DequantizeLinear."""

    template: ClassVar[str] = "dequantize"
    windowed: ClassVar[bool] = True

    elements: int
    quant: Quant

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.elements)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        centred = inputs[0].astype(np.int32) - np.int32(self.quant.zero_point)
        return (centred.astype(np.float32) * np.float32(self.quant.scale),)
