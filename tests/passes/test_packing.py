"""Packing: greedy and exact answers against exhaustive search."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.passes.packing import Block, Packed, Packing, Share, _pack, _ways_to_share, pack_greedily
from tinyc.passes.packing_exact import pack_exactly

SECONDS = 2.0


def packing(columns: list[list[int]], sizes: list[int], shares: tuple[Share, ...] = ()) -> Packing:
    """``columns`` lists the blocks that are live in each."""
    live = np.zeros((len(sizes), len(columns)), bool)
    for column, blocks in enumerate(columns):
        live[blocks, column] = True
    return Packing(tuple(Block(size) for size in sizes), live, shares)


def fits(problem: Packing, offsets: tuple[int, ...]) -> bool:
    """True where blocks that are live together lie apart, save guests that lie where their share says."""
    ends = [offset + block.size for offset, block in zip(offsets, problem.blocks, strict=True)]
    for column in range(problem.live.shape[1]):
        live = [index for index in range(len(offsets)) if problem.live[index, column]]
        for share in problem.shares:
            in_place = offsets[share.guest] == offsets[share.host] + share.delta
            if share.column == column and share.guest in live and in_place:
                live.remove(share.guest)
        for one, other in combinations(live, 2):
            if offsets[one] < ends[other] and offsets[other] < ends[one]:
                return False
    return all(offset % block.multiple == 0 for offset, block in zip(offsets, problem.blocks, strict=True))


def least(problem: Packing) -> int:
    """The smallest peak, by trying everything."""
    peak = problem.lower_bound
    while True:
        places = [range(0, peak - block.size + 1, block.multiple) for block in problem.blocks]
        if any(fits(problem, offsets) for offsets in product(*places)):
            return peak
        peak += 1


def check(problem: Packing, packed: Packed) -> None:
    assert fits(problem, packed.offsets)
    ends = (offset + block.size for offset, block in zip(packed.offsets, problem.blocks, strict=True))
    assert packed.peak == max(ends, default=0)


@st.composite
def problems(draw: st.DrawFn) -> Packing:
    """Up to five blocks of up to three units in up to five columns; some guests, some multiples of two.

    Lifetimes have no gaps, and a host ends where its guest begins, as in a program. A guest may lie inside
    its host, or beyond it on either side (it is longer where it has parts that are written later).
    """
    count, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    live = np.zeros((count, columns), bool)
    spans: list[tuple[int, int]] = []
    for block in range(count):
        begin = draw(st.integers(0, columns - 1))
        spans.append((begin, draw(st.integers(begin + 1, columns))))
        live[block, slice(*spans[-1])] = True
    blocks = tuple(Block(draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2]))) for _ in range(count))
    shares: list[Share] = []
    for guest, host in product(range(count), repeat=2):
        begin, _ = spans[guest]
        born_before = spans[host][0] < begin and spans[host][1] == begin + 1
        busy = any(share.column == begin or share.host == host for share in shares)
        if born_before and not busy and draw(st.booleans()):
            shares.append(Share(guest, host, begin, draw(st.sampled_from([0, 0, -2, 2]))))
    return Packing(blocks, live, tuple(shares))


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
    for taken in _ways_to_share(problem):
        packed = _pack(problem, order, taken)
        check(problem, packed)
        for share in taken:
            assert packed.offsets[share.guest] == packed.offsets[share.host] + share.delta


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problems())
def test_a_reduced_problem_has_the_same_answers(problem: Packing) -> None:
    reduced = problem.reduced()
    assert reduced.live.shape[1] <= problem.live.shape[1]
    assert reduced.lower_bound == problem.lower_bound
    assert least(reduced) == least(problem)
    for offsets in product(range(4), repeat=len(problem.blocks)):
        assert fits(reduced, offsets) == fits(problem, offsets)


def test_repeated_columns_and_parts_of_others_go() -> None:
    problem = packing([[0], [0, 1], [1], [1, 2], [0, 1], [2]], [1, 1, 1])
    assert problem.reduced().live.T.tolist() == [[True, True, False], [False, True, True]]


def test_the_solver_raises_the_bound_that_counting_gives() -> None:
    """Five blocks, each live with the next: no column has more than two, and two units do not do."""
    problem = packing([[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]], [1] * 5)
    best, bound = pack_exactly(problem, pack_greedily(problem), SECONDS)
    assert (problem.lower_bound, bound, best.peak) == (2, 3, 3)


def test_sharing_is_left_where_it_costs_memory() -> None:
    """Block 1 could lie on block 0; then 2 and 3 would both want the other place, at one time."""
    share = Share(guest=1, host=0, column=1)
    problem = packing([[0, 2], [0, 1], [1, 3], [2, 3]], [1] * 4, (share,))
    assert pack_greedily(problem).peak == 2
    start = Packed((0, 1, 2, 3), 4)
    best, bound = pack_exactly(problem, start, SECONDS)
    check(problem, best)
    assert best.peak == bound == 2


def test_a_guest_with_two_hosts_takes_the_one_that_leaves_room() -> None:
    """Block 2 could lie on 0 or on 1; 3 meets 0 and 2, so it wants the place of 1."""
    shares = (Share(guest=2, host=1, column=1), Share(guest=2, host=0, column=1))
    problem = packing([[0, 3], [0, 1, 2], [2, 3]], [2] * 4, shares)
    assert pack_greedily(problem).peak == 4
    best, bound = pack_exactly(problem, Packed((0, 2, 4, 6), 8), SECONDS)
    check(problem, best)
    assert best.peak == bound == 4


HARD_SEED = 0


def test_chains_of_sharing_blocks_fall_as_low_as_they_fit() -> None:
    """Block 1 begins two units into 0 and meets only block 2, which 0 never meets."""
    problem = packing([[0], [0, 1], [1, 2], [2]], [4, 2, 2], (Share(guest=1, host=0, column=1, delta=2),))
    for order in permutations(range(3)):
        assert _pack(problem, order, problem.shares).peak == 4


def test_a_chain_goes_above_what_only_its_guest_meets() -> None:
    """Blocks 3 and 2 lie at 0 and 2; block 1, two units into 0, meets 2."""
    share = Share(guest=1, host=0, column=1, delta=2)
    problem = packing([[0], [0, 1], [1, 2], [2, 3]], [4, 2, 2, 2], (share,))
    packed = _pack(problem, [3, 2, 0, 1], (share,))
    assert packed == Packed((2, 4, 2, 0), 6)


def test_a_guest_longer_than_its_host_leaves_the_rest_free_while_they_meet() -> None:
    """Block 2 lives while 1 begins on 0: only the two units of 0 are taken then."""
    problem = packing([[0], [0, 1, 2], [1]], [2, 4, 2], (Share(guest=1, host=0, column=1),))
    assert pack_greedily(problem).peak == 4


def hard() -> Packing:
    """Sixty rectangles that no greedy order packs within its lower bound."""
    rng = np.random.default_rng(HARD_SEED)
    live = np.zeros((60, 60), bool)
    for block in range(60):
        begin = rng.integers(60)
        live[block, begin : begin + 1 + int(rng.exponential(8))] = True
    return Packing(tuple(Block(int(size)) for size in rng.integers(1, 100, 60)), live)


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
