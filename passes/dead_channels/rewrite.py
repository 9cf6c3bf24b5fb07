"""Takes planned channels out of a graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx_ir as oir

from ...kernels.node import Constant
from ..onnx_graph import input_at
from .analysis import Analysis
from .facts import Mask
from .layers import Layer
from .parameters import (
    add_float_parameter,
    add_quantized_parameter,
    parameter_of,
    shape_of,
    taken,
    write_array,
    write_parameter,
)
from .plan import Removal


def remove(analysis: Analysis, removal: Removal) -> int:
    """Rewrites the graph without the channels of ``removal``; returns the number of output channels that
    its layers have lost."""
    for layer in analysis.layers:
        if not layer.depthwise:
            _fold(layer, removal.atoms[layer.source.atoms])
    for layer in analysis.layers:
        _shrink(layer, ~removal.atoms[layer.source.atoms], ~removal.atoms[layer.atoms])
    for tie in analysis.ties:
        keep = ~removal.atoms[tie.atoms]
        parameter = parameter_of(tie.node.inputs[tie.index])
        if not keep.all() and parameter is not None:
            write_parameter(tie.node, tie.index, taken(parameter, tie.axis, keep))
    for value, facts in analysis.facts.items():
        if facts.axis is not None and value.shape is not None:
            value.shape = _with_dimension(value.shape, facts.axis, int((~removal.atoms[facts.atoms]).sum()))
    for node, index in analysis.shapes:
        write_array(node, index, np.array(shape_of(node.outputs[0]), dtype=np.int64))
    return sum(int(removal.atoms[layer.atoms].sum()) for layer in analysis.layers)


def _fold(layer: Layer, removed: Mask) -> None:
    """Moves the constants of ``removed`` input channels to the bias."""
    if not (removed & (layer.source.nominal != 0)).any() or not layer.can_fold():
        return  # what is removed is zero, or meets weights of zero
    bias = layer.folded_bias(removed)
    assert bias is not None and layer.bias_site is not None
    node, index = layer.bias_site
    if input_at(node, index) is not None:
        write_parameter(node, index, bias)
    elif bias.scale is None:
        add_float_parameter(node, index, f"{node.name}_bias", bias.values)
    else:
        add_quantized_parameter(node, index, f"{node.name}_bias", bias)


def _shrink(layer: Layer, inputs: Mask, outputs: Mask) -> None:
    """Keeps the channels of weight and bias where ``inputs`` [I] and ``outputs`` [O] are true."""
    if inputs.all() and outputs.all():
        return
    node, layout = layer.node, layer.layout
    if layer.depthwise:
        weight = taken(layer.weight, 0, inputs if layout.inputs_first else outputs)
        node.attributes.add(oir.AttrInt64("group", int(inputs.sum())))
    elif layout.groups > 1:
        weight = taken(_take_inputs_by_group(layer.weight, inputs.reshape(layout.groups, -1)), 0, outputs)
    else:
        weight = taken(layer.weight, int(not layout.inputs_first), inputs)
        weight = taken(weight, int(layout.inputs_first), outputs)
    write_parameter(node, 1, weight)
    bias = parameter_of(input_at(node, 2))
    if node.op_type != "MatMul" and bias is not None and bias.values.size > 1:
        write_parameter(node, 2, taken(bias, bias.values.ndim - 1, outputs))


def _take_inputs_by_group(weight: Constant, keep: Mask) -> Constant:
    """``weight`` [O, I per group, kernel] with each group's own inputs ``keep`` [groups, I per group]."""
    values = weight.values
    parts = np.split(values, len(keep))
    kept = [np.compress(chosen, part, axis=1) for part, chosen in zip(parts, keep, strict=True)]
    return replace(weight, values=np.concatenate(kept))


def _with_dimension(shape: oir.Shape, axis: int, count: int) -> oir.Shape:
    dimensions = list(shape)
    dimensions[axis] = count
    return oir.Shape(dimensions)
