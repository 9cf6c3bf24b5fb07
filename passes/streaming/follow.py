"""Follows time through a graph."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir as oir

from ...ir.errors import ModelError, UsageError
from ..onnx_graph import has_known_domain, quoted, shape_of
from .axes import WHOLE, refused
from .timeline import TIMELINES, Timeline, Timelines

Found = Mapping[oir.Value, Timeline]


class Stopped(Exception):
    """A node that cannot be streamed."""

    def __init__(self, node: oir.Node, error: ModelError) -> None:
        super().__init__(str(error))
        self.node, self.error = node, error


def timelines(graph: oir.Graph, axis: int) -> dict[oir.Value, Timeline]:
    """The timeline of each tensor that has one; ``Stopped`` where a node is in the way."""
    found: dict[oir.Value, Timeline] = {}
    for value in graph.inputs:
        if not 0 <= axis < len(shape_of(value)):
            raise UsageError(
                f"--stream cannot be {axis}",
                where=f"input {quoted(value.name)}",
                why=f"its shape is {list(shape_of(value))}",
                remedy="choose the axis of that shape which is time, counted from 0",
            )
        frames = shape_of(value)[axis]
        found[value] = Timeline(axis, stride=1, lead=0, frames=frames, known=frames)
    ahead = _Ahead()
    for node in graph:
        operands = operands_of(node, found)
        if all(timeline is None for timeline in operands):
            continue
        rule = TIMELINES.get(node.op_type) if has_known_domain(node) else None
        try:
            if rule is None:
                raise refused(node, "it needs other time steps than the one that is there", WHOLE)
            result = rule(node, operands)
        except ModelError as error:
            raise Stopped(node, error) from error
        ahead.check(node, operands, result)
        if result is not None:
            found[node.outputs[0]] = result
    return found


class _Ahead:
    """Frames that need something behind the end of the sequence, as padding on both sides has them. Nobody
    may read them: a stream has no end."""

    def __init__(self) -> None:
        self._first: oir.Node | None = None

    def check(self, node: oir.Node, operands: Timelines, result: Timeline | None) -> None:
        """``Stopped`` for the layer that pads so, where ``node`` needs such frames or gives them away."""
        missing = max(0 if each is None else each.frames - each.known for each in operands)
        if result is not None and result.known < result.frames and not missing:
            self._first = node
        ends = result is None or node.outputs[0].is_graph_output()
        missing = missing if result is None else result.frames - result.known
        if ends and missing > 0 and self._first is not None:
            error = refused(
                self._first,
                f"it pads behind the sequence's end: {missing} of its frames would need later ones",
                "pad (kernel - 1) × dilation frames on the left alone, or none",
            )
            raise Stopped(self._first, error)


def operands_of(node: oir.Node, found: Found) -> list[Timeline | None]:
    """The timeline of each operand of ``node``."""
    return [None if value is None else found.get(value) for value in node.inputs]
