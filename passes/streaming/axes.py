"""Where time lies: which axis of each operator's result is time, if one of its operands' is.

A rule takes a node and the time axis of each operand (None where it has none), and gives that of the first
result: None where the result has no time axis, being of the current step alone. It refuses, with ``refused``,
what would need other steps than the one that is there. What else a node of one step needs, once shapes are
those of one step, is in ``CUTS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ...kernels.registry import OPERATORS, Layout
from ..onnx_edit import add_constant, add_integers, bypass
from ..onnx_graph import describe, graph_of, input_at, integers, shape_of

Axes = Sequence[int | None]
Rule = Callable[[oir.Node, Axes], "int | None"]
Cut = Callable[[oir.Node], None]


def refused(node: oir.Node, why: str, remedy: str) -> ModelError:
    """The error for a node that cannot work step by step."""
    return ModelError(f"{node.op_type} cannot be streamed", where=describe(node), why=why, remedy=remedy)


def cut_shape(value: oir.Value, axis: int, count: int = 1) -> None:
    """Leaves ``count`` steps of the value's ``axis``."""
    shape = shape_of(value)
    value.shape = oir.Shape((*shape[:axis], count, *shape[axis + 1 :]))


WHOLE = "compile the model without --stream"


def _elementwise(node: oir.Node, axes: Axes) -> int | None:
    rank = len(shape_of(node.outputs[0]))
    found = {
        axis - len(shape_of(value)) for value, axis in zip(node.inputs, axes, strict=True) if axis is not None
    }
    if len(found) > 1:
        raise refused(node, "time is not the same axis in its operands", WHOLE)
    (behind,) = found
    for value, axis in zip(node.inputs, axes, strict=True):
        shape = () if value is None else shape_of(value)
        if axis is None and len(shape) >= -behind and shape[behind] > 1:
            raise refused(
                node, f"its operand {value and value.name!r} has other numbers for each step", WHOLE
            )
    return rank + behind


def _transpose(node: oir.Node, axes: Axes) -> int | None:
    rank = len(shape_of(node.inputs[0]))
    return list(node.attributes.get_ints("perm", list(reversed(range(rank))))).index(_first(axes))


def _reshape(node: oir.Node, axes: Axes) -> int | None:
    axis, before, after = _first(axes), shape_of(node.inputs[0]), shape_of(node.outputs[0])
    for place, count in enumerate(after):
        if count == before[axis] and prod(after[:place]) == prod(before[:axis]):
            return place
    raise refused(
        node, f"it makes {list(after)} of {list(before)}, in which time is no axis of its own", WHOLE
    )


def _along(default: int) -> Rule:
    """Operators that work along one axis, which must not be time."""

    def rule(node: oir.Node, axes: Axes) -> int | None:
        result = _elementwise(node, axes)
        rank = len(shape_of(node.outputs[0]))
        if node.attributes.get_int("axis", default) % rank == result:
            raise refused(node, "it works along time", WHOLE)
        return result

    return rule


def _normalization(node: oir.Node, axes: Axes) -> int | None:
    axis, rank = _first(axes), len(shape_of(node.inputs[0]))
    if node.attributes.get_int("axis", -1) % rank <= axis:
        raise refused(node, "it works along time", WHOLE)
    return axis


def _matrix(node: oir.Node, axes: Axes) -> int | None:
    axis, shape = axes[0], shape_of(node.inputs[0])
    right = shape_of(node.inputs[1])
    if (
        any(other is not None for other in axes[1:])
        or axis is None
        or axis == len(shape) - 1
        or len(right) > 2
    ):
        raise refused(node, "it multiplies matrices along time", WHOLE)
    bias = input_at(node, 2)
    if bias is not None and len(shape_of(bias)) == 2 and shape_of(bias)[0] > 1:
        raise refused(node, "its bias has other numbers for each step", WHOLE)
    return axis


