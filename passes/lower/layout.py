"""Orders of axes in memory. An order lists the model's axes, outermost first."""

from __future__ import annotations

from math import prod

import onnx_ir as oir

from ...kernels.node import Tensor
from ...kernels.registry import OPERATORS, Layout

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


_TRANSPARENT = {"QuantizeLinear", "DequantizeLinear"}


def wants_channel_last(value: oir.Value, depth: int = 8) -> bool:
    """True where the first operators that care about the order of ``value`` want it channel-last."""
    if depth == 0:
        return False
    for use in value.uses():
        operator = OPERATORS.get(use.node.op_type)
        if operator is not None and operator.layout is Layout.CHANNEL_LAST:
            return True
        transparent = use.node.op_type in _TRANSPARENT or (
            operator is not None and operator.layout is Layout.SAME
        )
        if transparent and any(wants_channel_last(out, depth - 1) for out in use.node.outputs):
            return True
    return False
