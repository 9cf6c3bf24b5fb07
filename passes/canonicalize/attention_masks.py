"""Which scores of attention count: masks as exporters write them, constant or computed at run time."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, add_integers, emit
from ..onnx_graph import Array, constant, graph_of, producer, scalar, shape_of

_HIDING = -1e4
"""What is added to a score that is not to count: this or less."""


@dataclass(frozen=True)
class Flags:
    """What tells at run time whether scores count, for all queries (``rows`` is 1) or for each: they do where
    ``value``, integers or booleans, is not zero, or where it is (``inverted``)."""

    value: oir.Value
    rows: int
    inverted: bool


@dataclass(frozen=True)
class Mask:
    """Scores do not count where ``hidden`` (queries, keys) is true, nor where ``flags`` say so."""

    hidden: Array
    flags: tuple[Flags, ...] = ()

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.hidden | other.hidden, self.flags + other.flags)


def mask_of(node: oir.Node, shape: tuple[int, ...]) -> tuple[oir.Value, Mask] | None:
    """The scores, of this ``shape``, that an Add or a Where masks, and how; None where it does more."""
    if node.op_type == "Where":
        return _chosen(node, shape)
    for value, added in (node.inputs, node.inputs[::-1]):
        mask = None if value is None or shape_of(value) != shape else _added(added, shape)
        if value is not None and mask is not None:
            return value, mask
    return None


def _added(value: oir.Value | None, shape: tuple[int, ...]) -> Mask | None:
    """The mask that adds ``value`` to scores."""
    array = constant(value)
    if array is not None:
        return _plane(array <= _HIDING, shape) if ((array == 0) | (array <= _HIDING)).all() else None
    plane = _shared(value, shape)
    found = None if plane is None else _flag(_reshaped(plane[0]))
    if plane is None or found is None:
        return None
    return Mask(np.zeros(shape[-2:], bool), (Flags(found[0], plane[1], found[1]),))


def _chosen(node: oir.Node, shape: tuple[int, ...]) -> tuple[oir.Value, Mask] | None:
    """Of a Where."""
    sides = [None if side is None else scalar(side) for side in node.inputs[1:]]
    hides = sides[0] is not None  # where the condition is true
    value, fill = (node.inputs[2], sides[0]) if hides else (node.inputs[1], sides[1])
    if value is None or fill is None or fill > _HIDING or shape_of(value) != shape:
        return None
    condition = node.inputs[0]
    known = constant(condition)
    if known is not None:
        mask = _plane(known if hides else ~known, shape)
        return None if mask is None else (value, mask)
    plane = _shared(condition, shape)
    if plane is None:
        return None
    return value, Mask(np.zeros(shape[-2:], bool), (Flags(*plane, hides),))


def _plane(hidden: Array, shape: tuple[int, ...]) -> Mask | None:
    """Of a constant that is the same for all heads and samples; every query has to see something."""
    planes = np.broadcast_to(hidden, shape).reshape(-1, *shape[-2:])
    alike = (planes == planes[0]).all() and not planes[0].all(axis=1).any()
    return Mask(planes[0]) if alike else None


def _shared(value: oir.Value | None, shape: tuple[int, ...]) -> tuple[oir.Value, int] | None:
    """What all heads share of ``value``, a mask of scores of this ``shape``, and for how many queries it has
    rows; None where heads or samples have their own."""
    queries, keys = shape[-2:]
    while value is not None and shape[0] == 1:
        *leading, rows, width = 1, 1, *shape_of(value)
        if width != keys:
            return None
        if prod(leading) == 1 and rows in (1, queries):
            return value, rows
        before = producer(value, "Reshape", "Expand")
        value = None if before is None else before.inputs[0]
        inner = () if value is None else (1, 1, *shape_of(value))[-2:]
        repeats = before is not None and before.op_type == "Expand" and inner == (1, keys)
        if inner != (rows, keys) and not repeats:
            return None
    return None


def _flag(bias: oir.Value | None) -> tuple[oir.Value, bool] | None:
    """What a mask is made from that is 0 or hides, and whether it hides where that is true."""
    where = producer(bias, "Where")
    if where is not None and shape_of(where.inputs[0]) == shape_of(where.outputs[0]):
        sides = [_everywhere(side) for side in where.inputs[1:]]
        for kept, hides, inverted in ((sides[0], sides[1], False), (sides[1], sides[0], True)):
            if kept == 0 and hides is not None and hides <= _HIDING and where.inputs[0] is not None:
                return where.inputs[0], inverted
    factor = producer(bias, "Mul")
    hides = None if factor is None else scalar(factor.inputs[1])
    if factor is None or hides is None or hides > _HIDING:
        return None
    amount = _reshaped(factor.inputs[0])
    kept = producer(amount, "Sub")
    if kept is not None and scalar(kept.inputs[0]) == 1:
        return _cast(kept.inputs[1], inverted=False)
    return _cast(amount, inverted=True)


def _everywhere(value: oir.Value | None) -> float | None:
    """The number that all elements of a constant are."""
    array = constant(value)
    found = [] if array is None else np.unique(array)
    return float(found[0]) if len(found) == 1 else None


def _cast(value: oir.Value | None, inverted: bool) -> tuple[oir.Value, bool] | None:
    cast = producer(_reshaped(value), "Cast")
    source = None if cast is None else cast.inputs[0]
    if source is None or source.dtype is None or source.dtype.is_floating_point():
        return None
    return source, inverted


def _reshaped(value: oir.Value | None) -> oir.Value | None:
    """What ``value`` is a Reshape of: the same elements in the same order."""
    while (before := producer(value, "Reshape")) is not None:
        value = before.inputs[0]
    return value


def reach_of(hidden: Array) -> int:
    """The least with which query i sees no key beyond i + reach."""
    keys = hidden.shape[1]
    last = keys - 1 - np.argmax(~hidden[:, ::-1], axis=1)
    return int(np.clip((last - np.arange(len(hidden))).max(), 0, keys - 1))


def seen_of(hidden: Array, reach: int) -> Array | None:
    """(1 or queries, keys) of booleans that say what else of ``hidden`` counts than ``reach``; None: all."""
    near = np.arange(hidden.shape[1]) <= np.arange(len(hidden))[:, None] + reach
    never = ~(near & ~hidden).any(axis=0)
    if (hidden == (never | ~near)).all():
        return ~never[None] if (never & near.any(axis=0)).any() else None
    return ~hidden


def emit_seen(node: oir.Node, flags: tuple[Flags, ...], known: Array | None) -> oir.Value | None:
    """Booleans (1 or queries, keys) in front of ``node``: all ``flags``, and what is ``known``, if any."""
    name = f"{node.name}_seen"
    found = [_emit_flags(node, one, name) for one in flags]
    if known is not None:
        found.append(add_constant(graph_of(node), known, f"{name}_known"))
    if not found:
        return None
    value = found[0]
    for other in found[1:]:
        value = emit(node, "And", [value, other], name=f"{name}_both")
    return value


def _emit_flags(node: oir.Node, flags: Flags, name: str) -> oir.Value:
    value = flags.value
    if value.dtype is not oir.DataType.BOOL:
        value = emit(node, "Cast", [value], {"to": oir.DataType.BOOL}, name=f"{name}_cast")
    if flags.inverted:
        value = emit(node, "Not", [value], name=f"{name}_not")
    keys = shape_of(value)[-1]
    if shape_of(value) == (flags.rows, keys):
        return value
    shape = add_integers(graph_of(node), (flags.rows, keys), f"{name}_shape")
    return emit(node, "Reshape", [value, shape], name=f"{name}_plane")
