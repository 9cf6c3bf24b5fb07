"""TopK, by the rank of each element among those along its axis."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import describe, shape_of
from .body import Body, known, operand

LONGEST = 256
"""Elements along the axis, of which each is compared with each."""


def top_k(node: oir.Node, body: Body) -> list[oir.Value]:
    """Element i has as many before it as are larger (or smaller), or equal and of a lower index."""
    x = operand(node, 0)
    shape, k = shape_of(x), int(known(node, 1).reshape(()))
    axis = node.attributes.get_int("axis", -1) % len(shape)
    length = shape[axis]
    if length > LONGEST:
        raise ModelError(
            "TopK chooses from too many elements",
            where=describe(node),
            why=f"axis {axis} has {length}; up to {LONGEST} are compared with each other",
            remedy="let the model give all of them, and choose in the firmware",
        )
    order = [*(a for a in range(len(shape)) if a != axis), axis]
    rows = body.op("Transpose", x, perm=order)
    places = _first(rows, length, k, bool(node.attributes.get_int("largest", 1)), body)
    found = (body.op("GatherElements", rows, places, axis=-1), places)
    back = [int(a) for a in np.argsort(order)]
    turned = [body.op("Transpose", value, perm=back) for value in found]
    return [value for value, output in zip(turned, node.outputs, strict=True) if output.name]


def _first(rows: oir.Value, length: int, k: int, largest: bool, body: Body) -> oir.Value:
    """[…, k] int64: the places of the first ``k`` of each row of ``length``."""
    mine = body.op("Unsqueeze", rows, body.constant(np.array([-1], np.int64)))
    other = body.op("Unsqueeze", rows, body.constant(np.array([-2], np.int64)))
    earlier = body.constant(np.arange(length) < np.arange(length)[:, None])
    tied = body.op("And", body.op("Equal", other, mine), earlier)
    before = body.op("Or", body.op("Greater" if largest else "Less", other, mine), tied)
    last = body.constant(np.array([-1], np.int64))
    ranks = body.op("ReduceSum", _real(before, body), last, keepdims=0)
    wanted = body.constant(np.arange(k, dtype=np.float32).reshape(-1, 1))
    hits = body.op("Equal", body.op("Unsqueeze", ranks, body.constant(np.array([-2], np.int64))), wanted)
    return body.op("ArgMax", _real(hits, body), axis=-1, keepdims=0)


def _real(value: oir.Value, body: Body) -> oir.Value:
    return body.op("Cast", value, to=int(oir.DataType.FLOAT))
