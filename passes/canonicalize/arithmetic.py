"""Sums, differences and quotients in fewer forms; reductions with explicit axes."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, add_integers, become, emit
from ..onnx_graph import constant, graph_of, input_at, integers, is_float, shape_of
from .engine import Rules

REDUCTIONS = tuple(
    f"Reduce{kind}"
    for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
)


def _chain(node: oir.Node, operator: str, name: str) -> oir.Value | None:
    """``operator`` applied to the operands from left to right, all but the last one emitted."""
    total = node.inputs[0]
    for index, value in enumerate(node.inputs[1:-1], 1):
        total = emit(node, operator, [total, value], name=f"{name}_{index}")
    return total


def _binary_sum(node: oir.Node) -> bool:
    if len(node.inputs) == 1:
        return False
    become(node, "Add", [_chain(node, "Add", str(node.name)), node.inputs[-1]])
    return True


def _binary_limits(node: oir.Node) -> bool:
    if len(node.inputs) <= 2:
        return False
    become(node, node.op_type, [_chain(node, node.op_type, str(node.name)), node.inputs[-1]])
    return True


def _mean(node: oir.Node) -> bool:
    count = len(node.inputs)
    if count == 1 or not is_float(node.inputs[0]):
        return False
    name = str(node.name)
    total = emit(node, "Add", [_chain(node, "Add", name), node.inputs[-1]], name=f"{name}_{count - 1}")
    assert total.dtype is not None
    share = add_constant(graph_of(node), np.asarray(1 / count, total.dtype.numpy()), f"{name}_share")
    become(node, "Mul", [total, share])
    return True


def _subtract_constant(node: oir.Node) -> bool:
    array = constant(node.inputs[1])
    if array is None or constant(node.inputs[0]) is not None or array.dtype.kind == "u":
        return False
    negative = add_constant(graph_of(node), -array, f"{node.name}_negative")
    become(node, "Add", [node.inputs[0], negative])
    return True


def _divide_by_constant(node: oir.Node) -> bool:
    """x / c is x · (1/c) to one unit in the last place, or exactly where c is a power of two.

    In front of a quantizer that unit could move a tie: only exact reciprocals are used there.
    """
    array = constant(node.inputs[1])
    if array is None or constant(node.inputs[0]) is not None or array.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        reciprocal = (1 / array.astype(np.float64)).astype(array.dtype)
    if not np.isfinite(reciprocal).all() or (np.abs(reciprocal) < np.finfo(array.dtype).tiny).any():
        return False
    exact = bool((np.abs(np.frexp(array)[0]) == 0.5).all())
    quantized = any(user.op_type == "QuantizeLinear" for user in node.outputs[0].consumers())
    if quantized and not exact:
        return False
    value = add_constant(graph_of(node), reciprocal, f"{node.name}_reciprocal")
    become(node, "Mul", [node.inputs[0], value])
    return True


def _explicit_axes(node: oir.Node) -> bool:
    """Axes as a constant operand, non-negative and ascending; keepdims always written."""
    rank = len(shape_of(node.inputs[0]))
    given = input_at(node, 1)
    numbers = integers(given)
    if given is not None and numbers is None:
        return False
    keep = node.attributes.get_int("keepdims", 1)
    if not numbers and node.attributes.get_int("noop_with_empty_axes", 0):
        return False
    axes = sorted({axis % rank for axis in numbers}) if numbers else list(range(rank))
    if axes == numbers and set(node.attributes) == {"keepdims"}:
        return False
    operand = add_integers(graph_of(node), axes, f"{node.name}_axes")
    become(node, node.op_type, [node.inputs[0], operand], {"keepdims": keep})
    return True


RULES: Rules = {
    "Sum": [_binary_sum],
    "Mean": [_mean],
    "Max": [_binary_limits],
    "Min": [_binary_limits],
    "Sub": [_subtract_constant],
    "Div": [_divide_by_constant],
    **{operator: [_explicit_axes] for operator in REDUCTIONS},
}
