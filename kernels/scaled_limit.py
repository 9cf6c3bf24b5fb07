"""Min and Max of quantized tensors of any scales (ONNX Min-13, Max-13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from . import elementwise, recode
from .broadcast import Broadcast, Broadcasting
from .elementwise import Elementwise
from .fixed_point import (
    FixedPoint,
    fraction_bits,
    is_quantized,
    magnitude,
    ratio,
    saturating,
    steps,
    zero_point,
)
from .node import UNBOUNDED, Node, Tensor


@dataclass(frozen=True, eq=False)
class ScaledLimit(Broadcasting):
    """y = clamp(operator(x1 · m1 + offset1, x2 · m2 + offset2) >> shift): both operands in fixed point with
    the same number of fraction bits. A constant operand is so already: its multiplier is 1, its offset 0."""

    template: ClassVar[str] = "scaled_limit"

    operator: str
    multipliers: tuple[int, ...]
    offsets: tuple[int, ...]
    result: FixedPoint

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        a, b = (
            x.astype(np.int64) * m + c
            for x, m, c in zip(operands, self.multipliers, self.offsets, strict=True)
        )
        return self.result.apply(np.maximum(a, b) if self.operator == "Max" else np.minimum(a, b))


def resolve(node: Node) -> Kernel | None:
    """Min or Max. Operands in the output's own scale are compared as they are; None where 32 bits do not hold
    the others within 1 LSB."""
    out = node.outputs[0]
    if out.quant is None or len(node.inputs) != 2:
        return elementwise.resolve_limits(node)
    operands = [node.input(0), node.input(1)]
    if not all(t.constant is not None or is_quantized(t) for t in operands):
        return None
    alike = all(t.constant is not None or (t.quant == out.quant and t.dtype is out.dtype) for t in operands)
    if alike and node.activation == UNBOUNDED:
        same = [t if t.constant is None else recode.stored(t.constant, out) for t in operands]
        return Elementwise.of(node.operator, out, same)
    return _scaled(node, operands)


def _scaled(node: Node, operands: list[Tensor]) -> Kernel | None:
    out = node.outputs[0]
    ratios = {n: ratio(t, out) for n, t in enumerate(operands) if t.constant is None}
    zero, beyond = zero_point(out), saturating(out.dtype)
    offsets = {n: zero - r * zero_point(operands[n]) for n, r in ratios.items()}
    # one number of bits that serves both: an operand of 16 needs more of them than one of 8
    bits = fraction_bits(
        list(ratios.values()),
        [magnitude(operands[n].dtype) for n in ratios],
        max(abs(offset) for offset in offsets.values()) + beyond,
        widest=2**31 - 1,
    )
    if bits is None:
        return None
    result = FixedPoint.of(node, bits)
    limits = {
        n: (result.fixed(steps(t, out, beyond)) + result.offset(zero)).astype(np.int32)
        for n, t in enumerate(operands)
        if n not in ratios
    }
    return ScaledLimit(
        Broadcast.of(out, [limits.get(n, t) for n, t in enumerate(operands)]),
        out.dtype,
        node.operator,
        tuple(int(result.fixed(ratios[n])) if n in ratios else 1 for n in range(2)),
        tuple(result.offset(offsets[n]) if n in ratios else 0 for n in range(2)),
        result,
    )
