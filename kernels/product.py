"""Mul of quantized tensors (ONNX Mul-14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from . import elementwise, scale
from .broadcast import Broadcast, Broadcasting
from .epilogue import Requantize
from .fixed_point import is_quantized, magnitude, zero_point
from .node import Node


@dataclass(frozen=True, eq=False)
class Product(Broadcasting):
    """y = requantize((x1 − z1) · (x2 − z2))."""

    template: ClassVar[str] = "product"

    zeros: tuple[int, ...]
    epilogue: Requantize

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        a, b = (x.astype(np.int64) - zero for x, zero in zip(operands, self.zeros, strict=True))
        return self.epilogue.apply(a * b)


def resolve(node: Node) -> Kernel | None:
    """Two quantized operands, or one and a constant."""
    out = node.outputs[0]
    if out.quant is None:
        return elementwise.resolve(node)
    a, b = node.input(0), node.input(1)
    if a.constant is not None or b.constant is not None:
        x, constant = (b, a) if a.constant is not None else (a, b)
        assert constant.constant is not None
        return scale.scaled(node, x, np.asarray(constant.constant.real, np.float64))
    if not (is_quantized(a) and is_quantized(b)):
        return None
    assert a.quant is not None and b.quant is not None
    zeros = (zero_point(a), zero_point(b))
    bound = magnitude(a.dtype, zeros[0]) * magnitude(b.dtype, zeros[1])
    scales = np.array([a.quant.scale * b.quant.scale])
    epilogue = Requantize.of(scales, out.quant, out.dtype, bound, node.activation)
    return Product(Broadcast.of(out, [a, b]), out.dtype, zeros, epilogue)
