"""Where along an axis the largest or smallest element lies (ONNX ArgMax-13, ArgMin-13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from .lanes import Lanes, order_without
from .node import Node
from .reduce import Reduction


@dataclass(frozen=True, eq=False)
class ArgExtreme(Reduction):
    """int64 indices. An element takes the place of the best so far where ``comparison`` (>, >=, < or <=)
    holds between them: with >= and <= the last of several equal ones wins."""

    template: ClassVar[str] = "arg_extreme"

    comparison: str

    def reduce(self, x: np.ndarray) -> np.ndarray:
        find = np.argmax if self.comparison.startswith(">") else np.argmin
        if self.comparison.endswith("="):
            return x.shape[1] - 1 - find(x[:, ::-1], axis=1)
        return find(x, axis=1)


def _axis(node: Node) -> int:
    axis, rank = int(node.attribute("axis", 0)), len(node.input(0).shape)
    if not -rank <= axis < rank:
        raise node.refuse(f"axis {axis} does not exist", f"give an axis between 0 and {rank - 1}")
    return axis % rank


def result_order(node: Node) -> tuple[int, ...]:
    """The operand's order of axes, without the one that is dropped."""
    order = node.input(0).order
    return order if len(node.outputs[0].shape) == len(order) else order_without(order, (_axis(node),))


def resolve(node: Node) -> Kernel | None:
    """ArgMax or ArgMin of any type; quantization does not change the order of elements."""
    x = node.input(0)
    comparison = ">" if node.operator == "ArgMax" else "<"
    if node.attribute("select_last_index", 0):
        comparison += "="
    return ArgExtreme(Lanes.of(x.physical, [x.position(_axis(node))]), node.outputs[0].physical, comparison)
