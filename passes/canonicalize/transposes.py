"""Moving Transposes towards the outputs until they meet their inverse and vanish.

TensorFlow's converters wrap each convolution in a pair of Transposes. Element-wise operators do not care
about the order of axes, so a Transpose in front of one may as well come after it; two Transposes in a row
are one. What is left sits at the edges of the model and around operators that do care.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, add_integers, become, bypass, emit
from ..onnx_graph import (
    attributes_of,
    constant,
    graph_of,
    input_at,
    integers,
    is_constant_like,
    producer,
    shape_of,
)
from .arithmetic import REDUCTIONS
from .engine import Rules
from .parameters import reshaped, transposed
from .tidy import permutation, reshape

UNARY = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cast", "Ceil", "Celu", "Clip", "Cos", "Cosh",
    "DequantizeLinear", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log",
    "Mish", "Neg", "Not", "QuantizeLinear", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin",
    "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu",
)  # fmt: skip
"""Operators that compute each element of their result from the same element of the first operand."""

ELEMENTWISE = (
    "Add", "And", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual",
    "Less", "LessOrEqual", "Max", "Min", "Mod", "Mul", "Or", "PRelu", "Pow", "Sub", "Where", "Xor",
)  # fmt: skip
"""Operators whose operands broadcast against each other."""


def _merge(node: oir.Node) -> bool:
    before = producer(node.inputs[0], "Transpose")
    if before is None or before.inputs[0] is None:
        return False
    inner = permutation(before)
    perm = [inner[axis] for axis in permutation(node)]
    if perm == sorted(perm):
        bypass(node, before.inputs[0])
    else:
        become(node, "Transpose", [before.inputs[0]], {"perm": perm})
    return True


def _of_constant(node: oir.Node) -> bool:
    """A Transpose or Reshape of weights is done now, on the integers where they are quantized."""
    value, result = node.inputs[0], None
    if not is_constant_like(value) or node.outputs[0].is_graph_output():
        return False
    if node.op_type == "Transpose":
        result = transposed(node, value, permutation(node), str(node.outputs[0].name))
    elif constant(input_at(node, 1)) is not None:
        result = reshaped(node, value, shape_of(node.outputs[0]), str(node.outputs[0].name))
    if result is None:
        return False
    bypass(node, result)
    return True


def _after(
    node: oir.Node, operator: str, inputs: Sequence[oir.Value | None], perm: list[int], **changed: Any
) -> None:
    """Let ``node`` become the Transpose of ``operator`` on operands that lie in the source's axis order."""
    name = str(node.name)
    moved = emit(node, operator, inputs, {**attributes_of(node), **changed}, name=name)
    become(node, "Transpose", [moved], {"perm": perm}, name=f"{name}_transpose")


def _may_sink(transpose: oir.Node) -> bool:
    """Whether nobody needs the Transpose's result as it is: all who read it have a rule to sink it."""
    result = transpose.outputs[0]
    return not result.is_graph_output() and all(
        user.op_type in _SINKING and user.domain == "" for user in result.consumers()
    )


def _sink_unary(node: oir.Node) -> bool:
    before = producer(node.inputs[0], "Transpose")
    if before is None or not _may_sink(before):
        return False
    perm, changed = permutation(before), dict[str, Any]()
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        # The quantizer at the model's border stays the last node: it is where the output's type comes from.
        if node.attributes.get_int("block_size", 0) or node.outputs[0].is_graph_output():
            return False
        if shape_of(node.inputs[1]) not in ((), (1,)):
            changed["axis"] = perm[node.attributes.get_int("axis", 1)]
    _after(node, node.op_type, [before.inputs[0], *node.inputs[1:]], perm, **changed)
    return True


def _sink_along_axis(node: oir.Node) -> bool:
    """Softmax and its kin, and ArgMax that keeps its axis: the axis is another one before the Transpose."""
    before = producer(node.inputs[0], "Transpose")
    if before is None or not _may_sink(before):
        return False
    if node.op_type.startswith("Arg") and not node.attributes.get_int("keepdims", 1):
        return False
    perm = permutation(before)
    default = 0 if node.op_type.startswith("Arg") else -1
    axis = perm[node.attributes.get_int("axis", default)]
    _after(node, node.op_type, [before.inputs[0]], perm, axis=axis)
    return True


