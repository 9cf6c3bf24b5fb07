"""Which Reshapes move no byte of a tensor whose axes lie in another order."""

from __future__ import annotations

from itertools import permutations
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyc.passes.lower.layout import reshaped


def _splits(count: int) -> list[tuple[int, ...]]:
    """Shapes of up to four axes with ``count`` elements."""
    shapes = {()} if count == 1 else set[tuple[int, ...]]()
    sizes = [n for n in range(1, count + 1) if count % n == 0]
    frontier = [(n,) for n in sizes]
    while frontier:
        shape = frontier.pop()
        if prod(shape) == count:
            shapes.add(shape)
        if len(shape) < 4:
            frontier += [(*shape, n) for n in sizes if count % (prod(shape) * n) == 0]
    return sorted(shapes)


SHAPES = {count: _splits(count) for count in (1, 4, 12, 18)}


@st.composite
def _cases(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    shapes = SHAPES[draw(st.sampled_from(sorted(SHAPES)))]
    shape = draw(st.sampled_from(shapes))
    return shape, tuple(draw(st.permutations(range(len(shape))))), draw(st.sampled_from(shapes))


@given(_cases())
def test_no_byte_moves(case: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]) -> None:
    """With the order that is found memory stays; where none is, no order would do."""
    shape, order, wanted = case
    elements = np.arange(prod(shape)).reshape(shape)
    memory = elements.transpose(order).reshape(-1)
    target, orders = elements.reshape(wanted), permutations(range(len(wanted)))
    found = reshaped(shape, order, wanted)
    fitting = [o for o in orders if (target.transpose(o).reshape(-1) == memory).all()]
    assert (found in fitting) if found is not None else not fitting


@pytest.mark.parametrize(
    ("shape", "order", "wanted", "found"),
    [
        ((1, 16, 1, 14), (0, 2, 3, 1), (1, 16, 14), (0, 2, 1)),  # a Squeeze behind a convolution
        ((12, 2, 8), (1, 0, 2), (1, 12, 2, 8), (0, 2, 1, 3)),  # heads of attention
        ((1, 4, 3, 5), (0, 2, 3, 1), (1, 60), None),  # a Flatten of an image
        ((1, 4, 3, 5), (0, 2, 3, 1), (1, 4, 15), (0, 2, 1)),
    ],
)  # fmt: skip
def test_examples(
    shape: tuple[int, ...], order: tuple[int, ...], wanted: tuple[int, ...], found: tuple[int, ...] | None
) -> None:
    assert reshaped(shape, order, wanted) == found
