"""Add and Sub of quantized tensors of any scales (ONNX Add-14, Sub-14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, log2
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from . import elementwise
from .broadcast import Broadcast, Broadcasting
from .fixed_point import (
    COMMON_BITS,
    FixedPoint,
    is_quantized,
    least_bits,
    magnitude,
    ratio,
    saturating,
    steps,
    zero_point,
)
from .node import Node, Tensor

_WIDE_CYCLES = 42.0
"""Modelled for an element whose sum has 64 bits, as measured on a Cortex-M4."""

_LARGE = 1024
"""Elements from which a constant stays in bytes, as an operand: as a summand it takes four times as many."""


@dataclass(frozen=True, eq=False)
class ScaledSum(Broadcasting):
    """y = clamp((offset + x1 · m1 + x2 · m2) >> shift, low, high).

    Multipliers have 16 bits unless scales differ by more than that allows, or elements have 16 bits. A large
    constant of bytes is an operand like others; any other constant is in fixed point already, and the offset
    is in it: its multiplier is 1, or a power of two where a wide sum has more fraction bits than 32 bits
    leave to the constant.
    """

    template: ClassVar[str] = "scaled_sum"

    multipliers: tuple[int, ...]
    offset: int
    result: FixedPoint

    def cost(self, window: Window) -> Cost:
        work = super().cost(window)
        return work.at(0.0, _WIDE_CYCLES) if self.result.wide else work

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        terms = zip(operands, self.multipliers, strict=True)
        total = sum((x.astype(np.int64) * m for x, m in terms), start=np.int64(self.offset))
        return self.result.apply(np.asarray(total))


def resolve(node: Node) -> Kernel | None:
    """Two quantized operands, or one and a constant; None where 64 bits do not hold the sum within 1 LSB."""
    out = node.outputs[0]
    if out.quant is None:
        return elementwise.resolve(node)
    operands = [node.input(0), node.input(1)]
    if not all(t.constant is not None or is_quantized(t) for t in operands):
        return None
    operands = [_as_operand(t) for t in operands]
    signs = (1.0, -1.0 if node.operator == "Sub" else 1.0)
    ratios = {n: signs[n] * ratio(t, out) for n, t in enumerate(operands) if t.quant is not None}
    magnitudes = [magnitude(operands[n].dtype) for n in ratios]
    span = sum(abs(r) * m for r, m in zip(ratios.values(), magnitudes, strict=True))
    # from there on a constant saturates the result, whatever the operand
    beyond = 2.0 * span + saturating(out.dtype)
    constants = {n: signs[n] * steps(t, out, beyond) for n, t in enumerate(operands) if n not in ratios}
    offset = out.quant.zero_point - sum(r * zero_point(operands[n]) for n, r in ratios.items())
    reach = abs(offset) + max((float(np.abs(c).max(initial=0.0)) for c in constants.values()), default=0.0)
    result = FixedPoint.holding(node, list(ratios.values()), magnitudes, reach)
    if result is None:
        return None
    if not constants and not result.wide:
        result = replace(result, shift=min(result.shift, max(COMMON_BITS, least_bits(magnitudes))))
    coarse = result
    if result.wide:
        coarse = replace(result, shift=min(result.shift, floor(log2((2**31 - 1) / (reach + 1.0)))))
    addends = {n: (coarse.fixed(c) + coarse.offset(offset)).astype(np.int32) for n, c in constants.items()}
    stored = {n: t.constant.values for n, t in enumerate(operands) if n in ratios and t.constant is not None}
    broadcast = Broadcast.of(out, [(stored | addends).get(n, t) for n, t in enumerate(operands)])
    missing = 1 << (result.shift - coarse.shift)
    multipliers = tuple(int(result.fixed(ratios[n])) if n in ratios else missing for n in range(2))
    return ScaledSum(broadcast, out.dtype, multipliers, 0 if addends else result.offset(offset), result)


def _as_operand(tensor: Tensor) -> Tensor:
    """A large constant of bytes with one scale as a quantized operand, others as they are."""
    constant = tensor.constant
    if constant is None or tensor.elements < _LARGE or constant.values.dtype != np.int8:
        return tensor
    if constant.scale is None or constant.scale.size > 1:
        return tensor
    zero = 0 if constant.zero_point is None else int(constant.zero_point.reshape(()))
    return replace(tensor, dtype=DType.INT8, quant=Quant(float(constant.scale.reshape(())), zero))
