"""Frames that have gone by: rings of them, as states of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_integers, emit, unique_name
from ..onnx_graph import constant, graph_of, producer, shape_of
from ..state_pairs import StatePair
from .rounding import Parameters, rounded
from .timeline import Reach


@dataclass(frozen=True)
class Read:
    """``node`` reads ``reach`` of a tensor, its operand ``index``."""

    node: oir.Node
    index: int
    reach: Reach


def keep_frames(value: oir.Value, axis: int, reads: Sequence[Read]) -> list[StatePair]:
    """Gives each of ``reads`` its frames of ``value``, which holds those of one call along ``axis``: what has
    gone by becomes a state of the graph, one for all who read the same. Nodes are to be sorted afterwards."""
    kept: list[StatePair] = []
    for lowest in (False, True):
        alike = [read for read in reads if read.reach.lowest == lowest and read.reach != Reach()]
        back = max((read.reach.back for read in alike), default=0)
        if not alike:
            continue
        window = value
        if back > 0:
            window, state = _ring(alike[0].node, value, axis, back, lowest)
            kept.append(state)
        back, count = max(back, 0), shape_of(value)[axis]
        cuts: dict[tuple[int, int], oir.Value] = {(0, back + count): window}
        for read in alike:
            span = back - read.reach.back, back + count - read.reach.behind
            if span not in cuts:
                cuts[span] = _part(read.node, window, axis, span, quantization(value))
            read.node.replace_input_with(read.index, cuts[span])
    return kept


def quantization(value: oir.Value) -> Parameters | None:
    """Scale and zero point of a dequantized value; None for real numbers."""
    node = producer(value, "DequantizeLinear")
    return None if node is None else tuple(node.inputs[1:])


def _ring(
    node: oir.Node, value: oir.Value, axis: int, back: int, lowest: bool
) -> tuple[oir.Value, StatePair]:
    """The last ``back`` frames and those of the call, one behind the other: all of it is the state, so that
    its frames move up in place (``passes/shift.py``)."""
    graph, quant, shape = graph_of(node), quantization(value), shape_of(value)
    name = unique_name(graph, f"{node.name}.frames".replace(",", "_"))
    count = shape[axis]
    whole = oir.Shape((*shape[:axis], back + count, *shape[axis + 1 :]))
    entry = oir.Value(name=name, shape=whole, type=oir.TensorType(oir.DataType.FLOAT))
    graph.inputs.append(entry)
    if lowest:
        entry.const_value = oir.Tensor(np.full(shape_of(entry), _lowest(quant), np.float32), name=name)
        graph.register_initializer(entry)
    before = _part(node, rounded(node, entry, quant, name), axis, (count, count + back), quant)
    joined = emit(node, "Concat", [before, value], {"axis": axis}, name=f"{name}_window")
    window = rounded(node, joined, quant, f"{name}_window")
    window.name = unique_name(graph, f"{name}_next")
    graph.outputs.append(window)
    return window, StatePair(name, window.name)


def _lowest(quant: Parameters | None) -> float:
    """What is never a maximum."""
    if quant is None:
        return float(np.finfo(np.float32).min)
    scale, zero = constant(quant[0]), constant(quant[1]) if len(quant) > 1 else np.zeros((), np.uint8)
    assert scale is not None and zero is not None
    return float((np.iinfo(zero.dtype).min - int(zero)) * np.float64(scale))


def _part(
    node: oir.Node, value: oir.Value, axis: int, span: tuple[int, int], quant: Parameters | None
) -> oir.Value:
    """Frames ``span`` of ``value``."""
    graph, name = graph_of(node), unique_name(graph_of(node), f"{node.name}.part")
    bounds = [add_integers(graph, [number], f"{name}_{number}") for number in (*span, axis, 1)]
    return rounded(node, emit(node, "Slice", [value, *bounds], name=name), quant, name)
