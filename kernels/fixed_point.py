"""Sums of scaled integers in fixed point: 32 bits, or 64 where these do not do, of which the lowest are
fractions of an output step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log2

import numpy as np

from ..ir.dtype import DType
from .epilogue import quantized_bounds
from .node import Node, Tensor

_MOST_FRACTION_BITS = 22
_MOST_WIDE_BITS = 32
"""Of sums of 64 bits: what is left is their upper half."""
COMMON_BITS = 13
"""Fraction bits of sums wherever multipliers have 16 bits then (those up to 4), so that layers share code.
Two operands get at most 2^-6 steps of error from their rounded multipliers."""


@dataclass(frozen=True)
class FixedPoint:
    """y = clamp(sum >> shift, low, high), where the sum counts in 2^-shift output steps and includes half of
    one for rounding. ``wide`` sums have 64 bits."""

    shift: int
    low: int
    high: int
    dtype: DType
    wide: bool = False

    @classmethod
    def of(cls, node: Node, shift: int) -> FixedPoint:
        """With ``shift`` fraction bits, to the node's quantized output, bounded by its activation."""
        out = node.outputs[0]
        assert out.quant is not None
        return cls(shift, *quantized_bounds(out.quant, out.dtype, node.activation), out.dtype)

    @classmethod
    def holding(
        cls, node: Node, ratios: Sequence[float], magnitudes: Sequence[int], constant: float
    ) -> FixedPoint | None:
        """What holds Σ ratio · operand + constant (see ``fraction_bits``), in 32 bits if possible; None where
        not even 64 do within 1 LSB."""
        bits = fraction_bits(ratios, magnitudes, constant)
        if bits is not None:
            return cls.of(node, bits)
        bits = wide_fraction_bits(ratios, magnitudes, constant)
        return None if bits is None else replace(cls.of(node, bits), wide=True)

    def fixed(self, steps: np.ndarray | float) -> np.ndarray:
        """Real numbers of output steps as int64 in fixed point."""
        return np.rint(np.asarray(steps, np.float64) * 2.0**self.shift).astype(np.int64)

    def offset(self, steps: float) -> int:
        """What to add to a sum for a constant of ``steps`` output steps and for rounding."""
        return int(self.fixed(steps)) + (1 << (self.shift - 1))

    def apply(self, total: np.ndarray) -> np.ndarray:
        """``total`` is int64."""
        return np.clip(total >> self.shift, self.low, self.high)


def is_quantized(tensor: Tensor) -> bool:
    """True for a quantized operand that is computed at run time."""
    return tensor.constant is None and tensor.quant is not None


def is_byte(tensor: Tensor) -> bool:
    """True for a quantized 8-bit operand that is computed at run time."""
    return is_quantized(tensor) and tensor.dtype.size == 1


def ratio(tensor: Tensor, out: Tensor) -> float:
    """Output steps per step of a quantized operand."""
    assert tensor.quant is not None and out.quant is not None
    return tensor.quant.scale / out.quant.scale


def zero_point(tensor: Tensor) -> int:
    """The zero point of a quantized operand."""
    assert tensor.quant is not None
    return tensor.quant.zero_point


def saturating(dtype: DType) -> float:
    """Output steps per step of an operand beyond which all operands but zero saturate a ``dtype``."""
    return 4.0 * 2.0 ** max(dtype.bits, 8)


def steps(constant: Tensor, out: Tensor, reach: float) -> np.ndarray:
    """The real values of a constant in output steps, float64, no further than ``reach`` from 0."""
    assert constant.constant is not None and out.quant is not None
    return np.clip(np.asarray(constant.constant.real, np.float64) / out.quant.scale, -reach, reach)


def magnitude(dtype: DType, zero: int = 0) -> int:
    """The largest |q − zero| of an element q."""
    return max(int(dtype.highest) - zero, zero - int(dtype.lowest))


def fraction_bits(
    ratios: Sequence[float], magnitudes: Sequence[int], constant: float, widest: int = 2**15 - 1
) -> int | None:
    """Fraction bits for Σ ratio · operand + constant, in output steps, with ratios rounded to multipliers.

    ``magnitudes`` bound the operands, ``constant`` the constant's magnitude. Multipliers stay below
    ``widest`` where that leaves their rounding errors below a quarter of a step in all; the sum fits in 32
    bits. None where it cannot.
    """
    largest = max(map(abs, ratios))
    total = sum(abs(r) * m for r, m in zip(ratios, magnitudes, strict=True)) + abs(constant) + 1.0
    room = floor(log2((2**31 - 1) / total))
    needed = least_bits(magnitudes)
    if room < needed:
        return None
    short = floor(log2(widest / largest)) if largest > 0 else _MOST_FRACTION_BITS
    return max(min(_MOST_FRACTION_BITS, room, short), needed)


def wide_fraction_bits(ratios: Sequence[float], magnitudes: Sequence[int], constant: float) -> int | None:
    """The same for a sum of 64 bits: multipliers have 32 bits, and so has the sum without its fraction."""
    largest = max(map(abs, ratios))
    total = sum(abs(r) * m for r, m in zip(ratios, magnitudes, strict=True)) + abs(constant) + 1.0
    bits = _MOST_WIDE_BITS
    if largest > 0:
        bits = min(bits, floor(log2((2**31 - 1) / largest)))
    return bits if total < 2**30 and bits >= least_bits(magnitudes) else None


def least_bits(magnitudes: Sequence[int]) -> int:
    """Fraction bits by which rounded multipliers leave errors below a quarter of a step."""
    return ceil(log2(2 * sum(magnitudes)))


def narrowest(integers: np.ndarray) -> np.ndarray:
    """int16 where all of them fit, else int32."""
    fits = integers.min(initial=0) >= -(2**15) and integers.max(initial=0) < 2**15
    return integers.astype(np.int16 if fits else np.int32)
