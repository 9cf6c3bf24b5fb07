"""A quantized tensor times a constant of any shape that broadcasts to it: Mul and Div by constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from .broadcast import Broadcast, Broadcasting
from .fixed_point import (
    FixedPoint,
    is_quantized,
    magnitude,
    narrowest,
    ratio,
    saturating,
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

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        x, multipliers = (array.astype(np.int64) for array in operands)
        return self.result.apply((x - self.zero) * multipliers + self.offset)


def scaled(node: Node, x: Tensor, factors: np.ndarray) -> Kernel | None:
    """The node's quantized output as ``x`` times real ``factors`` (infinite ones saturate); None where ``x``
    is not quantized, or where 64 bits do not hold the product within 1 LSB."""
    out = node.outputs[0]
    if not is_quantized(x):
        return None
    zero = zero_point(x)
    beyond = saturating(out.dtype)
    ratios = np.clip(np.nan_to_num(factors * ratio(x, out)), -beyond, beyond)
    largest = float(np.abs(ratios).max(initial=0.0))
    result = FixedPoint.holding(node, [largest], [magnitude(x.dtype, zero)], zero_point(out))
    if result is None:
        return None
    broadcast = Broadcast.of(out, [x, narrowest(result.fixed(ratios))])
    return Scale(broadcast, out.dtype, zero, result.offset(zero_point(out)), result)
