"""Recurrent layers: what calibration has to see of them, and their weights.

One quantization is for all states of a layer. The sequence of states is therefore observed even where the
model wants the last one alone; and LSTM cells, of which ONNX shows the last one, are computed here for every
step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor, log2

import numpy as np
import onnx_ir as oir

from ...ir.dtype import DType
from ...kernels.cells import Functions
from ...kernels.float_recurrent import Cell, resolve_float
from ...kernels.functions import Function
from ...kernels.gate_table import MOST, RESULT_BITS, is_bounded, is_share
from ...kernels.integer_recurrent import CELL_NOTE
from ...kernels.node import Constant, Node, Tensor
from ...kernels.recurrent import Operand
from ..onnx_edit import unique_name
from ..onnx_graph import attributes_of, input_at, shape_of
from ..onnx_infer import infer
from .affine import WEIGHT_MAX, Affine
from .calibration import Calibration
from .graphs import exposing, name_of
from .groups import Group, Range
from .operators import array_of, given_states, is_constant, is_recurrent
from .running import Feeds, Runner

_STATE_MARGIN = 1.5
"""Of the range of states over what calibration shows. Beyond it they saturate, and what saturates is fed
back. The largest error on random layers (4 to 32 units, 3 to 64 samples): 0.35 without a margin, 0.2 with
1.25, 0.013 with this one, which is that of rounding alone."""
_CELL_MARGIN = 2.0
"""The same of cells, whose 16 bits have room."""
_SAMPLES = 32
"""How many samples cells are computed on."""
WEIGHTS = (Operand.W, Operand.R)


def show_sequences(graph: oir.Graph) -> None:
    """Gives the sequence of states a name in all layers."""
    for node in _layers(graph):
        if not node.outputs[0].name:
            node.outputs[0].name = unique_name(graph, f"{node.name}_sequence")
            infer(node)


def hide_sequences(graph: oir.Graph) -> None:
    """Takes the name of sequences that nobody reads."""
    for node in _layers(graph):
        sequence = node.outputs[0]
        if not sequence.uses() and not sequence.is_graph_output():
            sequence.name = ""


def is_unread(value: oir.Value) -> bool:
    """Whether a value is a sequence of states that ``show_sequences`` named alone."""
    node = value.producer()
    shown = node is not None and is_recurrent(node) and node.outputs[0] is value
    return shown and not value.uses() and not value.is_graph_output()


def tied_states(graph: oir.Graph) -> Iterator[tuple[str, str]]:
    """States of one layer that have one quantization: the sequence, its last state, and the one that it
    begins with; but for those of a GRU that go from run to run, which keep 16 bits (``wide_states``)."""
    for node in _layers(graph):
        if not _keeps_wide(node):
            yield from ((name_of(node.outputs[0]), name) for name in _passed_on(node, Operand.H))


def wide_states(graph: oir.Graph) -> dict[str, Affine]:
    """States that have 16 bits: cells, and states of a GRU that begin with something computed at run time."""
    found: dict[str, Affine] = {}
    for node in _layers(graph):
        if node.op_type == "LSTM":
            scale = 2.0 ** -int(node.metadata_props[CELL_NOTE])
            for name in _passed_on(node, Operand.C):  # what one layer leaves may be what another begins with
                found[name] = Affine(max(scale, found[name].scale if name in found else 0.0), 0, 16)
        elif _keeps_wide(node):
            found |= dict.fromkeys(_passed_on(node, Operand.H), Affine(2.0**-RESULT_BITS, 0, 16))
    return found


def _passed_on(node: oir.Node, operand: Operand) -> list[str]:
    """The last state that a layer gives and the first that it is given, as far as there are both."""
    result = {Operand.H: 1, Operand.C: 2}[operand]
    given = [node.inputs[operand]] if operand in given_states(node) else []
    values = [*node.outputs[result : result + 1], *given]
    return [name_of(value) for value in values if value is not None and value.name]


def _keeps_wide(node: oir.Node) -> bool:
    return node.op_type == "GRU" and Operand.H in given_states(node)


def state_range(graph: oir.Graph, group: Group, ranges: Mapping[str, Range]) -> Range | None:
    """The range of a group of which there are states, None where there are none: what calibration and
    initial states show, with a margin within ± 1, to both sides alike where the layer's function has both."""
    layers = [node for node in _layers(graph) if _states(node) & set(group.members)]
    if not layers:
        return None
    seen = [ranges[name] for name in group.members] + [_initial(node) for node in layers]
    low, high = min(low for low, _ in seen), max(high for _, high in seen)
    room = min(max(map(_limit, layers)), _STATE_MARGIN * max(-low, high))
    signed = low < 0 or not all(map(_is_positive, layers))
    return min(low, -room if signed else 0.0), max(high, room)


