"""Split becomes Slices, and every Slice says explicitly what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import cast

import onnx_ir as oir

from ..onnx_edit import add_integers, become, emit
from ..onnx_graph import graph_of, input_at, integers, producer, shape_of
from .engine import Rules


def _split(node: oir.Node) -> bool:
    """One Slice per output that is read; the last one takes the Split's place."""
    axis = node.attributes.get_int("axis", 0) % len(shape_of(node.inputs[0]))
    value, begin = node.inputs[0], 0
    used = [output for output in node.outputs if output.uses() or output.is_graph_output()]
    for index, output in enumerate(node.outputs):
        end = begin + shape_of(output)[axis]
        if output in used:
            operands = _operands(node, [begin], [end], [axis], [1], f"{node.name}_{index}")
            part = emit(node, "Slice", [value, *operands], name=f"{node.name}_{index}")
            name, output.name = str(output.name), f"{output.name}\0split"
            output.replace_all_uses_with(part, replace_graph_outputs=True)
            part.name = name
        begin = end
    graph_of(node).remove(node, safe=True)
    return True


def _explicit(node: oir.Node) -> bool:
    """Constant starts, ends, axes and steps in their plainest form.

    All axes non-negative and ascending, starts within the tensor, steps present. Ends are non-negative
    but for a negative step that runs to the first element, whose end is ``-size - 1`` ("before 0").
    """
    starts, ends = integers(input_at(node, 1)), integers(input_at(node, 2))
    if starts is None or ends is None:
        return False
    shape = shape_of(node.inputs[0])
    axes, steps = integers(input_at(node, 3)), integers(input_at(node, 4))
    axes = [axis % len(shape) for axis in (axes if axes is not None else range(len(starts)))]
    steps = steps if steps is not None else [1] * len(starts)
    parts = sorted(
        (axis, *_bounds(start, end, step, shape[axis]), step)
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True)
    )
    kept = [part for part in parts if part[1:] != (0, shape[part[0]], 1)] or parts[:1]
    axes, starts, ends, steps = ([part[index] for part in kept] for index in range(4))
    if [integers(input_at(node, index)) for index in range(1, 5)] == [starts, ends, axes, steps]:
        return False
    become(node, "Slice", [node.inputs[0], *_operands(node, starts, ends, axes, steps, str(node.name))])
    return True


def _of_concat(node: oir.Node) -> bool:
    """What a Slice takes of a Concat along the same axis, where that is whole operands: these alone."""
    before = producer(node.inputs[0], "Concat")
    bounds = [integers(input_at(node, index)) for index in range(1, 5)]
    if before is None or any(found is None or len(found) != 1 for found in bounds):
        return False
    (start,), (end,), (axis,), (step,) = cast("list[list[int]]", bounds)
    if axis != before.attributes["axis"].as_int() % len(shape_of(node.outputs[0])) or step != 1:
        return False
    edges = list(accumulate((shape_of(value)[axis] for value in before.inputs), initial=0))
    if start not in edges or end not in edges:
        return False
    taken = before.inputs[edges.index(start) : edges.index(end)]
    become(node, "Concat", taken, {"axis": axis})
    return True


def _bounds(start: int, end: int, step: int, size: int) -> tuple[int, int]:
    """ONNX's clamping rules, as Python's ``slice`` has them."""
    first, last, _ = slice(start, end, step).indices(size)
    return first, -size - 1 if last < 0 else last


def _operands(
    node: oir.Node,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int],
    steps: Sequence[int],
    name: str,
) -> list[oir.Value]:
    named = (("starts", starts), ("ends", ends), ("axes", axes), ("steps", steps))
    return [add_integers(graph_of(node), numbers, f"{name}_{what}") for what, numbers in named]


RULES: Rules = {"Split": [_split], "Slice": [_explicit, _of_concat]}
