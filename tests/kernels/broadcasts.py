"""Shapes of two operands in every way that they can broadcast against each other."""

from __future__ import annotations

Shape = tuple[int, ...]

RUN_TIME: dict[str, tuple[Shape, Shape]] = {
    "same shape": ((1, 3, 4, 5), (1, 3, 4, 5)),
    "same shape, rank 2": ((3, 7), (3, 7)),
    "same shape, 1-D signal": ((1, 4, 9), (1, 4, 9)),
    "batch of 2": ((2, 3, 4, 5), (2, 3, 4, 5)),
    "one value per channel": ((1, 3, 4, 5), (1, 3, 1, 1)),
    "one value per channel, on the left": ((1, 3, 1, 1), (1, 3, 4, 5)),
    "one value per pixel": ((1, 3, 4, 5), (1, 1, 4, 5)),
    "one value per row": ((1, 3, 4, 5), (1, 1, 4, 1)),
    "both grow": ((1, 3, 1, 5), (1, 1, 4, 1)),
    "lower rank": ((1, 3, 4, 5), (4, 5)),
    "lower rank, last axis": ((2, 3, 5), (5,)),
    "scalar": ((1, 3, 4, 5), ()),
    "one element": ((3, 4), (1, 1)),
    "batch grows": ((2, 3, 5), (1, 3, 5)),
    "rank 5": ((2, 1, 3, 1, 5), (1, 4, 3, 2, 1)),
}
"""Both operands are computed at run time."""

CONSTANT: dict[str, tuple[Shape, Shape]] = {
    "per channel": ((1, 3, 4, 5), (3, 1, 1)),
    "per channel of a signal": ((1, 4, 9), (1, 4, 1)),
    "last axis": ((2, 3, 5), (5,)),
    "per row": ((1, 3, 4, 5), (4, 1)),
    "per pixel": ((1, 3, 4, 5), (1, 1, 4, 5)),
    "per sample": ((2, 3, 4), (2, 1, 1)),
    "full": ((1, 3, 4, 5), (1, 3, 4, 5)),
    "constant grows it": ((1, 3, 1, 1), (1, 3, 4, 5)),
    "constant of higher rank": ((4, 5), (1, 3, 4, 5)),
}
"""The second operand is a constant."""
