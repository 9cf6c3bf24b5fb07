"""Brings a float model into the form that the other stages start from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_edit import add_constant
from ..onnx_graph import describe
from .operators import array_of
from .recurrent import show_sequences
from .units import Unit, constant_side, partition


def prepared(model: oir.Model) -> oir.Model:
    """A copy of ``model`` in which every layer has a weight and a bias of its own (one value per output
    channel; zeros where it had none, except behind a MatMul).

    Raises ModelError where the model is quantized already.
    """
    for node in model.graph:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            raise ModelError(
                "The model is quantized already",
                where=describe(node),
                why="it has QuantizeLinear or DequantizeLinear nodes of its own",
                remedy="compile it as it is, without calibration data, or start from the float model",
            )
    copy = model.clone()
    show_sequences(copy.graph)
    uses = Counter(value for node in copy.graph for value in node.inputs if value is not None)
    for unit in partition(copy).units:
        if unit.rule.weight_axis is not None:
            _own_parameters(copy.graph, unit, uses)
        elif unit.operator.op_type == "AveragePool":
            _without_unit_dilations(unit.operator)
    return copy


def _without_unit_dilations(pool: oir.Node) -> None:
    """Leaves the attribute out where it says nothing: ONNX Runtime's own fusion of a quantized
    AveragePool does not know it, and refuses the model."""
    if set(pool.attributes.get_ints("dilations", [1])) == {1}:
        pool.attributes.pop("dilations", None)


def _own_parameters(graph: oir.Graph, unit: Unit, uses: Counter[oir.Value]) -> None:
    """Gives a layer's weight and bias to it alone."""
    weight, bias, node = unit.weight, unit.bias, unit.operator
    assert weight is not None
    if uses[weight] > 1:
        node.replace_input_with(1, add_constant(graph, array_of(weight), f"{weight.name}_copy"))
    if bias is None:
        if node.op_type == "MatMul":
            return
        zeros = np.zeros(unit.channels, np.float32)
        node.resize_inputs(3)
        node.replace_input_with(2, add_constant(graph, zeros, f"{weight.name}_bias"))
        return
    vector = np.broadcast_to(array_of(bias).reshape(-1), (unit.channels,)).astype(np.float32)
    own = add_constant(graph, vector, f"{bias.name}_vector")
    if unit.bias_add is None:
        node.replace_input_with(2, own)
    else:
        unit.bias_add.replace_input_with(constant_side(unit.bias_add), own)
