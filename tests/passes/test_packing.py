"""Packing: greedy and exact answers against exhaustive search."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.passes.packing import Block, Packed, Packing, merged, pack_greedily, pack_in_order
from tinyc.passes.packing_exact import _heaviest_set_apart, pack_exactly

SECONDS = 2.0

Ranges = dict[tuple[int, int], list[tuple[int, int]]]
"""Forbidden distances by pair of blocks."""


def packing(sizes: list[int], ranges: Ranges, bound: int = 0, multiples: list[int] | None = None) -> Packing:
    """Blocks of these sizes; the distances of each pair may overlap and come in any order."""
    rows = [(*pair, *span) for pair, spans in ranges.items() for span in spans]
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    wanted = zip(sizes, multiples or [1] * len(sizes), strict=True)
    blocks = tuple(Block(size, multiple) for size, multiple in wanted)
    return Packing(blocks, *merged(*columns), bound)


def together(sizes: list[int], columns: list[list[int]]) -> Packing:
    """Blocks that are in use as a whole in each of ``columns``, which list them."""
    pairs = {pair for column in columns for pair in combinations(sorted(column), 2)}
    bound = max(sum(sizes[block] for block in column) for column in columns)
    return packing(sizes, {(a, b): [(1 - sizes[b], sizes[a] - 1)] for a, b in sorted(pairs)}, bound)


def fits(problem: Packing, offsets: tuple[int, ...]) -> bool:
    """True where no distance is forbidden and every block lies at its multiple."""
    columns = zip(problem.one, problem.other, problem.low, problem.high, strict=True)
    apart = all(not low <= offsets[other] - offsets[one] <= high for one, other, low, high in columns)
    return apart and all(o % b.multiple == 0 for o, b in zip(offsets, problem.blocks, strict=True))


def least(problem: Packing) -> int:
    """The smallest peak, by trying everything."""
    peak = max((block.size for block in problem.blocks), default=0)
    while True:
        places = [range(0, peak - block.size + 1, block.multiple) for block in problem.blocks]
        if any(fits(problem, offsets) for offsets in product(*places)):
            return peak
        peak += 1


def check(problem: Packing, packed: Packed) -> None:
    assert fits(problem, packed.offsets)
    assert all(offset >= 0 for offset in packed.offsets)
    ends = (offset + block.size for offset, block in zip(packed.offsets, problem.blocks, strict=True))
    assert packed.peak == max(ends, default=0)


@st.composite
def problems(draw: st.DrawFn) -> Packing:
    """Up to four blocks of up to four units, some at multiples of two; any distances forbidden at which they
    overlap."""
    count = draw(st.integers(1, 4))
    sizes = [draw(st.integers(1, 4)) for _ in range(count)]
    ranges: Ranges = {}
    for one, other in combinations(range(count), 2):
        lowest, highest = 1 - sizes[other], sizes[one] - 1
        ends = st.integers(lowest, highest)
        spans = draw(st.lists(st.tuples(ends, ends), max_size=3))
        ranges[one, other] = [(min(span), max(span)) for span in spans]
        if draw(st.booleans()):
            ranges[one, other] = [(lowest, highest)]
    multiples = [draw(st.sampled_from([1, 1, 2])) for _ in range(count)]
    return packing(sizes, ranges, max(sizes), multiples)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problems())
def test_exact_is_as_good_as_trying_everything(problem: Packing) -> None:
    optimum = least(problem)
    greedy = pack_greedily(problem)
    check(problem, greedy)
    best, bound = pack_exactly(problem, greedy, SECONDS)
    check(problem, best)
    assert problem.lower_bound <= bound == best.peak == optimum <= greedy.peak


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problems(), st.data())
def test_greedy_keeps_apart_what_it_must_in_any_order(problem: Packing, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(problem.blocks))))
    check(problem, pack_in_order(problem, order, data.draw(st.booleans())))


def test_forbidden_distances_are_merged_pair_by_pair() -> None:
    ranges: Ranges = {
        (0, 2): [(1, 2), (-5, -3)],
        (0, 1): [(2, 2), (3, 4), (7, 6), (0, 1)],
        (1, 2): [(-9, 9), (0, 1)],
    }
    problem = packing([1, 1, 1], ranges)
    rows = zip(problem.one, problem.other, problem.low, problem.high, strict=True)
    assert [tuple(map(int, row)) for row in rows] == [
        (0, 1, 0, 4), (0, 2, -5, -3), (0, 2, 1, 2), (1, 2, -9, 9),
    ]  # fmt: skip


def test_the_solver_raises_the_bound_that_counting_gives() -> None:
    """Five blocks, each live with the next: no column has more than two, and two units do not do."""
    problem = together([1] * 5, [[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]])
    best, bound = pack_exactly(problem, pack_greedily(problem), SECONDS)
    assert (problem.lower_bound, bound, best.peak) == (2, 3, 3)


def test_blocks_that_share_nothing_raise_the_bound_without_a_search() -> None:
    """Four blocks in a ring of pairs, and a fifth apart from two of them."""
    problem = together([4, 3, 2, 9, 1], [[0, 1], [1, 2], [2, 3], [0, 3], [0, 1, 4]])
    assert _heaviest_set_apart(problem, SECONDS) == 13
    in_part = packing([4, 6, 2], {(0, 1): [(-5, 3)], (0, 2): [(-1, 3)], (1, 2): [(-1, 4)]})
    assert _heaviest_set_apart(in_part, SECONDS) == 10


def test_memory_grows_below_the_first_block() -> None:
    """Block 1 must lie below block 0, and is placed after it: 0 moves up."""
    problem = packing([8, 8], {(0, 1): [(-1, 100)]})
    assert pack_in_order(problem, [0, 1]) == Packed((2, 0), 10)


def test_a_hole_is_found_from_either_end() -> None:
    """Blocks 0 and 1 fill eight units; 2 may lie on the last two units of 0, or beyond both."""
    problem = packing([4, 4, 2], {(0, 1): [(-3, 3)], (0, 2): [(-1, 1), (3, 3)], (1, 2): [(-1, 3)]})
    for high in (False, True):
        packed = pack_in_order(problem, [0, 1, 2], high)
        check(problem, packed)
        assert packed.peak == 8


HARD_SEED = 0


def hard() -> Packing:
    """Sixty rectangles that no greedy order packs within its lower bound."""
    rng = np.random.default_rng(HARD_SEED)
    columns: list[list[int]] = [[] for _ in range(60)]
    for block in range(60):
        begin = rng.integers(60)
        for column in range(begin, min(begin + 1 + int(rng.exponential(8)), 60)):
            columns[column].append(block)
    return together([int(size) for size in rng.integers(1, 100, 60)], columns)


def test_exact_beats_greedy_where_greedy_leaves_gaps() -> None:
    problem = hard()
    greedy = pack_greedily(problem)
    best, bound = pack_exactly(problem, greedy, SECONDS)
    check(problem, best)
    assert best.peak == bound == problem.lower_bound < greedy.peak


@pytest.mark.parametrize("seconds", [0.01, SECONDS])
def test_the_search_ends_by_work_done_and_so_repeats_itself(seconds: float) -> None:
    problem = hard()
    greedy = pack_greedily(problem)
    first, second = (pack_exactly(problem, greedy, seconds) for _ in range(2))
    assert first == second
    check(problem, first[0])
    assert first[0].peak <= greedy.peak
