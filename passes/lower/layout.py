"""Orders of axes in memory. An order lists the model's axes, outermost first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

import onnx_ir as oir

from ...kernels.node import Node, Tensor
from ...kernels.registry import OPERATORS, Layout, Operator

Order = tuple[int, ...]


def row_major(rank: int) -> Order:
    return tuple(range(rank))


def channel_last(rank: int) -> Order:
    """(N, C, spatial…) stored as (N, spatial…, C)."""
    return (0, *range(2, rank), 1) if rank >= 3 else row_major(rank)


def same_bytes(shape: tuple[int, ...], a: Order, b: Order) -> bool:
    """True where both orders put every element at the same place: axes of length 1 do not matter."""
    return [i for i in a if shape[i] != 1] == [i for i in b if shape[i] != 1]


def same_runs(one: Tensor, other: Tensor) -> bool:
    """True where the elements of both, in the same order, fill up their bytes alike: packed ones begin a byte
    in each run of the last axis."""
    per_byte = max(8 // one.dtype.bits, 1)
    ends = one.physical[-1:], other.physical[-1:]
    return ends[0] == ends[1] or all(prod(end) % per_byte == 0 for end in ends)


def transposed(order: Order, perm: tuple[int, ...]) -> Order:
    """The order in which the bytes of a tensor of ``order`` are its Transpose by ``perm``."""
    return tuple(perm.index(axis) for axis in order)


def reshaped(shape: tuple[int, ...], order: Order, wanted: tuple[int, ...]) -> Order | None:
    """The order in which the bytes of a tensor of ``shape`` and ``order`` are its Reshape to ``wanted``; None
    where bytes have to move.

    Axes that are merged must follow each other in memory as they do in ``shape``; axes of length 1 lie
    anywhere, here in front.
    """
    memory = [axis for axis in order if shape[axis] != 1]
    found = dict[int, list[int]]()  # axes of ``wanted`` by the place in memory of those that they are made of
    for old, new in _matching(shape, wanted):
        place = memory.index(old[0])
        if memory[place : place + len(old)] != old:
            return None
        found[place] = new
    ones = [axis for axis, size in enumerate(wanted) if size == 1]
    return (*ones, *(axis for place in sorted(found) for axis in found[place]))


def _matching(shape: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[tuple[list[int], list[int]]]:
    """The smallest runs of axes longer than 1 of both shapes with as many elements as each other."""
    remaining = [axis for axis, size in enumerate(shape) if size != 1]
    others = [axis for axis, size in enumerate(wanted) if size != 1]
    while remaining:
        old, new = [remaining.pop(0)], [others.pop(0)]
        while (size := prod(shape[a] for a in old)) != (other := prod(wanted[a] for a in new)):
            if size < other:
                old.append(remaining.pop(0))
            else:
                new.append(others.pop(0))
        yield old, new


def arranged_for(operator: Operator, node: Node) -> tuple[list[Tensor | None], list[Tensor]]:
    """Operands and outputs of ``node`` as they are to lie in the order of axes that the operator asks for."""
    operands, outputs = list(node.inputs), list(node.outputs)
    if operator.layout is Layout.FREE:
        order = operator.result_order
        return operands, outputs if order is None else [replace(t, order=order(node)) for t in outputs]
    if operator.layout is Layout.CHANNEL_LAST:
        order_of = channel_last
    elif operator.layout is Layout.ROW_MAJOR:
        order_of = row_major
    elif operator.layout is Layout.VECTORS:
        first = node.input(0).order

        def order_of(rank: int) -> Order:
            return (0, *(axis for axis in first if 0 < axis < rank - 1), rank - 1)
    elif operator.layout is Layout.LEADING:
        leading = leading_order(node.input(0), [t for t in operands if t is not None])

        def order_of(rank: int) -> Order:
            return leading  # operands of another rank are refused
    else:
        computed = [t for t in operands if t is not None and t.constant is None]
        lead = max(computed, key=lambda t: (len(t.shape), t.elements))

        def order_of(rank: int) -> Order:
            missing = len(lead.order) - rank
            extra = row_major(max(-missing, 0))
            return (*extra, *(axis - missing for axis in lead.order if axis >= missing))

    arranged = [
        t if t is None or t.constant is not None else replace(t, order=order_of(len(t.shape)))
        for t in operands
    ]
    return arranged, [replace(t, order=order_of(len(t.shape))) for t in outputs]


def leading_order(first: Tensor, operands: Sequence[Tensor]) -> Order:
    """The order of the first operand, but for the axis that parameters among ``operands`` differ along, which
    is the last."""
    rank = len(first.shape)
    for parameter in operands:
        if parameter.constant is None or parameter.elements == 1 or len(parameter.shape) > rank:
            continue
        (axis, *more) = (a - len(parameter.shape) for a, size in enumerate(parameter.shape) if size > 1)
        if not more:
            return (*(a for a in first.order if a != axis + rank), axis + rank)
    return first.order


_TRANSPARENT = {"QuantizeLinear", "DequantizeLinear"}


def wants_channel_last(value: oir.Value, depth: int = 8) -> bool:
    """True where the first operators that care about the order of ``value`` want it channel-last."""
    if depth == 0:
        return False
    for use in value.uses():
        operator = OPERATORS.get(use.node.op_type)
        if operator is not None and operator.layout is Layout.CHANNEL_LAST:
            return True
        if operator is not None and operator.layout is Layout.LEADING and use.idx > 0:
            if lies_channel_last(use.node.inputs[0], depth - 1):
                return True
        elif _keeps_order(use.node) and any(wants_channel_last(out, depth - 1) for out in use.node.outputs):
            return True
    return False


def lies_channel_last(value: oir.Value | None, depth: int = 8) -> bool:
    """True where an operator that works channel-last makes ``value``."""
    node = None if value is None else value.producer()
    if node is None or depth == 0:
        return False
    operator = OPERATORS.get(node.op_type)
    if operator is not None and operator.layout is Layout.CHANNEL_LAST:
        return True
    return _keeps_order(node) and any(lies_channel_last(v, depth - 1) for v in node.inputs)


def _keeps_order(node: oir.Node) -> bool:
    operator = OPERATORS.get(node.op_type)
    layouts = Layout.SAME, Layout.LEADING
    return node.op_type in _TRANSPARENT or (operator is not None and operator.layout in layouts)
