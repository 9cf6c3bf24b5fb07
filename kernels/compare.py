"""Comparisons: Equal, Less, LessOrEqual, Greater, GreaterOrEqual (ONNX opset 19), to bool."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Kernel
from . import elementwise
from .elementwise import Elementwise, real_or_raw
from .node import Node, Tensor

_MIRRORED = {
    "Equal": "Equal",
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
}
"""What a comparison is with its operands exchanged."""

_THRESHOLDS: dict[str, tuple[str, Literal["left", "right"]]] = {
    "Greater": ("GreaterOrEqual", "right"),
    "GreaterOrEqual": ("GreaterOrEqual", "left"),
    "Less": ("Less", "left"),
    "LessOrEqual": ("Less", "right"),
}
"""How integers compare with the first of them whose real value lies above (right) or not below (left) a
number, for the real values to compare as they are to."""


def resolve(node: Node) -> Kernel | None:
    """Floats and raw integers as they are; quantized operands by their integers where they share a scale, or
    where one is constant. None for two different scales."""
    a, b, out = node.input(0), node.input(1), node.outputs[0]
    if a.quant is None and b.quant is None:
        return elementwise.resolve(node)
    if a.constant is None and b.constant is None:
        alike = a.quant == b.quant and a.dtype is b.dtype
        return Elementwise.of(node.operator, out, [a, b]) if alike else None
    if b.constant is not None:
        return _with_constant(node.operator, out, a, real_or_raw(b))
    return _with_constant(_MIRRORED[node.operator], out, b, real_or_raw(a))


def _with_constant(operator: str, out: Tensor, x: Tensor, constant: np.ndarray) -> Kernel | None:
    """``x`` against the integers at which the comparison of its real values with ``constant`` turns."""
    if x.quant is None or x.dtype.size != 1:
        return None
    levels = _levels(x.quant, x.dtype)
    lowest = int(x.dtype.lowest)
    if operator == "Equal":
        left, right = (np.searchsorted(levels, constant, side) for side in ("left", "right"))
        thresholds = np.where(right > left, left + lowest, lowest - 1)  # no element is that small
    else:
        operator, side = _THRESHOLDS[operator]
        thresholds = np.searchsorted(levels, constant, side) + lowest
    thresholds = np.asarray(thresholds, np.int16)
    if thresholds.size == 1 and not lowest < thresholds.item() <= x.dtype.highest:
        return None  # a C compiler would point out that the result is always the same
    return Elementwise.of(operator, out, [x, thresholds])


def _levels(quant: Quant, dtype: DType) -> np.ndarray:
    """Real values of all 256 integers, ascending, as DequantizeLinear gives them in float32."""
    integers = np.arange(256) + int(dtype.lowest) - quant.zero_point
    return integers.astype(np.float32) * np.float32(quant.scale)
