"""Cuts the time axis of a graph to the frames of one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lcm

import onnx_ir as oir

from ...ir.errors import UsageError
from ...kernels.cells import GATES
from ..onnx_edit import bypass, remembered_names
from ..samples import InputSpec, input_specs
from ..state_pairs import check_states, note_states, state_pairs
from .axes import CUTS, cut_shape, operand
from .follow import Found, Stopped, operands_of, timelines
from .history import Read, keep_frames
from .recurrent import keep_states
from .time_axis import time_axis
from .timeline import SLIDING, Reach, crops, reaches, read_at_once


@dataclass(frozen=True)
class Streamed:
    """A model of one call. ``inputs`` are what the whole model took, ``axes`` those of time in them; a call
    takes ``frames`` of them, and the first ``warm_up`` calls after a reset have answers of which the whole
    model has none: layers read zeros where their frames have not come yet."""

    model: oir.Model
    inputs: Sequence[InputSpec]
    axes: Mapping[str, int]
    frames: int
    warm_up: int


def stream(model: oir.Model, axis: int | None = None) -> Streamed:
    """``model``, canonical, in float or quantized, cut to one call in place. ``axis`` is that of time in all
    of its inputs; None: the one that ``time_axis`` finds.

    Raises ModelError for a layer that needs later frames, or others than its states hold; UsageError for an
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
        found = timelines(graph, axis)
    except Stopped as stopped:
        raise stopped.error from stopped
    inputs, frames = input_specs(graph.inputs), lcm(*(timeline.stride for timeline in found.values()))
    timed = [node for node in graph if any(value in found for value in node.inputs if value is not None)]
    reads = _reads(timed, found, frames)
    cropping = [node for node in timed if crops(node, operands_of(node, found), found.get(node.outputs[0]))]
    by_frame = [n for n in timed if n.op_type in CUTS and n not in cropping and not _takes_window(n, found)]
    warm_up = _warm_up(graph, found, frames)
    with remembered_names(graph):
        for value, timeline in found.items():
            if value.name:
                cut_shape(value, timeline.axis, frames // timeline.stride)
        for node in timed:
            result = found.get(node.outputs[0])
            if node.op_type in SLIDING and result is not None:
                _without_pads(node, result.axis)
        kept = [state for node in timed if node.op_type in GATES for state in keep_states(node)]
        for value, of_value in reads.items():
            kept += keep_frames(value, found[value].axis, of_value)
        for node in cropping:
            bypass(node, operand(node))
        for node in by_frame:
            CUTS[node.op_type](node)
    graph.sort()
    note_states(model, [f"{state.input}:{state.output}" for state in kept])
    check_states(model)
    return Streamed(model, inputs, {spec.name: axis for spec in inputs}, frames, warm_up)


def _reads(timed: Sequence[oir.Node], found: Found, frames: int) -> dict[oir.Value, list[Read]]:
    """Of each tensor with time, what is read of it other than the frames of the call."""
    reads: dict[oir.Value, list[Read]] = {}
    for node in timed:
        result = found.get(node.outputs[0])
        for index, reach in enumerate(reaches(node, operands_of(node, found), result, frames)):
            value = node.inputs[index]
            if reach is not None and value is not None and reach != Reach():
                reads.setdefault(value, []).append(Read(node, index, reach))
    return reads


def _warm_up(graph: oir.Graph, found: Found, frames: int) -> int:
    """Calls before the first in which all outputs are ones that the whole model has: frames from the first
    on, windows that are full."""
    ready: dict[oir.Value, int] = {}
    for node in graph:
        result = found.get(node.outputs[0])
        if result is not None:
            ready[node.outputs[0]] = result.lead // (frames // result.stride)
            continue
        waits = [0]
        for value in node.inputs:
            source = None if value is None else found.get(value)
            if source is not None:  # as many calls as bring what is read at once, the last of them counting
                needed, count = source.lead + read_at_once(node, source), frames // source.stride
                waits.append(-(-needed // count) - 1)
            elif value is not None:
                waits.append(ready.get(value, 0))
        ready[node.outputs[0]] = max(waits)
    return max(ready.get(value, 0) for value in graph.outputs)


def _takes_window(node: oir.Node, found: Found) -> bool:
    """Whether ``node`` reads all frames of the whole sequence at once."""
    source = next(timeline for timeline in operands_of(node, found) if timeline is not None)
    return node.outputs[0] not in found and read_at_once(node, source) == source.frames > 1


def _without_pads(node: oir.Node, axis: int) -> None:
    """What a layer's padding stands for along ``axis`` is in its state."""
    place = axis - 2
    pads = list(node.attributes.get_ints("pads", ()))
    if pads:
        pads[place] = pads[place + len(pads) // 2] = 0
        node.attributes.add(oir.AttrInt64s("pads", pads))
    if node.attributes.get_int("ceil_mode", 0):
        node.attributes.add(oir.AttrInt64("ceil_mode", 0))
