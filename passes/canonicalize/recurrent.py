"""Recurrent layers: LSTM, GRU and RNN become layers of one direction.

The last state is read off the sequence of states where that is there anyway; operands that say nothing
(states of zero, lengths that are the whole sequence) go. What remains is one loop over time for each node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir as oir

from ...kernels.cells import GATES, Functions
from ..onnx_edit import (
    Operand,
    add_constant,
    add_integers,
    emit,
    emit_several,
    prune,
    replace_results,
    set_inputs,
)
from ..onnx_graph import attributes_of, constant, dequantized_constant, graph_of, input_at, shape_of
from .engine import Rules
from .last_step import last_step_alone

_LENGTHS, _H = 4, 5
_PER_DIRECTION = (1, 2, 3, 5, 6, 7)
"""Operands whose first axis is directions: weights, recurrent weights, biases, states, peepholes."""
_WITHOUT_ZEROS = (3, 5, 6, 7)
"""Operands that are zero where they are left out."""


def _one_direction(node: oir.Node) -> bool:
    """Both directions are two layers."""
    if node.attributes.get_string("direction", "forward") != "bidirectional":
        return False
    try:
        functions = Functions.of(node.op_type, attributes_of(node))
    except ValueError:
        return False  # lowering refuses the node
    halves: list[Sequence[oir.Value | None]] = []
    for index, (direction, part) in enumerate(zip(("forward", "reverse"), functions.halves(), strict=True)):
        operands = list(node.inputs)
        for operand in _PER_DIRECTION:
            value = input_at(node, operand)
            if value is not None:
                operands[operand] = _part(node, value, index, direction)
        attributes = attributes_of(node) | part.attributes() | {"direction": direction}
        kept = {name: value for name, value in attributes.items() if value != []}
        halves.append(_again(node, operands, kept, direction))
    results: list[oir.Value | None] = []
    for index, both in enumerate(zip(*halves, strict=True)):
        name = f"{node.name}_joined_{index}"
        both = _quantized_alike(node, both, node.outputs[index], name)
        joined = None if None in both else emit(node, "Concat", both, {"axis": int(index == 0)}, name=name)
        results.append(joined)
    replace_results(node, results)
    return True


def _quantized_alike(
    node: oir.Node, both: Sequence[oir.Value | None], result: oir.Value, name: str
) -> Sequence[oir.Value | None]:
    """What is quantized once for both directions is quantized in each, where a layer on integers wants it."""
    readers = [use.node for use in result.uses()]
    if len(readers) != 1 or readers[0].op_type != "QuantizeLinear" or None in both:
        return both
    quant = readers[0].inputs[1:]
    found: list[oir.Value] = []
    for place, value in enumerate(both):
        whole = emit(node, "QuantizeLinear", [value, *quant], name=f"{name}_{place}_quantized")
        found.append(emit(node, "DequantizeLinear", [whole, *quant], name=f"{name}_{place}_real"))
    return found


def _part(node: oir.Node, value: oir.Value, index: int, direction: str) -> oir.Value:
    """The operand of one direction."""
    graph, name = graph_of(node), f"{value.name}_{direction}"
    array, dequantized = constant(value), dequantized_constant(value)
    if array is not None:
        return add_constant(graph, array[index : index + 1], name)
    if dequantized is not None and dequantized.attributes.get_int("axis", 1) != 0:
        stored = constant(dequantized.inputs[0])
        assert stored is not None
        half = add_constant(graph, stored[index : index + 1], f"{name}_stored")
        operands = [half, *dequantized.inputs[1:]]
        return emit(node, "DequantizeLinear", operands, attributes_of(dequantized), name=name)
    return _slice(node, value, index, name)


def _last_state(node: oir.Node) -> bool:
    """Where all states are asked for, the last one is one of them, unless sequences have lengths, or a GRU
    begins with what it left. A layer whose results are quantized keeps both, which its kernel makes."""
    if len(node.outputs) < 2 or not (node.outputs[0].name and node.outputs[1].name):
        return False
    if any(use.node.op_type == "QuantizeLinear" for value in node.outputs for use in value.uses()):
        return False
    last, given = node.outputs[1], input_at(node, _H)
    if node.op_type == "GRU" and given is not None and constant(given) is None:
        return False  # it goes from run to run, and has 16 bits on integers
    if input_at(node, _LENGTHS) is not None or shape_of(node.outputs[0])[1] != 1:
        return False
    node_shape, name = shape_of(last), f"{node.name}_last"
    reverse = node.attributes.get_string("direction", "forward") == "reverse"
    wanted = [index != 1 and bool(value.name) for index, value in enumerate(node.outputs)]
    results = list(
        emit_several(node, node.op_type, node.inputs, attributes_of(node), name=str(node.name), wanted=wanted)
    )
    sequence = results[0]
    assert sequence is not None
    step = _slice(node, sequence, 0 if reverse else shape_of(sequence)[0] - 1, f"{name}_step")
    results[1] = emit(
        node, "Reshape", [step, add_integers(graph_of(node), node_shape, f"{name}_shape")], name=name
    )
    replace_results(node, results)
    return True


def _without_noughts(node: oir.Node) -> bool:
    """Leaves out operands that are zero, and lengths that all are the whole sequence."""
    operands = list(node.inputs)
    for index in (*_WITHOUT_ZEROS, _LENGTHS):
        array = constant(input_at(node, index))
        usual = shape_of(node.inputs[0])[0] if index == _LENGTHS else 0
        if array is not None and (array == usual).all():
            operands[index] = None
    if operands == list(node.inputs):
        return False
    before = [value for value in node.inputs if value is not None]
    set_inputs(node, operands)
    for value in before:
        prune(value)
    return True


def _without_unread(node: oir.Node) -> bool:
    """Takes the names of results that nobody reads: they are not computed."""
    unread = [v for v in node.outputs if v.name and not v.uses() and not v.is_graph_output()]
    for value in unread:
        value.name = ""
    return bool(unread)


def _slice(node: oir.Node, value: oir.Value, index: int, name: str) -> oir.Value:
    """``value`` at one index of its first axis, which stays."""
    graph = graph_of(node)
    bounds = [add_integers(graph, [n], f"{name}_{what}") for what, n in
              (("start", index), ("end", index + 1), ("axis", 0), ("step", 1))]  # fmt: skip
    return emit(node, "Slice", [value, *bounds], name=name)


def _again(
    node: oir.Node, operands: Sequence[Operand], attributes: dict[str, Any], suffix: str
) -> Sequence[oir.Value | None]:
    """The results of another node of the same operator in front of ``node``, with the same results."""
    wanted = [bool(value.name) for value in node.outputs]
    name = f"{node.name}_{suffix}"
    return emit_several(node, node.op_type, operands, attributes, name=name, wanted=wanted)


_ALL = (_without_unread, _one_direction, _without_noughts, last_step_alone, _last_state)

RULES: Rules = dict.fromkeys(GATES, _ALL)
