"""Cuts the time axis of a graph to one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as oir

from ...ir.errors import ModelError, UsageError
from ...kernels.cells import GATES
from ..onnx_edit import remembered_names
from ..onnx_graph import has_known_domain, quoted, shape_of
from ..samples import InputSpec, input_specs
from ..state_pairs import check_states, note_states, state_pairs
from .axes import CUTS, RULES, WHOLE, cut_shape, refused
from .recurrent import keep_states, recurrent_axis

_RULES = {**RULES, **dict.fromkeys(GATES, recurrent_axis)}


@dataclass(frozen=True)
class Streamed:
    """A model of one time step. ``inputs`` are what the whole model took, ``axes`` those of time in them."""

    model: oir.Model
    inputs: Sequence[InputSpec]
    axes: Mapping[str, int]


def stream(model: oir.Model, axis: int | None = None) -> Streamed:
    """``model``, canonical, in float or quantized, cut to one time step in place. ``axis`` is that of time in
    all of its inputs; None: the one along which it is recurrent.

    Raises ModelError for a layer that needs later steps, or others than its states hold; UsageError for an
    axis that the inputs do not have.
    """
    if state_pairs(model):
        raise UsageError(
            "--stream does not go with states",
            why="the model is one time step already",
            remedy="leave --stream out",
        )
    axis = time_axis(model) if axis is None else axis
    graph = model.graph
    try:
        found = _axes(graph, axis)
    except _Stopped as stopped:
        raise stopped.error from stopped
    inputs = input_specs(graph.inputs)
    with remembered_names(graph):
        for value, place in found.items():
            if value.name:
                cut_shape(value, place)
        timed = [n for n in graph if any(value in found for value in n.inputs if value is not None)]
        kept = [state for node in timed if node.op_type in GATES for state in keep_states(node)]
        for node in timed:
            if node.op_type in CUTS:
                CUTS[node.op_type](node)
    graph.sort()
    note_states(model, [f"{state.input}:{state.output}" for state in kept])
    check_states(model)
    return Streamed(model, inputs, {spec.name: axis for spec in inputs})


def time_axis(model: oir.Model) -> int:
    """The axis of the inputs along which the model is recurrent.

    Raises ModelError where there is none: the reason that the layer gives that came furthest.
    """
    order = {node: number for number, node in enumerate(model.graph)}
    furthest: tuple[int, ModelError] | None = None
    for axis in range(len(shape_of(model.graph.inputs[0]))):
        try:
            found = _axes(model.graph, axis)
        except _Stopped as stopped:
            place = order[stopped.node]
            if furthest is None or place > furthest[0]:
                furthest = place, stopped.error
            continue
        except UsageError:
            continue
        if any(node.op_type in GATES and node.inputs[0] in found for node in model.graph):
            return axis
    if furthest is not None:
        raise furthest[1]
    raise ModelError(
        "The model cannot be streamed",
        why="no layer of it is recurrent",
        remedy=WHOLE,
    )


class _Stopped(Exception):
    """A node that cannot be streamed."""

    def __init__(self, node: oir.Node, error: ModelError) -> None:
        super().__init__(str(error))
        self.node, self.error = node, error


def _axes(graph: oir.Graph, axis: int) -> dict[oir.Value, int]:
    """The axis of time of each tensor that has one; ``_Stopped`` where a node is in the way."""
    found: dict[oir.Value, int] = {}
    for value in graph.inputs:
        if not 0 <= axis < len(shape_of(value)):
            raise UsageError(
                f"--stream cannot be {axis}",
                where=f"input {quoted(value.name)}",
                why=f"its shape is {list(shape_of(value))}",
                remedy="choose the axis of that shape which is time, counted from 0",
            )
        found[value] = axis
    for node in graph:
        axes = [None if value is None else found.get(value) for value in node.inputs]
        if all(axis is None for axis in axes):
            continue
        rule = _RULES.get(node.op_type) if has_known_domain(node) else None
        try:
            if rule is None:
                raise refused(node, "it needs other time steps than the one that is there", WHOLE)
            place = rule(node, axes)
        except ModelError as error:
            raise _Stopped(node, error) from error
        if place is not None:
            found[node.outputs[0]] = place
    return found
