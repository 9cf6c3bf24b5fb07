"""Add and Sub of 8-bit tensors of any scales (ONNX Add-14, Sub-14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from . import elementwise
from .broadcast import Broadcast, Broadcasting
from .fixed_point import (
    COMMON_BITS,
    SATURATING,
    FixedPoint,
    fraction_bits,
    is_byte,
    least_bits,
    magnitude,
    ratio,
    steps,
    zero_point,
)
from .node import Node


@dataclass(frozen=True, eq=False)
class ScaledSum(Broadcasting):
    """y = clamp((offset + x1 · m1 + x2 · m2) >> shift, low, high).

    Multipliers have 16 bits unless scales differ by more than that allows. A constant operand is in fixed
    point already: its multiplier is 1, and the offset is in it.
    """

    template: ClassVar[str] = "scaled_sum"

    multipliers: tuple[int, ...]
    offset: int
    result: FixedPoint

    def in_place(self) -> tuple[int, ...]:
        return self.replaceable([1] * len(self.broadcast.run_time))

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        terms = zip(operands, self.multipliers, strict=True)
        total = sum((x.astype(np.int64) * m for x, m in terms), start=np.int64(self.offset))
        return self.result.apply(np.asarray(total))


def resolve(node: Node) -> Kernel | None:
    """Two 8-bit operands, or one and a constant; None where 32 bits do not hold the sum within 1 LSB."""
    out = node.outputs[0]
    if out.quant is None:
        return elementwise.resolve(node)
    operands = [node.input(0), node.input(1)]
    if out.dtype.size != 1 or not all(t.constant is not None or is_byte(t) for t in operands):
        return None
    signs = (1.0, -1.0 if node.operator == "Sub" else 1.0)
    ratios = {n: signs[n] * ratio(t, out) for n, t in enumerate(operands) if t.constant is None}
    magnitudes = [magnitude(operands[n].dtype) for n in ratios]
    span = sum(abs(r) * m for r, m in zip(ratios.values(), magnitudes, strict=True))
    # beyond this reach a constant saturates the result, whatever the operand
    constants = {
        n: signs[n] * steps(t, out, 2.0 * span + SATURATING)
        for n, t in enumerate(operands)
        if n not in ratios
    }
    offset = out.quant.zero_point - sum(r * zero_point(operands[n]) for n, r in ratios.items())
    largest = max((float(np.abs(c).max(initial=0.0)) for c in constants.values()), default=0.0)
    bits = fraction_bits(list(ratios.values()), magnitudes, abs(offset) + largest)
    if bits is None:
        return None
    if not constants:
        bits = min(bits, max(COMMON_BITS, least_bits(magnitudes)))
    result = FixedPoint.of(node, bits)
    addends = {n: (result.fixed(c) + result.offset(offset)).astype(np.int32) for n, c in constants.items()}
    broadcast = Broadcast.of(out, [addends.get(n, t) for n, t in enumerate(operands)])
    multipliers = tuple(int(result.fixed(ratios[n])) if n in ratios else 1 for n in range(2))
    return ScaledSum(broadcast, out.dtype, multipliers, 0 if addends else result.offset(offset), result)
