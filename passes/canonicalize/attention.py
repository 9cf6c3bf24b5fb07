"""MatMul → scale → mask → Softmax → MatMul becomes one node, whose kernel keeps one row of scores.

So do exporters write attention, and so does the body that ONNX gives for its own operator. Masks that hide
what comes after a query are no tensor any more; with any other mask the nodes stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..attention import ATTENTION, add_attention
from ..onnx_edit import become, emit
from ..onnx_graph import (
    FUSED_DOMAIN,
    Array,
    constant,
    is_float,
    producer,
    scalar,
    shape_of,
    used_once,
)
from .transposes import permutation

_HIDING = -1e4
"""What is added to a score that is not to count: this or less."""


@dataclass(frozen=True)
class _Scores:
    """factor · (left MatMul right), hidden where ``hidden`` (queries, keys) is true."""

    product: oir.Node
    factor: float
    hidden: Array


def fuse_attention(model: oir.Model) -> None:
    """Replace every such sequence of nodes on float32 by an ``Attention`` of ``FUSED_DOMAIN``.

    To come late: other rewriting does not see through the node.
    """
    fused = [node for node in tuple(model.graph) if node.op_type == "MatMul" and _fuse(node)]
    if fused:
        add_attention(model)


def _fuse(node: oir.Node) -> bool:
    softmax = producer(node.inputs[0], "Softmax")
    if softmax is None or node.inputs[1] is None or not used_once(softmax.outputs[0]):
        return False
    rank = len(shape_of(softmax.outputs[0]))
    if softmax.attributes.get_int("axis", -1) not in (-1, rank - 1) or rank not in (3, 4):
        return False
    scores = _scores(softmax)
    reach = None if scores is None else _reach(scores.hidden)
    if scores is None or reach is None:
        return False
    query, left = _unscaled(scores.product.inputs[0])
    key, right = _unscaled(_turned(scores.product))
    operands = [query, key, node.inputs[1]]
    leading = {shape_of(value)[:-2] for value in operands}
    if len(leading) > 1 or any(not is_float(v) or v.is_initializer() for v in operands):
        return False
    attributes = {"scale": scores.factor * left * right, "reach": reach, "perm": _swap(rank)}
    become(node, ATTENTION, operands, attributes, domain=FUSED_DOMAIN, name=softmax.name)
    return True


def _swap(rank: int) -> list[int]:
    return [*range(rank - 2), rank - 1, rank - 2]


def _turned(product: oir.Node) -> oir.Value:
    """The right operand of ``product`` with its last two axes swapped: that of a Transpose before it, maybe
    with another one."""
    right = product.inputs[1]
    assert right is not None
    swap = _swap(len(shape_of(right)))
    before = producer(right, "Transpose")
    if before is None or before.inputs[0] is None:
        return emit(product, "Transpose", [right], {"perm": swap}, name=f"{product.name}_keys")
    perm = [permutation(before)[axis] for axis in swap]
    if perm == sorted(perm):
        return before.inputs[0]
    return emit(product, "Transpose", [before.inputs[0]], {"perm": perm}, name=f"{product.name}_keys")


def _unscaled(value: oir.Value | None) -> tuple[oir.Value, float]:
    """``value`` is the factor times the value that is returned."""
    assert value is not None
    node = producer(value, "Mul")
    factor = None if node is None else scalar(node.inputs[1])
    if node is None or factor is None or node.inputs[0] is None:
        return value, 1.0
    return node.inputs[0], factor


def _scores(softmax: oir.Node) -> _Scores | None:
    """What ``softmax`` reads, followed back to the product."""
    value, factor = softmax.inputs[0], 1.0
    assert value is not None
    hidden = np.zeros(shape_of(value)[-2:], bool)
    while used_once(value):
        node = producer(value, "MatMul", "Mul", "Div", "Add", "Where")
        if node is None:
            return None
        if node.op_type == "MatMul":
            return _Scores(node, factor, hidden)
        number = scalar(node.inputs[1])
        if node.op_type in ("Mul", "Div"):
            if not number:
                return None
            factor = factor * number if node.op_type == "Mul" else factor / number
            value = node.inputs[0]
        else:
            masked = _mask(node, hidden.shape)
            if masked is None:
                return None
            value, more = masked
            hidden |= more
        assert value is not None
    return None


def _mask(node: oir.Node, shape: tuple[int, ...]) -> tuple[oir.Value, Array] | None:
    """The scores that an Add or a Where masks, and where; None where it does anything else."""
    if node.op_type == "Add":
        value, added = node.inputs[0], constant(node.inputs[1])
        if value is None or added is None or not ((added == 0) | (added <= _HIDING)).all():
            return None
        hidden = added != 0
    else:
        condition = constant(node.inputs[0])
        sides = [None if v is None else scalar(v) for v in node.inputs[1:]]
        if condition is None or (sides[0] is None) == (sides[1] is None):
            return None
        fill = next(side for side in sides if side is not None)
        hidden = condition if sides[0] is not None else ~condition
        value = node.inputs[2] if sides[0] is not None else node.inputs[1]
        if value is None or fill > _HIDING or shape_of(value) != shape_of(node.outputs[0]):
            return None
    plane = hidden.reshape(hidden.shape[-2:]) if hidden.size == np.prod(hidden.shape[-2:]) else None
    return None if plane is None else (value, np.broadcast_to(plane, shape))


def _reach(hidden: Array) -> int | None:
    """With which query i sees keys 0 to i + reach and no others; None where it does not."""
    queries, keys = hidden.shape
    reach = int((~hidden[0]).sum()) - 1
    seen = np.arange(keys) <= np.arange(queries)[:, None] + reach
    return reach if reach >= 0 and (seen == ~hidden).all() else None
