"""Channels through operators that move, select, pool or join values."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx_ir as oir

from ..onnx_graph import constant, input_at, scalar
from .analysis import Analysis, Rule
from .facts import Facts
from .parameters import shape_of


def _pool(node: oir.Node, analysis: Analysis) -> Facts | None:
    """MaxPool ignores padding; AveragePool counts it as zeros if asked to."""
    if shape_of(node.inputs[0]) is None:
        return None
    facts = analysis.along(node.inputs[0], 1)
    return facts.including(0.0) if node.attributes.get_int("count_include_pad", 0) else facts


def _reduce(node: oir.Node, analysis: Analysis) -> Facts | None:
    """ReduceMean, ReduceMax, ReduceMin over axes other than the channels'."""
    shape, facts = shape_of(node.inputs[0]), analysis.of(node.inputs[0])
    listed = constant(input_at(node, 1))
    axes = node.attributes.get_ints("axes", ()) if input_at(node, 1) is None else listed
    if shape is None or axes is None or not len(axes):
        return None
    reduced = {int(axis) % len(shape) for axis in axes}
    if facts.axis in reduced:
        return None
    if facts.axis is None or node.attributes.get_int("keepdims", 1):
        return facts
    return facts.moved(facts.axis - sum(axis < facts.axis for axis in reduced))


def _transpose(node: oir.Node, analysis: Analysis) -> Facts | None:
    facts, shape = analysis.of(node.inputs[0]), shape_of(node.inputs[0])
    if facts.axis is None or shape is None:
        return facts if facts.axis is None else None
    order = node.attributes.get_ints("perm", tuple(reversed(range(len(shape)))))
    return facts.moved(list(order).index(facts.axis))


def _reshape(node: oir.Node, analysis: Analysis) -> Facts | None:
    """Reshape, Flatten, Squeeze, Unsqueeze: the channel axis may move or merge with its neighbours."""
    facts, before, after = (
        analysis.of(node.inputs[0]),
        shape_of(node.inputs[0]),
        shape_of(node.outputs[0]),
    )
    if facts.axis is None:
        return facts
    if before is None or after is None:
        return None
    states_shape = node.op_type == "Reshape"
    if states_shape and constant(input_at(node, 1)) is None:
        return None
    found = merged_axis(facts.axis, before, after)
    if found is None:
        return None
    axis, first, last = found
    if states_shape:
        analysis.shapes.append((node, 1))
    span = [count if first + i == facts.axis else 1 for i, count in enumerate(before[first:last])]
    index = np.broadcast_to(np.arange(before[facts.axis]).reshape(span), before[first:last]).reshape(-1)
    return Facts(axis, facts.atoms[index], facts.lo[index], facts.hi[index])


def merged_axis(axis: int, before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Where ``axis`` of shape ``before`` goes in ``after``: (new axis, first, last) such that the new axis
    holds axes first ≤ a < last of ``before``; None where the axis is split."""
    runs = ((first, last) for first in range(axis, -1, -1) for last in range(axis + 1, len(before) + 1))
    for first, last in sorted(runs, key=lambda run: run[1] - run[0]):
        for position, count in enumerate(after):
            if prod(after[:position]) == prod(before[:first]) and count == prod(before[first:last]):
                return position, first, last
    return None


def _concat(node: oir.Node, analysis: Analysis) -> Facts | None:
    """Along the channels, operands follow one another; along another axis, their channels go together."""
    shapes = [shape_of(value) for value in node.inputs]
    axes = [analysis.of(value).axis for value in node.inputs]
    axis = next((axis for axis in axes if axis is not None), None)
    first = shapes[0]
    if axis is None or first is None or any(shape is None for shape in shapes):
        return None
    joined = node.attributes.get_int("axis", 1) % len(first)
    parts = [analysis.along(value, axis) for value in node.inputs]
    if joined == axis:
        atoms = np.concatenate([part.atoms for part in parts])
        lo, hi = np.concatenate([part.lo for part in parts]), np.concatenate([part.hi for part in parts])
        return Facts(axis, atoms, lo, hi)
    for part in parts[1:]:
        analysis.atoms.unite(parts[0].atoms, part.atoms)
    lo, hi = np.minimum.reduce([p.lo for p in parts]), np.maximum.reduce([p.hi for p in parts])
    return Facts(axis, parts[0].atoms, lo, hi)


def _pad(node: oir.Node, analysis: Analysis) -> Facts | None:
    """Pad along axes other than the channels'."""
    facts, shape, after = (
        analysis.of(node.inputs[0]),
        shape_of(node.inputs[0]),
        shape_of(node.outputs[0]),
    )
    if shape is None or after is None:
        return None
    axis = facts.axis
    if axis is not None and (shape[axis] != after[axis] or _pads_axis(node, axis, len(shape))):
        return None
    if node.attributes.get_string("mode", "constant") != "constant":
        return facts
    given = input_at(node, 2)
    fill = node.attributes.get_float("value", 0.0) if given is None else scalar(given)
    return None if fill is None else facts.including(fill)


def _pads_axis(node: oir.Node, axis: int, rank: int) -> bool:
    """True where channels are padded at one end and cropped at the other, or it is not known."""
    given = input_at(node, 1)
    pads = node.attributes.get_ints("pads", ()) if given is None else constant(given)
    listed = constant(input_at(node, 3)) if input_at(node, 3) is not None else range(rank)
    if pads is None or listed is None:
        return True
    axes = [int(a) % rank for a in listed]
    return any(pads[i] or pads[i + len(axes)] for i, a in enumerate(axes) if a == axis)


def _resize(node: oir.Node, analysis: Analysis) -> Facts | None:
    """Resize by nearest or linear interpolation: results lie between the operand's values."""
    attributes = node.attributes
    usual = attributes.get_string("mode", "nearest") in ("nearest", "linear")
    crops = attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize"
    sizes = input_at(node, 3)
    stretches = attributes.get_string("keep_aspect_ratio_policy", "stretch") == "stretch"
    partial = "axes" in attributes or not stretches
    if not usual or crops or (sizes is not None and (partial or constant(sizes) is None)):
        return None
    if sizes is not None:
        analysis.shapes.append((node, 3))
    return analysis.of(node.inputs[0])


MOVEMENT: dict[str, Rule] = {
    **dict.fromkeys(("MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"), _pool),
    **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceMin"), _reduce),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    "Transpose": _transpose,
    "Concat": _concat,
    "Pad": _pad,
    "Resize": _resize,
}
"""Rules by operator."""
