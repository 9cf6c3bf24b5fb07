"""Softmax along one axis (ONNX Softmax-13): exp(x − max) / Σ exp(x − max)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Kernel
from ..ir.window import Window
from .elementary import exp
from .lanes import Lanes, Lanewise, in_turn
from .node import Node, Tensor

ONE = 31
"""Fraction bits of the table of exponentials: exp(0) is 2^31."""

FINEST = 2.0**-24
"""Below this output scale 31 fraction bits are too few to stay within 1 LSB."""


@dataclass(frozen=True, eq=False)
class Softmax(Lanewise):
    """float32. The exponentials are summed in memory order."""

    template: ClassVar[str] = "softmax"

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = self.lanes.split(inputs[0])
        powers = exp(x - x.max(axis=1, keepdims=True))
        total = in_turn(np.add, powers)[:, None]
        return (self.lanes.join(powers * (np.float32(1.0) / total), inputs[0].shape),)


@dataclass(frozen=True, eq=False)
class QuantizedSoftmax(Lanewise):
    """8-bit in and out, integers only.

    With e[d] = 2^31 · exp(−scale · d) tabulated for d = max − q, S = Σ e and share = ⌊numerator / S⌋, where
    numerator = 2^(32 + shift) / output scale:  y = zero_point + ((hi32(e · share) + 2^(shift − 1)) >> shift).
    S ≥ 2^31 keeps share within 32 bits; that it is rounded down costs at most 2^-shift / 2 LSB.
    """

    template: ClassVar[str] = "quantized_softmax"

    exponentials: np.ndarray
    numerator: int
    shift: int
    zero_point: int
    dtype: DType

    @classmethod
    def of(cls, lanes: Lanes, scale: float, quant: Quant, dtype: DType) -> QuantizedSoftmax:
        """For elements in units of ``scale``, to a result quantized by ``quant``, whose scale is ≥ 2^-24."""
        shift = 30 + min(0, floor(log2(quant.scale)))
        numerator = round(2.0 ** (32 + shift) / quant.scale)
        return cls(lanes, exponentials(scale), numerator, shift, quant.zero_point, dtype)

    @property
    def half(self) -> int:
        """What rounds the last shift to nearest."""
        return 1 << (self.shift - 1)

    @property
    def bounds(self) -> tuple[int, int]:
        return int(self.dtype.lowest), int(self.dtype.highest)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"table": self.exponentials}

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = self.lanes.split(inputs[0]).astype(np.int64)
        powers = self.exponentials[x.max(axis=1, keepdims=True) - x].astype(np.uint64)
        share = np.uint64(self.numerator) // powers.sum(axis=1, keepdims=True, dtype=np.uint64)
        parts = ((powers * share) >> np.uint64(32)).astype(np.int64)
        y = np.clip(((parts + self.half) >> self.shift) + self.zero_point, *self.bounds)
        return (self.lanes.join(y.astype(self.dtype.numpy), inputs[0].shape),)


def exponentials(scale: float) -> np.ndarray:
    """round(2^31 · exp(−scale · d)) for d = 0…255, uint32."""
    return np.rint(np.exp(-scale * np.arange(256, dtype=np.float64)) * 2.0**ONE).astype(np.uint32)


def resolve(node: Node) -> Kernel | None:
    """Softmax of float32, or of 8-bit data to 8-bit data."""
    x, out = node.input(0), node.outputs[0]
    lanes = along_axis(node, x)
    if out.quant is None:
        return Softmax(lanes) if x.dtype.is_float else None
    if x.quant is None or x.dtype.size != 1 or out.dtype.size != 1 or out.quant.scale < FINEST:
        return None
    return QuantizedSoftmax.of(lanes, x.quant.scale, out.quant, out.dtype)


def along_axis(node: Node, x: Tensor) -> Lanes:
    """Lanes along the node's ``axis`` (default: the last one)."""
    axis = int(node.attribute("axis", -1))
    if not -len(x.shape) <= axis < len(x.shape):
        raise node.refuse(f"axis {axis} does not exist", f"give an axis between 0 and {len(x.shape) - 1}")
    return Lanes.of(x.physical, [x.position(axis)])