def _slice(node: oir.Node, axes: Axes) -> int | None:
    axis = _first(axes)
    along = dict(zip(integers(node.inputs[3]) or (), _bounds(node), strict=True))
    if axis not in along:
        return axis
    steps = shape_of(node.inputs[0])[axis]
    if along[axis] != (steps - 1, steps):
        raise refused(node, f"it takes other steps than the last of {steps}", WHOLE)
    return None


def _gather(node: oir.Node, axes: Axes) -> int | None:
    axis, shape = axes[0], shape_of(node.inputs[0])
    along = node.attributes.get_int("axis", 0) % len(shape)
    indices, rank = integers(node.inputs[1]), len(shape_of(node.inputs[1]))
    if axis is None or axis != along:
        if axis is None:
            raise refused(node, "time decides what it takes", WHOLE)
        return axis if axis < along else axis + rank - 1
    if indices is None or any(index % shape[axis] != shape[axis] - 1 for index in indices):
        raise refused(node, f"it takes other steps than the last of {shape[axis]}", WHOLE)
    return None


def _bounds(node: oir.Node) -> list[tuple[int, int]]:
    starts, ends = (integers(node.inputs[index]) or () for index in (1, 2))
    shape, along = shape_of(node.inputs[0]), integers(node.inputs[3]) or ()
    return [(s, min(e, shape[a])) for s, e, a in zip(starts, ends, along, strict=True)]


def _reduction(node: oir.Node, axes: Axes) -> int | None:
    axis = _first(axes)
    along = integers(input_at(node, 1)) or []
    if axis in along:
        raise refused(node, "it sums up time", WHOLE)
    return axis if node.attributes.get_int("keepdims", 1) else axis - sum(a < axis for a in along)


def _first(axes: Axes) -> int:
    axis = axes[0]
    assert axis is not None
    return axis


def _cut_reshape(node: oir.Node) -> None:
    shape = shape_of(node.outputs[0])  # cut before
    node.replace_input_with(1, add_integers(graph_of(node), shape, f"{node.name}_step"))


def _cut_slice(node: oir.Node) -> None:
    axes = integers(node.inputs[3]) or []
    if len(axes) == 1 and shape_of(node.inputs[0]) == shape_of(node.outputs[0]):
        bypass(node, operand(node))
        return
    for index, limit in ((1, 0), (2, 1)):
        ends = [
            limit if shape_of(node.inputs[0])[axis] == 1 else bound
            for axis, bound in zip(axes, integers(node.inputs[index]) or [], strict=True)
        ]
        node.replace_input_with(index, add_integers(graph_of(node), ends, f"{node.name}_step_{index}"))


def _cut_gather(node: oir.Node) -> None:
    along = node.attributes.get_int("axis", 0)
    if shape_of(node.inputs[0])[along] == 1:
        indices = np.zeros(shape_of(node.inputs[1]), np.int64)
        node.replace_input_with(1, add_constant(graph_of(node), indices, f"{node.name}_step"))


def operand(node: oir.Node) -> oir.Value:
    """The first one."""
    value = node.inputs[0]
    assert value is not None
    return value


_SAME = {name for name, operator in OPERATORS.items() if operator.layout is Layout.SAME}
_NOT_ELEMENTWISE = {
    "Concat", "CumSum", "Expand", "GroupNormalization", "InstanceNormalization", "LayerNormalization",
    "LogSoftmax", "LpNormalization", "Pad", "RMSNormalization", "Slice", "Softmax", "Tile",
}  # fmt: skip

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        [*sorted(_SAME - _NOT_ELEMENTWISE), "DequantizeLinear", "Identity", "QuantizeLinear"], _elementwise
    ),
    "Concat": _along(0),
    "Gather": _gather,
    "Gemm": _matrix,
    "LayerNormalization": _normalization,
    "LogSoftmax": _along(-1),
    "LpNormalization": _along(-1),
    "MatMul": _matrix,
    "RMSNormalization": _normalization,
    **dict.fromkeys((n for n in OPERATORS if n.startswith("Reduce")), _reduction),
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": _along(-1),
    "Transpose": _transpose,
}
CUTS: Mapping[str, Cut] = {"Gather": _cut_gather, "Reshape": _cut_reshape, "Slice": _cut_slice}
