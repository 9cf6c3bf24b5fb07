"""A Loop that is a GRU becomes one: tf2onnx finds the LSTM in Keras' loops over time, but not the GRU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import onnx_ir as oir

from ..onnx_graph import Array, producer, scalar, shape_of
from .body import Body
from .inline import splice
from .loops import COUNTING, Iteration, Unknown, source, trip_count

_CELL = COUNTING | {"Gather", "MatMul", "Sigmoid", "Slice", "Split", "Squeeze", "Tanh"}
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class _Gru:
    """Weights (inputs, 3 · units), (units, 3 · units) and two biases, gates in ONNX's order: z, r, h."""

    w: Array
    r: Array
    w_bias: Array
    r_bias: Array

    def step(self, x: Array, h: Array) -> Array:
        """The next state, reset after the product (``linear_before_reset``)."""
        fed, back = (np.split(a, 3, axis=1) for a in (x @ self.w + self.w_bias, h @ self.r + self.r_bias))
        z, r = (0.5 * (1 + np.tanh(0.5 * (a + b))) for a, b in zip(fed[:2], back[:2], strict=True))
        return z * h + (1 - z) * np.tanh(fed[2] + r * back[2])


def gru_of_loop(node: oir.Node, opset: int) -> list[oir.Node]:
    """Put a GRU in the place of a Loop, whose operands have static shapes, that computes one; the nodes that
    it brought, none where it does not. What the body computes is compared, not how it is written."""
    if node.op_type != "Loop" or node.domain != "":
        return []
    iteration = Iteration.of(node, opset)
    states = [
        (first, value, last)
        for first, value, last in zip(iteration.initial, iteration.carried, iteration.updated, strict=True)
        if first.dtype == oir.DataType.FLOAT and source(last) is not value
    ]
    steps = [n for n in iteration.body if n.op_type == "Gather" and _outside(n.inputs[0], iteration)]
    if len(states) != 1 or len(steps) != 1 or not _counts(iteration, steps[0]):
        return []
    (first, state, last), x = states[0], steps[0].inputs[0]
    if x is None or len(shape_of(x)) != 3 or len(shape_of(first)) != 2:
        return []
    length, _, inputs = shape_of(x)
    if trip_count(node, iteration, length) != length:
        return []
    found = _cell(iteration, steps[0].outputs[0], state, last, inputs, shape_of(first)[1])
    return [] if found is None else _replace(node, iteration, found, x, first, last)


def _outside(value: oir.Value | None, iteration: Iteration) -> bool:
    """Whether the model's graph, not the body, computes ``value``."""
    if value is None or value in iteration.body.inputs:
        return False
    maker = value.producer()
    return maker is None or maker.graph is not iteration.body


def _counts(iteration: Iteration, gather: oir.Node) -> bool:
    """Whether what ``gather`` takes of its axis 0 is the number of the iteration."""
    index = gather.inputs[1]
    if gather.attributes.get_int("axis", 0) != 0 or index is None or shape_of(index) != ():
        return False
    if index is iteration.body.inputs[0]:
        return True
    for first, value, last in zip(iteration.initial, iteration.carried, iteration.updated, strict=True):
        add = producer(source(last), "Add")
        if value is index and add is not None:
            return scalar(first) == 0 and value in add.inputs and 1 in [scalar(v) for v in add.inputs]
    return False


def _cell(
    iteration: Iteration, x: oir.Value, state: oir.Value, last: oir.Value, inputs: int, units: int
) -> _Gru | None:
    known = iteration.constants()
    fed_by = _product(iteration, known, x, (inputs, 3 * units))
    back_by = _product(iteration, known, state, (units, 3 * units))
    if fed_by is None or back_by is None:
        return None
    cell, random = _Gru(fed_by[0], back_by[0], fed_by[1], back_by[1]), np.random.default_rng(0)
    for width in (0.1, 1.0, 3.0):
        fed = random.normal(0, width, (4, inputs)).astype(np.float32)
        held = random.uniform(-1, 1, (4, units)).astype(np.float32)
        try:
            (found,) = iteration.evaluate([last], known | {x: fed, state: held}, _CELL)
        except Unknown:
            return None
        if found.shape != held.shape or np.abs(found - cell.step(fed, held)).max() > _TOLERANCE:
            return None
    return cell


def _product(
    iteration: Iteration, known: Mapping[oir.Value, Array], value: oir.Value, shape: tuple[int, int]
) -> tuple[Array, Array] | None:
    """The matrix that ``value`` is multiplied by, and what is added to that."""
    for node in (use.node for use in value.uses() if use.node.op_type == "MatMul" and use.idx == 0):
        try:
            (weights,) = iteration.evaluate([cast("oir.Value", node.inputs[1])], known, _CELL)
        except Unknown:
            continue
        if weights.shape != shape:
            continue
        bias = np.zeros(shape[1], np.float32)
        for user in node.outputs[0].consumers():
            others = [v for v in user.inputs if v is not None and v is not node.outputs[0]]
            try:
                bias = iteration.evaluate(others, known, _CELL)[0] if user.op_type == "Add" else bias
            except Unknown:
                continue
        return (weights, bias.reshape(-1)) if bias.size == shape[1] else None
    return None


def _replace(
    node: oir.Node, iteration: Iteration, cell: _Gru, x: oir.Value, first: oir.Value, last: oir.Value
) -> list[oir.Node]:
    """The GRU, whose states are those results of the Loop that are read."""
    body = Body(node, iteration.opset)
    (steps, batch, _), units = shape_of(x), shape_of(first)[1]
    bias = np.concatenate([cell.w_bias, cell.r_bias])[None]
    weights = [body.constant(np.ascontiguousarray(a)) for a in (cell.w.T[None], cell.r.T[None], bias)]
    held = body.reshape(first, [1, batch, units])
    attributes = [oir.AttrInt64("hidden_size", units), oir.AttrInt64("linear_before_reset", 1)]
    layer = oir.Node("", "GRU", [x, *weights, None, held], attributes, num_outputs=2, name=f"{node.name}_GRU")
    body.nodes.append(layer)
    results: list[oir.Value] = []
    made = [*iteration.updated, *iteration.collected]
    for index, (output, value) in enumerate(zip(node.outputs, made, strict=True)):
        if not (output.uses() or output.is_graph_output()):
            output.name = ""
        elif source(value) is not source(last):
            return []
        elif index < len(iteration.updated):
            results.append(body.reshape(layer.outputs[1], [batch, units]))
        else:
            results.append(body.reshape(layer.outputs[0], [steps, batch, units]))
    return splice(node, body.nodes, results)
