"""Packing: blocks of memory want offsets, and some pairs of offsets must not be; quick ways to pack well.

A block is rigid, and made of lines that are in use at times of their own. What that means for two blocks is a
set of forbidden distances between their offsets: one interval where both are in use as a whole, many where
only some of their lines meet. With one interval per pair this is dynamic storage allocation (NP-hard: Garey
and Johnson, SR2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Block:
    """Wants ``size`` units of memory at a multiple of ``multiple`` units; the rest says in what order to
    place it.

    It is in use between the columns ``first`` and ``last``; ``area`` is what its lines take in space times
    time, ``breadth`` the most that is in use at once meanwhile.
    """

    size: int
    multiple: int = 1
    first: int = 0
    last: int = 0
    area: int = 0
    breadth: int = 0


@dataclass(frozen=True, eq=False)
class Packing:
    """Element i of ``one``, ``other``, ``low`` and ``high``: the distance from block one[i] to block other[i]
    (the offset of other minus that of one) must not lie in [low[i], high[i]].

    ``one < other``; elements ascend by pair and by distance, those of a pair are apart from each other.
    """

    blocks: tuple[Block, ...]
    one: np.ndarray
    other: np.ndarray
    low: np.ndarray
    high: np.ndarray
    lower_bound: int = 0
    """Units that no packing can do without."""

    @cached_property
    def sizes(self) -> np.ndarray:
        """Units of each block."""
        return np.array([block.size for block in self.blocks], np.int64)

    @cached_property
    def apart(self) -> np.ndarray:
        """[blocks, blocks]: true where two can share no memory at all."""
        sizes, one, other = self.sizes, self.one, self.other
        whole = (self.low <= 1 - sizes[other]) & (self.high >= sizes[one] - 1)
        apart = np.zeros((len(sizes), len(sizes)), bool)
        apart[one[whole], other[whole]] = True
        return apart | apart.T

    @cached_property
    def neighbours(self) -> Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each block its forbidden distances from others: (the others, low, high)."""
        center = np.concatenate([self.other, self.one])
        others = np.concatenate([self.one, self.other])
        low, high = np.concatenate([self.low, -self.high]), np.concatenate([self.high, -self.low])
        order = np.argsort(center, kind="stable")
        ends = np.searchsorted(center[order], np.arange(len(self.blocks) + 1))
        parts = [order[begin:end] for begin, end in pairwise(ends)]
        return [(others[part], low[part], high[part]) for part in parts]


@dataclass(frozen=True)
class Packed:
    """An offset in units per block, and the least memory that holds them all."""

    offsets: tuple[int, ...]
    peak: int


def merged(
    one: np.ndarray, other: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same forbidden distances in the order and form that Packing wants; empty ranges go."""
    keep = low <= high
    one, other, low, high = one[keep], other[keep], low[keep], high[keep]
    if not len(one):
        return one, other, low, high
    order = np.lexsort((low, other, one))
    one, other, low, high = one[order], other[order], low[order], high[order]
    new = np.concatenate([[True], (one[1:] != one[:-1]) | (other[1:] != other[:-1])])
    pair = np.cumsum(new) - 1
    base = low.min()
    span = int(high.max() - base) + 3
    reach = np.maximum.accumulate(pair * span + high - base)
    begins = np.concatenate([[True], (pair * span + low - base)[1:] > reach[:-1] + 1])
    ends = np.concatenate([begins[1:], [True]])
    return one[begins], other[begins], low[begins], (reach - pair * span + base)[ends]


def pack_greedily(packing: Packing) -> Packed:
    """The best of several greedy packings; each places block after block where it fits.

    Orders after Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020 (by
    size, by breadth), and by area, by length, and by time in both directions.
    """
    best: Packed | None = None
    for order in _orders(packing):
        for high in (False, True):
            packed = pack_in_order(packing, order, high)
            if best is None or packed.peak < best.peak:
                best = packed
            if best.peak == packing.lower_bound:
                return best
    assert best is not None  # there is always at least one order
    return best


def _orders(packing: Packing) -> Iterator[list[int]]:
    """Block indices in the order in which to place them; ties fall to the earlier block."""
    facts = [(b.size, b.breadth, b.area, b.last - b.first, b.first, b.last) for b in packing.blocks]
    size, breadth, area, length, first, last = np.array(facts, np.int64).reshape(-1, 6).T
    keys: Sequence[tuple[np.ndarray, ...]] = (
        (-size, first),
        (-breadth, -size, first),
        (-area, first),
        (-length, -size, first),
        (first, -size),
        (-last, -size),
    )
    for key in keys:
        yield np.lexsort(key[::-1]).tolist()


def pack_in_order(packing: Packing, order: Sequence[int], high: bool = False) -> Packed:
    """Each block where it makes the memory in use grow least, at its lower or its ``high`` end.

    Memory grows downwards too: offsets count from wherever the lowest block ends up.
    """
    offsets = np.zeros(len(packing.blocks), np.int64)
    placed = np.zeros(len(packing.blocks), bool)
    bottom = top = 0
    for block in order:
        size, multiple = packing.blocks[block].size, packing.blocks[block].multiple
        wanted = max(top - size, bottom) // multiple * multiple if high else -(-bottom // multiple) * multiple
        starts, ends = _gaps(packing, block, offsets, placed)
        at = np.clip(wanted, starts, ends)
        growth = np.maximum(bottom - at, 0) + np.maximum(at + size - top, 0)
        best = np.lexsort((np.abs(at - wanted), growth))[0]
        offsets[block], placed[block] = at[best], True
        bottom, top = min(bottom, int(at[best])), max(top, int(at[best]) + size)
    multiple = max((block.multiple for block in packing.blocks), default=1)
    offsets -= bottom // multiple * multiple
    return Packed(tuple(offsets.tolist()), int((offsets + packing.sizes).max(initial=0)))


_FAR = 1 << 60


def _gaps(
    packing: Packing, block: int, offsets: np.ndarray, placed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The intervals (first and last offset) where a block meets no placed one that it must not meet."""
    multiple = packing.blocks[block].multiple
    others, low, high = packing.neighbours[block]
    there = placed[others]
    low, high = low[there] + offsets[others[there]], high[there] + offsets[others[there]]
    order = np.argsort(low, kind="stable")
    low, reach = low[order], np.maximum.accumulate(high[order])
    starts = -(-np.concatenate([[-_FAR], reach + 1]) // multiple) * multiple
    ends = np.concatenate([low - 1, [_FAR]]) // multiple * multiple
    return starts[starts <= ends], ends[starts <= ends]
