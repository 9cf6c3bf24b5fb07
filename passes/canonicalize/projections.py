"""A dense layer whose columns are taken apart becomes several: PyTorch computes queries, keys and values of
attention as one product, and then moves each to a tensor of its own."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, add_integers, become, emit
from ..onnx_graph import (
    Array,
    attributes_of,
    constant,
    graph_of,
    input_at,
    integers,
    producer,
    scalar,
    shape_of,
)
from .engine import Rules
from .tidy import permutation

_LARGEST = 1 << 22
"""Elements of a dense layer's result up to which it is looked for where each of them goes."""


def _columns(node: oir.Node) -> bool:
    """A Gather or Slice that takes some columns of such a layer, in their order, by way of Reshapes and
    Transposes, becomes the Reshape of a layer that computes these alone."""
    moves, value = list[oir.Node](), node.inputs[0]
    while (before := producer(value, "Reshape", "Transpose")) is not None:
        if not _is_taken_apart(before.outputs[0]):
            return False
        moves.append(before)
        value = before.inputs[0]
    if value is None or not _is_taken_apart(value) or not _is_dense(value):
        return False
    shape = shape_of(value)
    if np.prod(shape) > _LARGEST:
        return False
    places = np.arange(np.prod(shape)).reshape(shape)
    for move in reversed(moves):
        places = _moved(move, places)
    taken = _taken(node, places)
    if taken is None or not taken.size:
        return False
    first, width = int(taken.flat[0]), taken.size * shape[-1] // places.size
    if first + width > shape[-1] or width == shape[-1]:
        return False
    wanted = np.arange(np.prod(shape)).reshape(shape)[..., first : first + width]
    if not np.array_equal(taken.reshape(-1), wanted.reshape(-1)):
        return False
    part = _part(node, value, slice(first, first + width))
    become(node, "Reshape", [part, add_integers(graph_of(node), taken.shape, f"{node.name}_shape")])
    return True


def _is_taken_apart(value: oir.Value) -> bool:
    users = [use.node for use in value.uses()]
    return not value.is_graph_output() and (
        len(users) == 1 or all(user.op_type in ("Gather", "Slice") for user in users)
    )


def _is_dense(value: oir.Value) -> bool:
    """Whether ``value`` is a product with a constant matrix, plus a constant for each column."""
    add = producer(value, "Add")
    if add is not None:
        bias, value = constant(add.inputs[1]), add.inputs[0] or value
        if bias is None or bias.shape != shape_of(value)[-1:] or not _is_taken_apart(value):
            return False
    node = producer(value, "MatMul", "Gemm")
    if node is None or len(shape_of(node.inputs[1])) != 2:
        return False
    plain = node.op_type == "MatMul" or set(node.attributes) <= {"transB"}
    return plain and all(constant(factor) is not None for factor in node.inputs[1:] if factor is not None)


def _moved(node: oir.Node, places: Array) -> Array:
    if node.op_type == "Transpose":
        return places.transpose(permutation(node))
    return places.reshape(shape_of(node.outputs[0]))


def _taken(node: oir.Node, places: Array) -> Array | None:
    """What ``node`` takes of ``places``; None where that is computed or of another form."""
    if node.op_type == "Gather":
        index = scalar(node.inputs[1])
        axis = node.attributes.get_int("axis", 0)
        if index is None or shape_of(node.inputs[1]) or not -places.shape[axis] <= index < places.shape[axis]:
            return None
        return places.take(int(index), axis)
    bounds = [integers(input_at(node, index)) for index in range(1, 5)]
    if any(found is None for found in bounds):
        return None
    for start, end, axis, step in zip(*(found or [] for found in bounds), strict=True):
        places = places[(slice(None),) * axis + (slice(start, end, step),)] if step > 0 else places[:0]
    return places


def _part(node: oir.Node, value: oir.Value, columns: slice) -> oir.Value:
    """The layer that computes ``columns`` of ``value`` alone."""
    maker = value.producer()
    assert maker is not None
    name = f"{node.name}_part"
    if maker.op_type == "Add":
        assert maker.inputs[0] is not None
        product = _part(node, maker.inputs[0], columns)
        return emit(node, "Add", [product, _cut(node, maker.inputs[1], (columns,))], name=f"{name}_bias")
    across = (slice(None), columns)
    transposed = bool(maker.attributes.get_int("transB", 0)) if maker.op_type == "Gemm" else False
    operands = [maker.inputs[0], _cut(node, maker.inputs[1], across[::-1] if transposed else across)]
    bias = input_at(maker, 2)
    if bias is not None:
        operands.append(_cut(node, bias, (columns,)))
    return emit(node, maker.op_type, operands, attributes_of(maker), name=name)


def _cut(node: oir.Node, value: oir.Value | None, index: tuple[slice, ...]) -> oir.Value:
    array = constant(value)
    assert array is not None and value is not None
    return add_constant(graph_of(node), array[index], f"{value.name}_part")


RULES: Rules = {"Gather": [_columns], "Slice": [_columns]}
