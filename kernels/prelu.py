"""PRelu of an 8-bit tensor with constant slopes (ONNX PRelu-16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from . import elementwise
from .broadcast import Broadcast, Broadcasting
from .fixed_point import (
    FixedPoint,
    fraction_bits,
    is_byte,
    magnitude,
    narrowest,
    ratio,
    saturating,
    zero_point,
)
from .node import Node


@dataclass(frozen=True, eq=False)
class PRelu(Broadcasting):
    """With q = x − zero:  y = clamp((offset + q · (q < 0 ? slope : positive)) >> shift, low, high), the
    slopes and the multiplier of positive elements in fixed point."""

    template: ClassVar[str] = "prelu"

    zero: int
    positive: int
    offset: int
    result: FixedPoint

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        x, slopes = (array.astype(np.int64) for array in operands)
        q = x - self.zero
        return self.result.apply(q * np.where(q < 0, slopes, self.positive) + self.offset)


def resolve(node: Node) -> Kernel | None:
    """None for slopes that are computed at run time, and for scales too far apart for 32 bits."""
    x, slope, out = node.input(0), node.input(1), node.outputs[0]
    if out.quant is None:
        return elementwise.resolve(node)
    if out.dtype.size != 1 or not is_byte(x) or slope.constant is None:
        return None
    zero, plain, beyond = zero_point(x), ratio(x, out), saturating(out.dtype)
    ratios = np.clip(np.asarray(slope.constant.real, np.float64) * plain, -beyond, beyond)
    largest = max(plain, float(np.abs(ratios).max(initial=0.0)))
    bits = fraction_bits([largest], [magnitude(x.dtype, zero)], zero_point(out))
    if bits is None:
        return None
    result = FixedPoint.of(node, bits)
    broadcast = Broadcast.of(out, [x, narrowest(result.fixed(ratios))])
    return PRelu(broadcast, out.dtype, zero, int(result.fixed(plain)), result.offset(zero_point(out)), result)
