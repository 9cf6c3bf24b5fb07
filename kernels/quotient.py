"""Div of 8-bit tensors (ONNX Div-14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from . import elementwise, scale
from .broadcast import Broadcast, Broadcasting
from .fixed_point import FixedPoint, fraction_bits, is_byte, magnitude, ratio, saturating, zero_point
from .node import Node


@dataclass(frozen=True, eq=False)
class Quotient(Broadcasting):
    """y = clamp((offset + (x1 − zero) · reciprocals[x2]) >> shift, low, high): 256 reciprocals in fixed
    point, indexed by the divisor's bits. What is divided by 0 saturates; 0 / 0 is 0."""

    template: ClassVar[str] = "quotient"

    zero: int
    reciprocals: np.ndarray
    offset: int
    result: FixedPoint

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"table": self.reciprocals}

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        x = operands[0].astype(np.int64) - self.zero
        divisors = np.ascontiguousarray(operands[1]).view(np.uint8)
        return self.result.apply(x * self.reciprocals[divisors].astype(np.int64) + self.offset)


def resolve(node: Node) -> Kernel | None:
    """Two 8-bit operands, or one over a constant; None for a constant over an operand."""
    out = node.outputs[0]
    if out.quant is None:
        return elementwise.resolve(node)
    a, b = node.input(0), node.input(1)
    if b.constant is not None:
        with np.errstate(divide="ignore"):
            return scale.scaled(node, a, 1.0 / np.asarray(b.constant.real, np.float64))
    if out.dtype.size != 1 or not (is_byte(a) and is_byte(b)):
        return None
    assert b.quant is not None
    divisors = np.arange(256, dtype=np.uint8).view(b.dtype.numpy).astype(np.float64) - b.quant.zero_point
    beyond = saturating(out.dtype)
    with np.errstate(divide="ignore"):
        ratios = np.clip(ratio(a, out) / (divisors * b.quant.scale), -beyond, beyond)
    zero = zero_point(a)
    largest = float(np.abs(ratios).max())
    bits = fraction_bits([largest], [magnitude(a.dtype, zero)], zero_point(out), widest=2**31 - 1)
    assert bits is not None  # clipped ratios always leave 13 bits
    result = FixedPoint.of(node, bits)
    reciprocals = result.fixed(ratios).astype(np.int32)
    return Quotient(
        Broadcast.of(out, [a, b]), out.dtype, zero, reciprocals, result.offset(zero_point(out)), result
    )