def _sink_elementwise(node: oir.Node) -> bool:
    """All operands are Transposes alike, or constants: operate first, transpose the result."""
    pairs = [(value, producer(value, "Transpose")) for value in node.inputs]
    sources = [before for _, before in pairs if before is not None]
    rank = len(shape_of(node.outputs[0]))
    if not sources or len({tuple(permutation(before)) for before in sources}) != 1:
        return False
    if len(sources) == 1 and not _may_sink(sources[0]):
        return False
    if any(len(shape_of(before.outputs[0])) != rank for before in sources):
        return False
    if any(before is None and not is_constant_like(value) for value, before in pairs):
        return False
    perm = permutation(sources[0])
    inverse = [perm.index(axis) for axis in range(rank)]
    operands: list[oir.Value | None] = []
    for index, (value, before) in enumerate(pairs):
        moved = before.inputs[0] if before is not None else _aligned(node, value, inverse, index)
        if moved is None:
            return False
        operands.append(moved)
    _after(node, node.op_type, operands, perm)
    return True


def _aligned(node: oir.Node, value: oir.Value | None, perm: list[int], index: int) -> oir.Value | None:
    """A broadcasting constant with its axes in the order that the operands have before the Transpose."""
    shape, name = shape_of(value), f"{node.name}_operand_{index}"
    if int(np.prod(shape)) == 1:
        return value
    full = (1,) * (len(perm) - len(shape)) + shape
    array = constant(value)
    if array is None:
        return transposed(node, value, perm, name) if full == shape else None
    return add_constant(graph_of(node), array.reshape(full).transpose(perm), name)


def _sink_concat(node: oir.Node) -> bool:
    sources = [producer(value, "Transpose") for value in node.inputs]
    found = [before for before in sources if before is not None]
    if len(found) != len(sources) or len({tuple(permutation(before)) for before in found}) != 1:
        return False
    perm = permutation(found[0])
    axis = perm[node.attributes["axis"].as_int()]
    _after(node, "Concat", [before.inputs[0] for before in found], perm, axis=axis)
    return True


def _sink_axes(node: oir.Node) -> bool:
    """Slice and Pad, whose operands name axes."""
    before = producer(node.inputs[0], "Transpose")
    if before is None or not _may_sink(before):
        return False
    perm = permutation(before)
    given = integers(input_at(node, 3))
    if input_at(node, 3) is not None and given is None:
        return False
    axes = [perm[axis] for axis in (given if given is not None else range(len(perm)))]
    operand = add_integers(graph_of(node), axes, f"{node.name}_axes")
    inputs = [before.inputs[0], input_at(node, 1), input_at(node, 2), operand, *node.inputs[4:]]
    _after(node, node.op_type, inputs, perm)
    return True


def _sink_reduction(node: oir.Node) -> bool:
    before = producer(node.inputs[0], "Transpose")
    axes = integers(input_at(node, 1))
    if before is None or axes is None or not _may_sink(before):
        return False
    perm, name = permutation(before), str(node.name)
    operand = add_integers(graph_of(node), sorted(perm[axis] for axis in axes), f"{name}_axes")
    if node.attributes.get_int("keepdims", 1):
        _after(node, node.op_type, [before.inputs[0], operand], perm)
        return True
    reduced = [axis for axis in perm if axis not in {perm[a] for a in axes}]
    rest = [sorted(reduced).index(axis) for axis in reduced]
    if rest == sorted(rest):
        become(node, node.op_type, [before.inputs[0], operand], attributes_of(node))
    else:
        _after(node, node.op_type, [before.inputs[0], operand], rest)
    return True


def _unit_axes(node: oir.Node) -> bool:
    """A Transpose that only moves dimensions of size 1 leaves the elements where they are: a Reshape."""
    shape = shape_of(node.inputs[0])
    order = [axis for axis in permutation(node) if shape[axis] != 1]
    if order != sorted(order) or node.inputs[0] is None:
        return False
    reshape(node, node.inputs[0])
    return True


_SINKERS: Rules = {
    **{operator: [_sink_unary] for operator in UNARY},
    **{operator: [_sink_elementwise] for operator in ELEMENTWISE},
    **{operator: [_sink_along_axis] for operator in ("Softmax", "LogSoftmax", "Hardmax", "ArgMax", "ArgMin")},
    **{operator: [_sink_reduction] for operator in REDUCTIONS},
    "Concat": [_sink_concat],
    "Slice": [_sink_axes],
    "Pad": [_sink_axes],
}
_SINKING = frozenset(_SINKERS) | {"Transpose"}

RULES: Rules = {"Transpose": [_of_constant, _merge], "Reshape": [_of_constant], **_SINKERS}

LAST: Rules = {"Transpose": [_unit_axes]}
"""Only once Transposes have met: a Reshape would not cancel with one."""
