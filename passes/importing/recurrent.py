"""Recurrent layers of ``layout`` 1, batch first, which ONNX Runtime does not run."""

from __future__ import annotations

import onnx_ir as oir

from ...kernels.cells import GATES
from ..onnx_edit import emit, emit_several, replace_results
from ..onnx_graph import attributes_of, input_at, is_understood

_BATCH_FIRST = (0, 5, 6)
"""Operands whose first two axes change places: inputs and states."""


def sequence_first(graph: oir.Graph) -> None:
    """Gives LSTM, GRU and RNN the layout 0, in which time is the first axis, between transposes."""
    for node in tuple(graph):
        if node.op_type in GATES and is_understood(node) and node.attributes.get_int("layout", 0):
            _turn(node)


def _turn(node: oir.Node) -> None:
    operands = list(node.inputs)
    for index in _BATCH_FIRST:
        value = input_at(node, index)
        if value is not None:
            name = f"{node.name}_transpose_{index}"
            operands[index] = emit(node, "Transpose", [value], {"perm": [1, 0, 2]}, name=name)
    attributes = {name: value for name, value in attributes_of(node).items() if name != "layout"}
    wanted = [bool(value.name) for value in node.outputs]
    name, results = f"{node.name}_sequence_first", list[oir.Value | None]()
    made = emit_several(node, node.op_type, operands, attributes, name=name, wanted=wanted)
    for index, new in enumerate(made):
        perm = [2, 0, 1, 3] if index == 0 else [1, 0, 2]
        name = f"{node.name}_restored_{index}"
        results.append(new and emit(node, "Transpose", [new], {"perm": perm}, name=name))
    replace_results(node, results)
