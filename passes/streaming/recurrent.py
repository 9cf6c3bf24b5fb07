"""Recurrent layers of one step: their states come in and go out."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ...kernels.gate_table import RESULT_BITS
from ...kernels.integer_recurrent import CELL_NOTE, USUAL_CELL_BITS
from ...kernels.recurrent import Operand
from ..onnx_edit import add_constant, add_integers, emit, set_inputs, take_over, unique_name
from ..onnx_graph import constant, dequantized_constant, graph_of, input_at, shape_of
from ..onnx_infer import infer
from ..state_pairs import StatePair
from .axes import Axes, refused
from .rounding import Parameters, rounded

_RESULTS = {Operand.H: (1, "h"), Operand.C: (2, "c")}


def recurrent_axis(node: oir.Node, axes: Axes) -> int | None:
    """Time is the first axis of inputs and of the sequence of states."""
    if node.attributes.get_string("direction", "forward") != "forward":
        raise refused(
            node,
            "it goes through the sequence from its end: at each step it would need all that come later",
            "train the layer in one direction, forward, or compile the model without --stream",
        )
    if input_at(node, Operand.LENGTHS) is not None:
        raise refused(
            node, "its sequences have lengths", "leave sequence_lens out: the caller ends a stream by a reset"
        )
    if any(axis is not None for axis in axes[1:]) or axes[0] != 0:
        raise refused(
            node, "time is not the axis along which it is recurrent", "name that axis: --stream AXIS"
        )
    return 0


def keep_states(node: oir.Node) -> list[StatePair]:
    """Makes states of the layer, whose time is one step, new inputs and outputs of the graph; nodes are to be
    sorted afterwards.

    On integers they are those of the sequence; cells, and the states of a GRU, have 16 bits.
    """
    quant = _quantization(node)
    _show_current(node, quant)
    node.resize_outputs(3 if node.op_type == "LSTM" else 2)
    operands = [*node.inputs, *[None] * (max(_RESULTS) + 1 - len(node.inputs))]
    kept: list[StatePair] = []
    for index in (Operand.H, Operand.C) if node.op_type == "LSTM" else (Operand.H,):
        result, letter = _RESULTS[index]
        name = unique_name(graph_of(node), f"{node.name}.{letter}".replace(",", "_"))
        parameters = quant and (_wide(node, index) or quant)
        operands[index] = _begun(node, name, operands[index], parameters)
        output = _left(node, node.outputs[result], name, parameters)
        kept.append(StatePair(name, output))
    set_inputs(node, operands if node.op_type == "LSTM" else operands[: 1 + Operand.H])
    infer(node)
    return kept


def _quantization(node: oir.Node) -> Parameters | None:
    """Scale and zero point of the states of a layer on integers."""
    quantizer = next((q for value in node.outputs if (q := _quantizer(value)) is not None), None)
    if quantizer is None or dequantized_constant(node.inputs[Operand.W]) is None:
        return None
    return tuple(quantizer.inputs[1:])


def _quantizer(value: oir.Value) -> oir.Node | None:
    """The QuantizeLinear that reads ``value``."""
    return next((use.node for use in value.uses() if use.node.op_type == "QuantizeLinear"), None)


def _wide(node: oir.Node, index: int) -> Parameters | None:
    """Scale and zero point of a state that has 16 bits."""
    if index == Operand.H and node.op_type != "GRU":
        return None
    bits = RESULT_BITS if index == Operand.H else int(node.metadata_props.get(CELL_NOTE, USUAL_CELL_BITS))
    graph, name = graph_of(node), f"{node.name}_{index}"
    scale = add_constant(graph, np.array(2.0**-bits, np.float32), f"{name}_scale")
    return scale, add_constant(graph, np.array(0, np.int16), f"{name}_zero_point")


def _show_current(node: oir.Node, quant: Parameters | None) -> None:
    """Lets those who read the last state read the one step of the sequence: the last state is kept, and in
    16 bits perhaps."""
    graph, sequence = graph_of(node), node.outputs[0]
    last = node.outputs[1] if len(node.outputs) > 1 else None
    if not sequence.name:
        sequence.name = unique_name(graph, f"{node.name}_sequence")
        infer(node)
    read = last is not None and bool(last.name) and (last.uses() or last.is_graph_output())
    value = sequence
    if quant is not None:
        quantizer = _quantizer(sequence)
        whole = (
            emit(node, "QuantizeLinear", [sequence, *quant], name=f"{node.name}_step")
            if quantizer is None
            else quantizer.outputs[0]
        )
        value = (
            emit(node, "DequantizeLinear", [whole, *quant], name=f"{node.name}_step_real") if read else value
        )
    if read and last is not None:
        shape = add_integers(graph, shape_of(last), f"{node.name}_step_shape")
        take_over(last, emit(node, "Reshape", [value, shape], name=f"{node.name}_current"))


def _begun(node: oir.Node, name: str, initial: oir.Value | None, parameters: Parameters | None) -> oir.Value:
    """What the layer begins with: the new input ``name``, quantized where the layer is."""
    graph, units = graph_of(node), shape_of(node.inputs[Operand.R])[2]
    shape = oir.Shape((1, shape_of(node.inputs[Operand.X])[1], units))
    entry = oir.Value(name=name, shape=shape, type=oir.TensorType(oir.DataType.FLOAT))
    graph.inputs.append(entry)
    before = constant(initial)
    if before is not None:
        entry.const_value = oir.Tensor(before.astype(np.float32), name=name)
        graph.register_initializer(entry)
    return rounded(node, entry, parameters, name)


def _left(node: oir.Node, output: oir.Value, name: str, parameters: Parameters | None) -> str:
    """Makes what the layer leaves an output of the graph, and gives its name."""
    graph = graph_of(node)
    output.name = unique_name(graph, f"{name}_next")
    infer(node)
    output = rounded(node, output, parameters, f"{name}_next")
    graph.outputs.append(output)
    return str(output.name)
