"""LogSoftmax along one axis (ONNX LogSoftmax-13): x − max − ln Σ exp(x − max)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Kernel
from ..ir.window import Window
from .elementary import exp, log
from .lanes import Lanes, Lanewise, in_turn
from .node import Node
from .softmax import ONE, along_axis, exponentials

_FRACTION = 24
"""Fraction bits of the integer logarithm."""

_COARSEST = 12
"""The least shift with which the rounded factor of max − q costs less than 1/32 LSB."""


@dataclass(frozen=True, eq=False)
class LogSoftmax(Lanewise):
    """float32. The exponentials are summed in memory order."""

    template: ClassVar[str] = "log_softmax"

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = self.lanes.split(inputs[0])
        top = x.max(axis=1, keepdims=True)
        total = in_turn(np.add, exp(x - top))[:, None]
        return (self.lanes.join(x - top - log(total), inputs[0].shape),)


@dataclass(frozen=True, eq=False)
class QuantizedLogSoftmax(Lanewise):
    """8-bit in and out, integers only: y = (offset − d · factor − hi32(log2(S) · log_factor)) >> shift.

    d = max − q; S = Σ e[d] with e[d] = 2^31 · exp(−scale · d) tabulated, and log2 has 24 fraction bits; the
    31 · ln 2 by which ln S is too large is in ``offset``, with zero point and rounding. ``shift`` is as large
    as the three terms allow, each below 2^29 in magnitude.
    """

    template: ClassVar[str] = "quantized_log_softmax"

    exponentials: np.ndarray
    offset: int
    factor: int
    log_factor: int
    shift: int
    dtype: DType

    @classmethod
    def of(cls, lanes: Lanes, scale: float, quant: Quant, dtype: DType) -> QuantizedLogSoftmax | None:
        """For elements in units of ``scale``, to a result quantized by ``quant``; None where 32 bits are too
        few to stay within 1 LSB (a result much finer than its operand, or than 1e-4)."""
        ratio, base = scale / quant.scale, np.log(2.0) / quant.scale
        shift = min(20, 21 - _ceil_log2(ratio), 31 + _FRACTION - 32 - _ceil_log2(base))
        if shift < _COARSEST:
            return None
        one = 2.0**shift
        offset = round((quant.zero_point + ONE * base + 0.5) * one)
        log_factor = round(base * one * 2.0 ** (32 - _FRACTION))
        powers = exponentials(scale)
        return cls(lanes, powers, offset, round(ratio * one), min(log_factor, 2**31 - 1), shift, dtype)

    @property
    def bounds(self) -> tuple[int, int]:
        return int(self.dtype.lowest), int(self.dtype.highest)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"table": self.exponentials}

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = self.lanes.split(inputs[0]).astype(np.int64)
        d = x.max(axis=1, keepdims=True) - x
        total = self.exponentials[d].sum(axis=1, keepdims=True, dtype=np.uint64)
        base = self.offset - ((fixed_log2(total) * self.log_factor) >> 32)
        y = np.clip((base - d * self.factor) >> self.shift, *self.bounds)
        return (self.lanes.join(y.astype(self.dtype.numpy), inputs[0].shape),)


def _ceil_log2(value: float) -> int:
    return floor(log2(value)) + 1


def fixed_log2(values: np.ndarray) -> np.ndarray:
    """log2 of uint64 ``values`` in [2^31, 2^63) with 24 fraction bits, as the C computes it; int64."""
    mantissa, result = values.copy(), np.full(values.shape, 31, np.int64)
    top = np.uint64(1 << 32)

    def halve() -> np.ndarray:
        above = mantissa >= top
        mantissa[above] >>= np.uint64(1)
        return above

    while np.any(above := halve()):
        result += above
    for _ in range(_FRACTION):
        mantissa[...] = (mantissa * mantissa) >> np.uint64(31)
        result = 2 * result + halve()
    return result


def resolve(node: Node) -> Kernel | None:
    """LogSoftmax of float32, or of 8-bit data to 8-bit data."""
    x, out = node.input(0), node.outputs[0]
    lanes = along_axis(node, x)
    if out.quant is None:
        return LogSoftmax(lanes) if x.dtype.is_float else None
    if x.quant is None or x.dtype.size != 1 or out.dtype.size != 1:
        return None
    return QuantizedLogSoftmax.of(lanes, x.quant.scale, out.quant, out.dtype)
