"""Cast among float32, integers and bool (ONNX Cast-25)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node


@dataclass(frozen=True)
class Cast(Kernel):
    """Floats are rounded toward 0 and saturate (NaN gives the least integer), integers keep their lower bits,
    and bool is whether an element differs from 0."""

    template: ClassVar[str] = "cast"
    windowed: ClassVar[bool] = True

    elements: int
    source: DType
    dtype: DType

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.elements)

    def in_place(self) -> tuple[int, ...]:
        return (0,) if self.dtype.size in (1, self.source.size) else ()

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = inputs[0]
        if not self.source.is_float or self.dtype.is_float or self.dtype is DType.BOOL:
            return (x.astype(self.dtype.numpy),)
        low, high = int(self.dtype.lowest), int(self.dtype.highest)
        above, below = x > np.float32(low), x < np.float32(high)
        whole = np.where(above & below, x, np.float32(0.0)).astype(np.int64)
        return (np.where(below | ~above, np.where(above, whole, low), high).astype(self.dtype.numpy),)


def resolve(node: Node) -> Kernel | None:
    """Any of the element types that C can store; None for quantized data, which is to be made real first."""
    x, out = node.input(0), node.outputs[0]
    return None if x.quant is not None else Cast(x.elements, x.dtype, out.dtype)
