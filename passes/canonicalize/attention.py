"""MatMul → scale → mask → Softmax → MatMul becomes one node, whose kernel keeps one row of scores.

So do exporters write attention, and so does the body that ONNX gives for its own operator. Masks that hide
what comes after a query are no tensor any more; others become booleans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as oir

from ..attention import ATTENTION, MASKED, add_attention
from ..onnx_edit import add_integers, become, bypass, emit
from ..onnx_graph import (
    FUSED_DOMAIN,
    constant,
    graph_of,
    input_at,
    is_float,
    producer,
    scalar,
    shape_of,
    used_once,
)
from .attention_masks import Mask, emit_seen, mask_of, reach_of, seen_of
from .tidy import permutation, reshape


@dataclass(frozen=True)
class _Scores:
    """factor · (left MatMul right), as far as ``mask`` lets them count; ``added`` are the operands of what
    masks them."""

    product: oir.Node
    factor: float
    mask: Mask
    added: tuple[oir.Value | None, ...]


def fuse_attention(model: oir.Model) -> None:
    """Replace every such sequence of nodes on float32 by an ``Attention`` of ``FUSED_DOMAIN``.

    To come late: other rewriting does not see through the node.
    """
    fused = [node for node in tuple(model.graph) if node.op_type == "MatMul" and _fuse(node)]
    if fused:
        add_attention(model)


def _fuse(node: oir.Node) -> bool:
    softmax, safe = _weights(node.inputs[0])
    if softmax is None or node.inputs[1] is None or not used_once(softmax.outputs[0]):
        return False
    rank = len(shape_of(softmax.outputs[0]))
    if softmax.attributes.get_int("axis", -1) not in (-1, rank - 1) or rank not in (3, 4):
        return False
    scores = _scores(softmax)
    if scores is None or (safe is not None and safe not in scores.added):
        return False
    factors = [*scores.product.inputs, node.inputs[1]]
    leading = {shape_of(value)[:-2] for value in factors}
    if len(leading) > 1 or any(not is_float(v) or constant(v) is not None for v in factors):
        return False
    query, left = _unscaled(node, scores.product.inputs[0], list(range(rank)))
    key, right = _unscaled(node, scores.product.inputs[1], _swap(rank))
    reach = reach_of(scores.mask.hidden)
    seen = emit_seen(softmax, scores.mask.flags, seen_of(scores.mask.hidden, reach))
    operands = [query, key, node.inputs[1], *([seen] if seen is not None else [])]
    attributes = {"scale": scores.factor * left * right, "reach": reach, "perm": _swap(rank)}
    operator = ATTENTION if seen is None else MASKED
    if rank == 3 and shape_of(query)[0] > 1:
        _as_heads(node, operator, operands, attributes | {"perm": _swap(4)}, str(softmax.name))
    else:
        become(node, operator, operands, attributes, domain=FUSED_DOMAIN, name=softmax.name)
    return True


def _as_heads(
    node: oir.Node, operator: str, operands: list[oir.Value], attributes: Mapping[str, Any], name: str
) -> None:
    """Samples become heads of one: positions may come before these in memory, as dense layers leave them. A
    mask is the same for all of them."""
    wide = [_in_front(node, value) for value in operands[:3]]
    made = emit(node, operator, [*wide, *operands[3:]], attributes, domain=FUSED_DOMAIN, name=name)
    made.shape, made.type = oir.Shape((1, *shape_of(node.outputs[0]))), node.outputs[0].type
    reshape(node, made)


def _in_front(node: oir.Node, value: oir.Value) -> oir.Value:
    """``value`` with an axis of length 1 in front of the others."""
    shape = add_integers(graph_of(node), (1, *shape_of(value)), f"{value.name}_shape")
    return emit(node, "Reshape", [value, shape], name=f"{value.name}_heads")


def _weights(value: oir.Value | None) -> tuple[oir.Node | None, oir.Value | None]:
    """The Softmax that makes weights, and the mask of which ONNX's body takes the rows that hide everything:
    weights are 0 there."""
    chosen = producer(value, "Where")
    if chosen is None or scalar(chosen.inputs[1]) != 0 or not used_once(chosen.outputs[0]):
        return producer(value, "Softmax"), None
    equal = producer(chosen.inputs[0], "Equal")
    largest = None if equal is None else producer(equal.inputs[0], "ReduceMax")
    if equal is None or largest is None or scalar(equal.inputs[1]) != -np.inf:
        return None, None
    axes = largest.inputs[1] if len(largest.inputs) > 1 else None
    last = axes is not None and scalar(axes) == len(shape_of(largest.inputs[0])) - 1
    return (producer(chosen.inputs[2], "Softmax"), largest.inputs[0]) if last else (None, None)


def _swap(rank: int) -> list[int]:
    return [*range(rank - 2), rank - 1, rank - 2]


def _unscaled(node: oir.Node, value: oir.Value | None, perm: list[int]) -> tuple[oir.Value, float]:
    """``value`` transposed by ``perm`` is the factor times the value that is returned."""
    assert value is not None
    value, factor = _without_factors(value)
    name = f"{value.name}_unscaled"
    while (before := producer(value, "Mul", "Transpose")) is not None and before.inputs[0] is not None:
        if before.op_type == "Transpose":
            outer = permutation(before)
            perm = [outer[axis] for axis in perm]
        elif (number := scalar(before.inputs[1])) is not None:
            factor *= number
        else:
            break
        value = before.inputs[0]
    if perm == sorted(perm):
        return value, factor
    return emit(node, "Transpose", [value], {"perm": perm}, name=name), factor


def _without_factors(value: oir.Value) -> tuple[oir.Value, float]:
    """``value`` and the number that it alone is multiplied by, before Reshapes and Transposes: the products
    themselves go."""
    first, factor = value, 1.0
    while used_once(value) and (before := producer(value, "Mul", "Reshape", "Transpose")) is not None:
        source, number = before.inputs[0], scalar(input_at(before, 1))
        if source is None or (before.op_type == "Mul" and number is None):
            break
        if before.op_type == "Mul" and number is not None:
            factor *= number
            bypass(before, source)
            first = source if value is first else first
        value = source
    return first, factor


def _scores(softmax: oir.Node) -> _Scores | None:
    """What ``softmax`` reads, followed back to the product."""
    value, factor = softmax.inputs[0], 1.0
    assert value is not None
    shape = shape_of(value)
    mask, added = Mask(np.zeros(shape[-2:], bool)), ()
    while used_once(value):
        node = producer(value, "MatMul", "Mul", "Div", "Add", "Where")
        if node is None:
            return None
        if node.op_type == "MatMul":
            return _Scores(node, factor, mask, added)
        number = scalar(node.inputs[1])
        if node.op_type in ("Mul", "Div"):
            if not number:
                return None
            factor = factor * number if node.op_type == "Mul" else factor / number
            value = node.inputs[0]
        else:
            masked = mask_of(node, shape)
            if masked is None:
                return None
            value, more = masked
            mask, added = mask | more, (*added, *node.inputs)
        assert value is not None
    return None
