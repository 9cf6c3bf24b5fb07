"""An 8-bit tensor times a constant of any shape that broadcasts to it: Mul and Div by constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from .broadcast import Broadcast, Broadcasting
from .fixed_point import (
    SATURATING,
    FixedPoint,
    fraction_bits,
    is_byte,
    magnitude,
    narrowest,
    ratio,
    zero_point,
)
from .node import Node, Tensor


@dataclass(frozen=True, eq=False)
class Scale(Broadcasting):
    """y = clamp((offset + (x − zero) · m) >> shift, low, high), with m the constant in fixed point."""

    template: ClassVar[str] = "scale"

    zero: int
    offset: int
    result: FixedPoint

    def in_place(self) -> tuple[int, ...]:
        return self.replaceable([1])

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        x, multipliers = (array.astype(np.int64) for array in operands)
        return self.result.apply((x - self.zero) * multipliers + self.offset)


def scaled(node: Node, x: Tensor, factors: np.ndarray) -> Kernel | None:
    """The node's quantized output as ``x`` times real ``factors`` (infinite ones saturate); None where ``x``
    or the output are not of 8 bits."""
    out = node.outputs[0]
    if out.dtype.size != 1 or not is_byte(x):
        return None
    zero = zero_point(x)
    ratios = np.clip(np.nan_to_num(factors * ratio(x, out)), -SATURATING, SATURATING)
    largest = float(np.abs(ratios).max(initial=0.0))
    bits = fraction_bits([largest], [magnitude(x.dtype, zero)], zero_point(out))
    assert bits is not None  # clipped ratios always leave 13 bits
    result = FixedPoint.of(node, bits)
    broadcast = Broadcast.of(out, [x, narrowest(result.fixed(ratios))])
    return Scale(broadcast, out.dtype, zero, result.offset(zero_point(out)), result)
