"""Reads and rewrites constant operands, whether plain initializers or behind a DequantizeLinear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx_ir as oir

from ...kernels.node import Constant
from ..onnx_edit import add_constant, emit
from ..onnx_graph import constant, graph_of, input_at, producer, static_shape
from .facts import Mask


def shape_of(value: oir.Value | None) -> tuple[int, ...] | None:
    """An operand's static shape; None where it is absent or a dimension is not known."""
    return None if value is None else static_shape(value)


def parameter_of(value: oir.Value | None) -> Constant | None:
    """The constant that ``value`` is; None where it is computed, or quantized by blocks."""
    array = constant(value)
    if array is not None:
        return Constant(array)
    node = producer(value, "DequantizeLinear")
    if node is None or node.attributes.get_int("block_size", 0):
        return None
    stored, scale, zero = (constant(input_at(node, i)) for i in range(3))
    if stored is None or scale is None or (zero is None and input_at(node, 2) is not None):
        return None
    axis = node.attributes.get_int("axis", 1) % stored.ndim if scale.size > 1 else 0
    return Constant(stored, scale, zero, axis)


def taken(parameter: Constant, axis: int, keep: Mask) -> Constant:
    """``parameter`` at the indices of ``axis`` where ``keep`` is true, with the scales of these."""
    values = np.compress(keep, parameter.values, axis)
    scale, zero = parameter.scale, parameter.zero_point
    if axis == parameter.axis:
        scale = scale[keep] if scale is not None and scale.size > 1 else scale
        zero = zero[keep] if zero is not None and zero.size > 1 else zero
    return replace(parameter, values=values, scale=scale, zero_point=zero)


def write_parameter(node: oir.Node, index: int, parameter: Constant) -> None:
    """Puts ``parameter`` in place of input ``index``, one of the same kind; other readers keep theirs."""
    value = node.inputs[index]
    assert value is not None
    if parameter.scale is None:
        write_array(node, index, parameter.values)
        return
    dequantize = value.producer()
    assert dequantize is not None
    if len(value.uses()) > 1 or value.is_graph_output():
        axis = dequantize.attributes.get_int("axis", 1)
        dequantize = _insert_dequantize(node, index, dequantize.inputs, axis)
    for position, array in enumerate((parameter.values, parameter.scale, parameter.zero_point)):
        if array is not None:
            write_array(dequantize, position, array)
    dequantize.outputs[0].shape = oir.Shape(parameter.values.shape)


def add_quantized_parameter(node: oir.Node, index: int, name: str, parameter: Constant) -> None:
    """Gives ``node`` a new input ``index``: ``parameter`` (without zero point) through DequantizeLinear."""
    assert parameter.scale is not None
    stored = add_constant(graph_of(node), parameter.values, f"{name}_quantized")
    scale = add_constant(graph_of(node), parameter.scale, f"{name}_scale")
    _insert_dequantize(node, index, (stored, scale), 0)


def add_float_parameter(node: oir.Node, index: int, name: str, array: np.ndarray) -> None:
    """Gives ``node`` a new input ``index``: an initializer."""
    _set_input(node, index, add_constant(graph_of(node), array, name))


def write_array(node: oir.Node, index: int, array: np.ndarray) -> None:
    """Makes ``array`` the initializer that is input ``index`` of ``node``; other readers keep theirs."""
    value = node.inputs[index]
    assert value is not None
    old = constant(value)
    if old is not None and old.shape == array.shape and old.tobytes() == array.tobytes():
        return
    public = value.is_graph_input() or value.is_graph_output()
    if value.is_initializer() and len(value.uses()) == 1 and not public:
        value.const_value = oir.tensor(array, name=value.name)
        value.shape = oir.Shape(array.shape)
    else:
        node.replace_input_with(index, add_constant(graph_of(node), array, value.name or "constant"))


def _insert_dequantize(node: oir.Node, index: int, inputs: Sequence[oir.Value | None], axis: int) -> oir.Node:
    stored = inputs[0]
    assert stored is not None
    output = emit(node, "DequantizeLinear", inputs, {"axis": axis}, name=f"{stored.name}_dequantize")
    _set_input(node, index, output)
    dequantize = output.producer()
    assert dequantize is not None
    return dequantize


def _set_input(node: oir.Node, index: int, value: oir.Value) -> None:
    if index >= len(node.inputs):
        node.resize_inputs(index + 1)
    node.replace_input_with(index, value)
