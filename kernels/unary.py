"""Operators of one operand, element by element, on float32 or on raw integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from . import functions
from .functions import Function
from .node import Node, Tensor

_FOR_INTEGERS = frozenset({"Abs", "BitwiseNot", "Clip", "Neg", "Not", "Relu", "Sign"})
"""Operators whose operand may be an integer (or bool); what leaves the type wraps around."""


@dataclass(frozen=True)
class Unary(Kernel):
    """out = function(in), with a result of ``dtype``."""

    template: ClassVar[str] = "unary"
    windowed: ClassVar[bool] = True

    function: Function
    elements: int
    source: DType
    dtype: DType

    @classmethod
    def of(cls, function: Function, x: Tensor, out: Tensor) -> Unary:
        """``function`` of each element of ``x``."""
        return cls(function, x.elements, x.dtype, out.dtype)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.elements)

    def in_place(self) -> tuple[int, ...]:
        return (0,) if self.dtype.size in (1, self.source.size) else ()

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        with np.errstate(all="ignore"):
            values = self.function(inputs[0].reshape(-1))
        return (values.astype(self.dtype.numpy).reshape(inputs[0].shape),)


def resolve(node: Node) -> Kernel | None:
    """Functions of one element. Quantized data has tables instead: None."""
    x, out = node.input(0), node.outputs[0]
    if x.quant is not None or not (x.dtype.is_float or node.operator in _FOR_INTEGERS):
        return None
    return Unary.of(functions.of_node(node), x, out)