def _states(node: oir.Node) -> set[str]:
    return {str(value.name) for value in node.outputs[:2] if value.name}


def _initial(node: oir.Node) -> Range:
    """The range of the states that a layer begins with."""
    value = input_at(node, Operand.H)
    array = array_of(value) if is_constant(value) else np.zeros(1)
    return float(array.min(initial=0.0)), float(array.max(initial=0.0))


def _limit(node: oir.Node) -> float:
    """What no state of a layer exceeds."""
    return 1.0 if is_bounded(_last_function(node)) else np.inf


def _last_function(node: oir.Node) -> Function:
    return Functions.of(node.op_type, attributes_of(node)).all[-1]


def _is_positive(node: oir.Node) -> bool:
    """Whether a layer's states are not negative."""
    function = _last_function(node)
    return is_share(function) or not is_bounded(function)


def integer_rows(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 of W or R [1, rows, columns], and float32 scales [rows]."""
    reach = np.abs(weights[0].astype(np.float64)).max(axis=1)
    scales = np.where(reach > 0, reach / WEIGHT_MAX, 1.0).astype(np.float32)
    steps = np.rint(weights / scales[:, None].astype(np.float64))
    return np.clip(steps, -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8), scales


def note_cells(model: oir.Model, calibration: Calibration) -> None:
    """Notes on each LSTM how many fraction bits its cells have, as far as calibration shows them."""
    nodes = [node for node in _layers(model.graph) if node.op_type == "LSTM"]
    if not nodes:
        return
    read = [name_of(node.inputs[index]) for node in nodes for index in (Operand.X, *given_states(node))]
    runner = Runner(exposing(model, list(dict.fromkeys(read))))
    found = [runner.run(feeds) for feeds in calibration.thinned(_SAMPLES).feeds]
    for node in nodes:
        reach = max(_reach(node, arrays) for arrays in found)
        bits = floor(log2(MOST / max(_CELL_MARGIN * reach, 2.0**-RESULT_BITS)))
        node.metadata_props[CELL_NOTE] = str(min(max(bits, 0), RESULT_BITS))


def _reach(node: oir.Node, arrays: Feeds) -> float:
    """The largest magnitude of a cell for inputs of the layer."""
    kernel = resolve_float(_view(node))
    assert kernel is not None
    computed = {index: arrays[name_of(node.inputs[index])] for index in (Operand.X, *given_states(node))}
    given = {**kernel.fixed, **computed}
    states = (given.get(index, np.zeros((1, kernel.layer.batch, kernel.layer.units), np.float32))[0]
              for index in (Operand.H, Operand.C))  # fmt: skip
    cell = Cell.of(kernel.layer, given)
    h, c = states
    largest = float(np.abs(c).max())
    for step in kernel.layer.order(kernel.layer.steps):
        h, c = cell.next(given[Operand.X][step], h, c)
        largest = max(largest, float(np.abs(c).max()))
    return largest


def _view(node: oir.Node) -> Node:
    def tensor(value: oir.Value) -> Tensor:
        shape = shape_of(value)
        constant = Constant(array_of(value)) if is_constant(value) else None
        return Tensor(name_of(value), shape, DType.FLOAT32, tuple(range(len(shape))), constant=constant)

    operands = [input_at(node, index) for index in range(len(node.inputs))]
    return Node(
        node.op_type, node.name or "", attributes_of(node),
        tuple(None if value is None else tensor(value) for value in operands),
        tuple(tensor(value) for value in node.outputs if value.name),
    )  # fmt: skip


def _layers(graph: oir.Graph) -> Iterator[oir.Node]:
    """Recurrent layers that are to be quantized."""
    return (node for node in graph if is_recurrent(node))
