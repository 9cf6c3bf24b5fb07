"""Loop and Scan with a known number of iterations, as that many copies of their bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_edit import add_constant, unique_name
from ..onnx_graph import describe, graph_of, shape_of
from .inline import splice
from .loops import Iteration, trip_count

MAX_NODES = 4_000
"""Nodes that a model may unroll to, loops in loops included: a schedule for them is searched for minutes."""


def unroll(node: oir.Node, opset: int) -> list[oir.Node]:
    """Put copies of the body in place of a Loop or Scan whose operands have static shapes; the nodes that it
    brought, valid at ``opset``. No nodes for another operator, and for Scan-8, whose operands are batches.

    Raises ModelError where the number of iterations depends on data, is 0 or too large.
    """
    if node.domain != "" or node.op_type not in ("Loop", "Scan") or (node.op_type == "Scan" and opset < 9):
        return []
    body = node.attributes["body"].as_graph()
    _lift_initializers(node, body)
    size, others = sum(1 for _ in body.all_nodes()), len(graph_of(node))
    most = max(0, MAX_NODES - others) // max(size, 1)
    unrolled = _loop(node, body, opset, most) if node.op_type == "Loop" else _scan(node, body)
    steps = unrolled.steps
    if not 1 <= steps <= most:
        raise ModelError(
            f"{node.op_type} cannot be unrolled",
            where=describe(node),
            why=f"its body of {size} nodes runs {steps} times beside {others} others; 1 time or more "
            f"and up to {MAX_NODES} nodes in all are accepted",
            remedy="export one step of the model, with its state as input and output (see docs/state.md), or "
            "a recurrent layer as LSTM, GRU or RNN",
        )
    return unrolled.build(node, opset)


def _lift_initializers(node: oir.Node, body: oir.Graph) -> None:
    """All copies of the body read the same weights."""
    graph = graph_of(node)
    for name, value in list(body.initializers.items()):
        del body.initializers[name]
        value.name = unique_name(graph, name)
        graph.register_initializer(value)


@dataclass(frozen=True)
class _Slices:
    """An operand or result of which iteration t has index t along ``axis``, from the end where ``back``."""

    axis: int
    back: bool


@dataclass(frozen=True)
class _Unrolled:
    """``carried`` values go from iteration to iteration. With ``counters``, as in Loop, the body's first
    operands are the number of the iteration and True, and its first result is True."""

    body: oir.Graph
    steps: int
    counters: bool
    carried: list[oir.Value]
    scanned: list[tuple[oir.Value, _Slices]]
    collected: list[_Slices]

    def build(self, node: oir.Node, opset: int) -> list[oir.Node]:
        graph, nodes = graph_of(node), list[oir.Node]()
        carried, rows = self.carried, [list[oir.Value]() for _ in self.collected]
        for step in range(self.steps):
            operands = list(carried)
            if self.counters:
                number = add_constant(graph, np.array(step, np.int64), f"{node.name}_iteration")
                operands = [number, add_constant(graph, np.array(True), f"{node.name}_condition"), *operands]
            for value, slices in self.scanned:
                index = self.steps - 1 - step if slices.back else step
                place = add_constant(graph, np.array(index, np.int64), f"{node.name}_index")
                nodes.append(oir.node("Gather", [value, place], {"axis": slices.axis}))
                operands.append(nodes[-1].outputs[0])
            brought, results = _copy(self.body, operands)
            nodes += brought
            results = results[1:] if self.counters else results
            carried, made = results[: len(carried)], results[len(carried) :]
            for row, value, slices in zip(rows, made, self.collected, strict=True):
                nodes.append(_unsqueezed(node, value, slices.axis, opset))
                row.insert(0 if slices.back else len(row), nodes[-1].outputs[0])
        for row, slices in zip(rows, self.collected, strict=True):
            nodes.append(oir.node("Concat", row, {"axis": slices.axis}))
            carried = [*carried, nodes[-1].outputs[0]]
        wanted = [value for value, output in zip(carried, node.outputs, strict=True) if output.name]
        for moved in nodes:
            moved.name = f"{node.name}_{moved.name or moved.op_type}"
        return splice(node, nodes, wanted)


def _loop(node: oir.Node, body: oir.Graph, opset: int, most: int) -> _Unrolled:
    iteration = Iteration.of(node, opset)
    trips = trip_count(node, iteration, most)
    if trips is None:
        raise ModelError(
            "Loop runs a number of times that depends on the model's data",
            where=describe(node),
            why="its trip count or its condition is computed when the model runs",
            remedy="export the model with a constant number of iterations",
        )
    collected = [_Slices(0, back=False)] * len(iteration.collected)
    return _Unrolled(body, trips, True, list(iteration.initial), [], collected)


def _scan(node: oir.Node, body: oir.Graph) -> _Unrolled:
    count = node.attributes["num_scan_inputs"].as_int()
    operands = [value for value in node.inputs if value is not None]
    states, scanned = operands[: len(operands) - count], operands[len(operands) - count :]
    results = len(body.outputs) - len(states)
    taken, made = _slices(node, "scan_input", count), _slices(node, "scan_output", results)
    steps = shape_of(scanned[0])[taken[0].axis]
    return _Unrolled(body, steps, False, states, list(zip(scanned, taken, strict=True)), made)


def _slices(node: oir.Node, kind: str, count: int) -> list[_Slices]:
    axes = node.attributes.get_ints(f"{kind}_axes") or (0,) * count
    directions = node.attributes.get_ints(f"{kind}_directions") or (0,) * count
    return [_Slices(axis, back == 1) for axis, back in zip(axes, directions, strict=True)]


def _copy(body: oir.Graph, operands: list[oir.Value]) -> tuple[list[oir.Node], list[oir.Value]]:
    """A copy of the body's nodes that reads ``operands``, in no graph, and its results."""
    copy = body.clone(allow_outer_scope_values=True)
    given = dict(zip(copy.inputs, operands, strict=True))
    nodes, results = list(copy), [given.get(value, value) for value in copy.outputs]
    copy.outputs.clear()
    for value, operand in given.items():
        value.replace_all_uses_with(operand)
    for node in nodes:
        copy.remove(node)
    return nodes, results


def _unsqueezed(node: oir.Node, value: oir.Value, axis: int, opset: int) -> oir.Node:
    if opset < 13:
        return oir.node("Unsqueeze", [value], {"axes": [axis]})
    axes = add_constant(graph_of(node), np.array([axis], np.int64), f"{node.name}_axis")
    return oir.node("Unsqueeze", [value, axes])
