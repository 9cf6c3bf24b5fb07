"""Gather (ONNX Gather-13): whole slices of one axis, picked by constant or run-time indices.

An embedding is a Gather whose data is constant: the table stays in flash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .axis_map import AxisMap
from .nest import Axis
from .node import Node, Tensor
from .recode import can_move, recoding, stored
from .remap import Remap


@dataclass(frozen=True, eq=False)
class Gather(Kernel):
    """For each of ``outer`` blocks of ``length`` slices of ``inner`` elements, ``count`` slices. Indices
    below zero count from the end; those beyond either end are clamped, so that no input makes it read
    elsewhere.

    ``data`` is constant, or None where input 0 is computed; ``table`` recodes 8-bit elements.
    """

    template: ClassVar[str] = "gather"

    outer: int
    length: int
    inner: int
    count: int
    shape: tuple[int, ...]
    dtype: DType
    data: np.ndarray | None = None
    table: np.ndarray | None = None

    def constants(self) -> Mapping[str, np.ndarray]:
        found = {"data": self.data, "table": self.table}
        return {name: array for name, array in found.items() if array is not None}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=prod(self.shape))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        data = inputs[0] if self.data is None else self.data
        indices = inputs[-1].reshape(-1).astype(np.int64)
        inside = np.clip(np.where(indices < 0, indices + self.length, indices), 0, self.length - 1)
        picked = data.reshape(self.outer, self.length, self.inner)[:, inside]
        return ((picked if self.table is None else self.table[picked.view(np.uint8)]).reshape(self.shape),)


def result_order(node: Node) -> tuple[int, ...]:
    """The data's order of axes, with the axes of the indices, in theirs, where ``axis`` lies."""
    data, indices = node.input(0), node.input(1)
    axis = _axis(node)
    order: list[int] = []
    for a in data.order:
        if a == axis:
            order.extend(axis + i for i in indices.order)
        else:
            order.append(a if a < axis else a + len(indices.shape) - 1)
    return tuple(order)


def resolve(node: Node) -> Kernel | None:
    """Gather along any axis; constant indices beyond the axis are a ModelError."""
    data, indices, out = node.input(0), node.input(1), node.outputs[0]
    if not can_move(data, out):
        return None
    if indices.constant is not None:
        return _constant_indices(node, data, indices.constant.values)
    place = data.position(_axis(node))
    return Gather(
        outer=prod(data.physical[:place]),
        length=data.physical[place],
        inner=prod(data.physical[place + 1 :]),
        count=indices.elements,
        shape=out.physical,
        dtype=out.dtype,
        data=None if data.constant is None else np.ascontiguousarray(stored(data.constant, out)),
        table=recoding(data, out),
    )


def _axis(node: Node) -> int:
    return int(node.attribute("axis", 0)) % len(node.input(0).shape)


def _constant_indices(node: Node, data: Tensor, indices: np.ndarray) -> Remap:
    axis, out = _axis(node), node.outputs[0]
    length, flat = data.shape[axis], indices.reshape(-1).astype(np.int64)
    wrong = flat[(flat < -length) | (flat >= length)]
    if wrong.size:
        raise node.refuse(
            f"index {wrong[0]} is outside axis {axis}, which has {length}", "correct the indices"
        )
    axes = [
        Axis(
            AxisMap(flat % length, length) if a == axis else AxisMap.identity(data.shape[a]),
            prod(data.physical[place + 1 :]),
        )
        for place, a in enumerate(data.order)
    ]
    return Remap(data.physical, out.physical, tuple(axes), out.dtype, recoding(data, out))
