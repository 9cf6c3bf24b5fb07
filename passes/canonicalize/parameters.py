"""Weights and biases, plain or behind DequantizeLinear: moving, reshaping and scaling them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, emit
from ..onnx_graph import Array, attributes_of, constant, dequantized_constant, graph_of, input_at, shape_of


def reshaped(before: oir.Node, value: oir.Value | None, shape: Sequence[int], name: str) -> oir.Value | None:
    """A constant with the elements of constant ``value`` in another ``shape``.

    None where the value is not constant, or is quantized along an axis that the new shape breaks.
    """

    def move(array: Array) -> Array:
        return array.reshape(shape)

    return _moved(before, value, move, lambda axis: _axis_after(value, axis, shape), name)


def transposed(before: oir.Node, value: oir.Value | None, perm: Sequence[int], name: str) -> oir.Value | None:
    """A constant with the axes of constant ``value`` in the order ``perm``; None where it is none."""

    def move(array: Array) -> Array:
        return array.transpose(perm)

    return _moved(before, value, move, list(perm).index, name)


def _moved(
    before: oir.Node,
    value: oir.Value | None,
    move: Callable[[Array], Array],
    axis_after: Callable[[int], int | None],
    name: str,
) -> oir.Value | None:
    array = constant(value)
    if array is not None:
        return add_constant(graph_of(before), move(array), name)
    dequantize = dequantized_constant(value)
    stored = None if dequantize is None else constant(dequantize.inputs[0])
    if dequantize is None or stored is None:
        return None
    attributes = attributes_of(dequantize)
    if attributes.pop("block_size", 0):
        return None
    scale = dequantize.inputs[1]
    if scale is not None and shape_of(scale) not in ((), (1,)):
        axis = axis_after(dequantize.attributes.get_int("axis", 1) % stored.ndim)
        if axis is None:
            return None
        attributes["axis"] = axis
    moved = add_constant(graph_of(before), move(stored), name)
    operands = [moved, *dequantize.inputs[1:]]
    return emit(before, "DequantizeLinear", operands, attributes, name=f"{name}_dequantize")


def _axis_after(value: oir.Value | None, axis: int, shape: Sequence[int]) -> int | None:
    """Where a reshape to ``shape`` puts ``axis``, all other dimensions being 1 or unchanged around it."""
    old = shape_of(value)
    front = int(np.prod(old[:axis]))
    for index, dim in enumerate(shape):
        if dim == old[axis] and int(np.prod(shape[:index])) == front:
            return index
    return None


def per_channel(value: oir.Value | None, rank: int, channels: int, axis: int) -> Array | None:
    """A float32 initializer that broadcasts over ``rank`` dimensions as one number per index of
    ``axis``: those ``channels`` numbers, float64. None for anything else."""
    array = constant(value)
    if array is None or array.dtype != np.float32 or array.ndim > rank:
        return None
    shape = (1,) * (rank - array.ndim) + array.shape
    if array.size not in (1, channels) or any(d != 1 for i, d in enumerate(shape) if i != axis):
        return None
    return np.broadcast_to(array.reshape(-1).astype(np.float64), (channels,))


def is_per_channel(value: oir.Value | None, rank: int, channels: int, axis: int) -> bool:
    """Whether the value's shape broadcasts as one element for each index of ``axis``."""
    shape = shape_of(value)
    padded = (1,) * (rank - len(shape)) + shape
    return len(shape) <= rank and padded[axis] == channels and int(np.prod(shape)) == channels


def same_constant(first: oir.Value | None, second: oir.Value | None) -> bool:
    """Whether two operands are the same value or hold equal initializers."""
    if first is second:
        return True
    one, two = constant(first), constant(second)
    if one is None or two is None:
        return False
    return one.dtype == two.dtype and one.shape == two.shape and bool((one == two).all())


def same_quantization(first: oir.Node, second: oir.Node) -> bool:
    """Whether two QuantizeLinear or DequantizeLinear nodes map integers of one type to reals alike."""
    if first.attributes.get_int("block_size", 0) or second.attributes.get_int("block_size", 0):
        return False
    if shape_of(first.inputs[1]) not in ((), (1,)) and (
        first.attributes.get_int("axis", 1) != second.attributes.get_int("axis", 1)
    ):
        return False
    if _stored_type(first) != _stored_type(second):
        return False
    zeros = [input_at(node, 2) for node in (first, second)]
    same_zero = same_constant(*zeros) or all(z is None or not np.any(constant(z) != 0) for z in zeros)
    return same_zero and same_constant(first.inputs[1], second.inputs[1])


def _stored_type(node: oir.Node) -> oir.DataType | None:
    value = node.outputs[0] if node.op_type == "QuantizeLinear" else node.inputs[0]
    return None if value is None else value.dtype
