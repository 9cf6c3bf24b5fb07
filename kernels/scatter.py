"""ScatterElements (ONNX-18) into a vector; import brings every other scattering to that form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node

_REDUCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "none": lambda old, new: new,
    "add": np.add,
    "mul": np.multiply,
    "max": lambda old, new: np.where(new > old, new, old),
    "min": lambda old, new: np.where(new < old, new, old),
}


@dataclass(frozen=True, eq=False)
class Scatter(Kernel):
    """out = ``data``, then out[index] = reduction(out[index], update) for each index in turn.

    Indices below zero count from the end; those beyond either end change nothing. Integers wrap around.
    ``given`` holds the operands (data, indices, updates) that are constant, None for those of the step.
    """

    template: ClassVar[str] = "scatter"

    length: int
    count: int
    dtype: DType
    reduction: str
    given: tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]

    def constants(self) -> Mapping[str, np.ndarray]:
        names = ("data", "indices", "updates")
        return {name: array for name, array in zip(names, self.given, strict=True) if array is not None}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.length + self.count)

    def in_place(self) -> tuple[int, ...]:
        return (0,) if self.given[0] is None else ()

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        fed = iter(inputs)
        data, indices, updates = (next(fed) if array is None else array for array in self.given)
        out, reduced = data.copy(), _REDUCTIONS[self.reduction]
        with np.errstate(all="ignore"):
            for index, update in zip(indices.tolist(), updates, strict=True):
                place = index + self.length if index < 0 else index
                if 0 <= place < self.length:
                    out[place] = reduced(out[place], update)
        return (out,)


def resolve(node: Node) -> Kernel | None:
    """ScatterElements of vectors that are not quantized; None for quantized ones."""
    operands = [node.input(index) for index in range(3)]
    data, indices, updates = operands
    if node.quantized or data.quant is not None or updates.quant is not None:
        return None
    if len(data.shape) != 1:
        raise node.refuse(f"its data has {len(data.shape)} axes", "let Reshape make vectors of all operands")
    reduction = str(node.attribute("reduction", "none"))
    dtype = node.outputs[0].dtype
    types = (dtype, indices.dtype, dtype)
    data_given, indices_given, updates_given = (
        None if t.constant is None else np.asarray(t.constant.real).astype(kind.numpy)
        for t, kind in zip(operands, types, strict=True)
    )
    given = (data_given, indices_given, updates_given)
    return Scatter(data.elements, indices.elements, dtype, reduction, given)
