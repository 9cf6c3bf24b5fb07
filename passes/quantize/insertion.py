"""Puts QuantizeLinear/DequantizeLinear pairs and integer weights into a float graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, emit, remembered_names, unique_name
from .affine import Affine, dtype_of, integers, quant_of
from .graphs import name_of
from .membranes import SPIKE
from .operators import array_of, is_constant, is_float, is_recurrent
from .recurrent import WEIGHTS, hide_sequences, integer_rows, is_unread
from .units import Unit, constant_side, partition
from .weights import Weights

QUANTIZED = "_quantized"
"""Ends the name of an activation's integers."""


def insert(model: oir.Model, quants: Mapping[str, Affine], weights: Mapping[str, Weights]) -> None:
    """Quantizes ``model`` in place: its tensors by ``quants``, and its layers by name with ``weights``."""
    graph, parts = model.graph, partition(model)
    with remembered_names(graph):
        inserter, values = _Inserter(graph), oir.convenience.create_value_mapping(graph)
        for unit in parts.units:
            if unit.name in weights:
                inserter.weights(unit, weights[unit.name])
            else:
                inserter.operands(unit, quants)
        for tensor in parts.tensors:
            if tensor in parts.spiking.spikes and quants[tensor] == SPIKE:
                continue  # they are integers as they are
            if is_unread(values[tensor]):
                continue
            inserter.activation(tensor, quants[tensor])
    hide_sequences(graph)
    unused = [name for name, value in graph.initializers.items() if not value.uses()]
    for name in unused:
        if not graph.initializers[name].is_graph_output():
            del graph.initializers[name]


class _Inserter:
    """Edits one graph in place; scales and zero points that tensors share are stored once."""

    def __init__(self, graph: oir.Graph) -> None:
        self._graph = graph
        self._values = oir.convenience.create_value_mapping(graph)
        self._parameters: dict[Affine, tuple[oir.Value, oir.Value]] = {}

    def activation(self, tensor: str, quant: Affine) -> None:
        """A pair behind ``tensor``; all that read it, graph outputs too, read the pair's result."""
        value = self._values[tensor]
        scale, zero_point = self._quantization(tensor, quant)
        whole = self._node("QuantizeLinear", [value, scale, zero_point], f"{tensor}{QUANTIZED}")
        back = self._node("DequantizeLinear", [whole.outputs[0], scale, zero_point], f"{tensor}_dequantized")
        integer, real = whole.outputs[0], back.outputs[0]
        stored = oir.TensorType(oir.DataType.from_numpy(dtype_of(quant.bits)))
        integer.type, integer.shape = stored, value.shape
        real.type, real.shape = value.type, value.shape
        for user, index in tuple(value.uses()):
            if user is not whole:
                user.replace_input_with(index, real)
        for index, output in enumerate(self._graph.outputs):
            if output is value and not value.is_graph_input():  # an input is handed back as it came
                value.name, real.name = unique_name(self._graph, f"{tensor}_float"), tensor
                self._graph.outputs[index] = real
        producer = value.producer()
        if producer is None:
            self._graph.insert_before(self._graph[0], [whole, back])
        else:
            self._graph.insert_after(producer, [whole, back])

    def _node(self, operator: str, operands: list[oir.Value], wanted: str) -> oir.Node:
        node = oir.node(operator, operands)
        node.name = node.outputs[0].name = unique_name(self._graph, wanted)
        return node

    def operands(self, unit: Unit, quants: Mapping[str, Affine]) -> None:
        """Integers in place of the constant operands of a unit without weights that are chosen by error."""
        if is_recurrent(unit.operator):
            for index in WEIGHTS:
                value = unit.operator.inputs[index]
                self._constant(unit.operator, index, name_of(value), *integer_rows(array_of(value)), 1)
            return
        if unit.rule.weight_axis is not None or not unit.rule.constants:
            return
        node = unit.operator
        for index in range(len(node.inputs)) if unit.rule.operands is None else unit.rule.operands:
            value = node.inputs[index]
            if is_constant(value) and is_float(value):
                array = array_of(value)
                bits = max(8, *(quants[name].bits for name in (*unit.outputs, *unit.inputs)))
                own = quant_of(float(array.min(initial=0.0)), float(array.max(initial=0.0)), bits)
                quant = quants[(*unit.outputs, *unit.inputs)[0]] if unit.rule.shared else own
                scale, zero_point = self._quantization(name_of(value), quant)
                stored = integers(array, quant)
                whole = add_constant(self._graph, stored, f"{name_of(value)}_quantized")
                self._dequantize(node, index, [whole, scale, zero_point], None, name_of(value))

    def weights(self, unit: Unit, weights: Weights) -> None:
        """Integer weights and bias in place of a unit's float ones."""
        node, axis = unit.operator, unit.rule.weight_axis
        self._constant(node, 1, name_of(unit.weight), weights.values, weights.scales, axis)
        if unit.bias is None:
            return
        owner = unit.bias_add or node
        index = 2 if unit.bias_add is None else constant_side(owner)
        self._constant(owner, index, name_of(unit.bias), weights.bias, weights.bias_scales, 0)

    def _constant(
        self, node: oir.Node, index: int, name: str, values: np.ndarray, scales: np.ndarray, axis: int | None
    ) -> None:
        zeros = np.zeros(scales.shape, values.dtype)
        operands = [
            add_constant(self._graph, values, f"{name}_quantized"),
            add_constant(self._graph, scales.astype(np.float32), f"{name}_scale"),
            add_constant(self._graph, zeros, f"{name}_zero_point"),
        ]
        self._dequantize(node, index, operands, axis, name)

    def _dequantize(
        self, node: oir.Node, index: int, operands: list[oir.Value], axis: int | None, name: str
    ) -> None:
        """Lets input ``index`` of ``node`` read DequantizeLinear of ``operands``."""
        attributes = {} if axis is None else {"axis": axis}
        real = emit(node, "DequantizeLinear", operands, attributes, name=f"{name}_dequantize")
        maker = real.producer()
        assert maker is not None
        maker.name = real.name  # unique, where two nodes have read one constant
        node.replace_input_with(index, real)

    def _quantization(self, tensor: str, quant: Affine) -> tuple[oir.Value, oir.Value]:
        if quant not in self._parameters:
            scale = np.asarray(quant.scale, np.float32)
            zero_point = np.asarray(quant.zero_point, dtype_of(quant.bits))
            self._parameters[quant] = (
                add_constant(self._graph, scale, f"{tensor}_scale"),
                add_constant(self._graph, zero_point, f"{tensor}_zero_point"),
            )
        return self._parameters[quant]
