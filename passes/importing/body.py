"""What decompositions read of a node, and the nodes and constants that they write in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_edit import add_constant
from ..onnx_graph import Array, constant, describe, graph_of


class Body:
    """Nodes and constants in the place of one node, which is written for ``opset``."""

    def __init__(self, node: oir.Node, opset: int) -> None:
        self._node, self.opset = node, opset
        self.nodes: list[oir.Node] = []

    def op(self, operator: str, *inputs: oir.Value | None, **attributes: Any) -> oir.Value:
        """The one output of a new node."""
        name = f"{self._node.name}_{operator}"
        node = oir.node(operator, list(inputs), attributes, name=name)
        self.nodes.append(node)
        return node.outputs[0]

    def constant(self, array: Any, dtype: oir.DataType | None = None) -> oir.Value:
        """An initializer; int64 where the type is not given and the numbers are integers."""
        found = np.asarray(array) if dtype is None else np.asarray(array).astype(dtype.numpy())
        return add_constant(graph_of(self._node), found, f"{self._node.name}_constant")

    def like(self, number: float, value: oir.Value) -> oir.Value:
        """``number`` in the element type of ``value``."""
        return self.constant(number, value.dtype)

    def reshape(self, value: oir.Value, shape: list[int]) -> oir.Value:
        return self.op("Reshape", value, self.constant(np.array(shape, np.int64)))


def operand(node: oir.Node, index: int) -> oir.Value:
    """Operand ``index``, which is there."""
    value = node.inputs[index]
    assert value is not None
    return value


def number(node: oir.Node, index: int, default: float) -> float:
    """The constant scalar operand ``index``; ModelError where it is computed."""
    value = node.inputs[index] if index < len(node.inputs) else None
    if value is None:
        return default
    return float(known(node, index).reshape(()))


def known(node: oir.Node, index: int) -> Array:
    """The constant operand ``index``; ModelError where it is computed."""
    array = constant(operand(node, index))
    if array is None:
        raise ModelError(
            f"{node.op_type} needs a constant as operand {index}",
            where=describe(node),
            why=f"{operand(node, index).name!r} is computed when the model runs",
            remedy="export the model with this operand as an initializer",
        )
    return array


def along(length: int, axis: int, rank: int) -> Array:
    """0, 1, … along one axis of ``rank``, the others of length one."""
    return np.arange(length, dtype=np.int64).reshape([-1 if a == axis else 1 for a in range(rank)])


def wrapped(body: Body, indices: oir.Value, length: int) -> oir.Value:
    """Indices of which those below zero count from the end, as int64 from 0 to ``length`` − 1."""
    wide = body.op("Cast", indices, to=int(oir.DataType.INT64))
    return body.op("Mod", wide, body.constant(np.int64(length)))
