"""A recurrent layer of whose sequence of states the last step alone is read, as of many classifiers, makes
the last state instead: the sequence need not be kept."""

from __future__ import annotations

import onnx_ir as oir

from ...ir.errors import ModelError
from ...kernels.recurrent import Operand
from ..onnx_edit import add_integers, emit, emit_several, replace_results
from ..onnx_graph import attributes_of, graph_of, input_at, is_understood, shape_of, used_once
from ..streaming.axes import CUTS, RULES, cut_shape

_OPERANDS_OF_SLICE = 5
"""In canonical form; it may not have that yet."""
_MOVING = ("Gather", "Reshape", "Slice", "Transpose")


def last_step_alone(node: oir.Node) -> bool:
    """The rule for LSTM, GRU and RNN."""
    sequence = node.outputs[0]
    backward = node.attributes.get_string("direction", "forward") != "forward"
    if backward or input_at(node, Operand.LENGTHS) is not None or not sequence.name:
        return False
    chain = _to_last_step(sequence)
    if not chain or shape_of(sequence)[0] == 1:
        return False
    wanted = [False, True, *(bool(value.name) for value in node.outputs[2:])]
    name = f"{node.name}_last"
    results = emit_several(node, node.op_type, node.inputs, attributes_of(node), name=name, wanted=wanted)
    shape = add_integers(graph_of(node), (1, *shape_of(sequence)[1:]), f"{name}_shape")
    step = emit(node, "Reshape", [results[1], shape], name=f"{name}_state")
    chain[0][0].replace_input_with(0, step)
    node.resize_outputs(len(results))
    replace_results(node, results)
    for link, axis in chain:
        if axis is not None:
            cut_shape(link.outputs[0], axis)
    for link, _ in chain:
        if link.op_type in CUTS:
            CUTS[link.op_type](link)
    return True


def _to_last_step(sequence: oir.Value) -> list[tuple[oir.Node, int | None]]:
    """The nodes that move ``sequence``, whose first axis is time, up to the one that takes the last step,
    each with the axis of time in its result; none where anything else of the sequence is read."""
    chain: list[tuple[oir.Node, int | None]] = []
    value, axis = sequence, 0
    while used_once(value):
        (use,) = value.uses()
        if use.idx != 0 or use.node.op_type not in _MOVING or not is_understood(use.node):
            return []
        if use.node.op_type == "Slice" and len(use.node.inputs) != _OPERANDS_OF_SLICE:
            return []
        try:
            place = RULES[use.node.op_type](use.node, [axis, *[None] * (len(use.node.inputs) - 1)])
        except ModelError:
            return []
        chain.append((use.node, place))
        if place is None:
            return chain
        value, axis = use.node.outputs[0], place
    return []
