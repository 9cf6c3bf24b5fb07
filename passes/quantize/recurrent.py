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
from ...kernels.float_recurrent import Cell, resolve_float
from ...kernels.gate_table import MOST, RESULT_BITS
from ...kernels.integer_recurrent import CELL_NOTE
from ...kernels.node import Constant, Node, Tensor
from ...kernels.recurrent import Operand
from ..onnx_edit import unique_name
from ..onnx_graph import attributes_of, input_at, shape_of
from ..onnx_infer import infer
from .affine import WEIGHT_MAX
from .calibration import Calibration
from .graphs import exposing, name_of
from .groups import Group, Range
from .operators import array_of, is_constant, is_recurrent
from .running import Feeds, Runner

_MARGIN = 1.25
"""Of the range of states and cells over what calibration shows; beyond it, they saturate."""
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
    """Results of one layer that have one quantization: the sequence and its last state."""
    for node in _layers(graph):
        if len(node.outputs) > 1 and node.outputs[1].name:
            yield name_of(node.outputs[0]), name_of(node.outputs[1])


def state_range(graph: oir.Graph, group: Group, ranges: Mapping[str, Range]) -> Range | None:
    """The range of a group of which there are states, None where there are none: with a margin, within ± 1,
    and nothing cut off, since what saturates is fed back."""
    states = {str(value.name) for node in _layers(graph) for value in node.outputs[:2]}
    if states.isdisjoint(group.members):
        return None
    low, high = (pick(ranges[name][end] for name in group.members) for end, pick in ((0, min), (1, max)))
    return min(low, max(_MARGIN * low, -1.0)), max(high, min(_MARGIN * high, 1.0))


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
    runner = Runner(exposing(model, list(dict.fromkeys(name_of(node.inputs[0]) for node in nodes))))
    found = [runner.run(feeds) for feeds in calibration.thinned(_SAMPLES).feeds]
    for node in nodes:
        reach = max(_reach(node, arrays) for arrays in found)
        bits = floor(log2(MOST / max(_MARGIN * reach, 2.0**-RESULT_BITS)))
        node.metadata_props[CELL_NOTE] = str(min(max(bits, 0), RESULT_BITS))


def _reach(node: oir.Node, arrays: Feeds) -> float:
    """The largest magnitude of a cell for inputs of the layer."""
    kernel = resolve_float(_view(node))
    assert kernel is not None
    given = {**kernel.fixed, Operand.X: arrays[name_of(node.inputs[0])]}
    states = (given.get(index, np.zeros((1, kernel.layer.batch, kernel.layer.units), np.float32))[0]
              for index in (Operand.H, Operand.C))  # fmt: skip
    cell, largest = Cell.of(kernel.layer, given), 0.0
    h, c = states
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
