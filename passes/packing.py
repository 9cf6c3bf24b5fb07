"""Two-dimensional packing, time × memory: the problem, and quick ways to pack it well.

Blocks have a fixed place in time and want an offset; blocks that are live together must not overlap in
memory. This is dynamic storage allocation (NP-hard: Garey and Johnson, SR2) with one addition, the sharing of
memory where a computation runs in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Block:
    """Wants ``size`` units of memory at a multiple of ``multiple`` units."""

    size: int
    multiple: int = 1


@dataclass(frozen=True)
class Share:
    """In ``column`` the guest needs no memory if it lies ``delta`` units after the host's offset.

    It is the guest's first column and the host's last, and both have no gaps: they meet in no other.
    ``delta`` is a multiple of every block's ``multiple``.
    """

    guest: int
    host: int
    column: int
    delta: int = 0


@dataclass(frozen=True, eq=False)
class Packing:
    """``live`` [blocks, columns] says which blocks need memory at which moment, sharing left aside."""

    blocks: tuple[Block, ...]
    live: np.ndarray
    shares: tuple[Share, ...] = ()

    @cached_property
    def sizes(self) -> np.ndarray:
        """Units of each block."""
        return np.array([block.size for block in self.blocks], np.int64)

    @cached_property
    def firm(self) -> np.ndarray:
        """``live`` without what sharing may save."""
        firm = self.live.copy()
        for share in self.shares:
            firm[share.guest, share.column] = False
        return firm

    @property
    def lower_bound(self) -> int:
        """The most units that any column needs when all sharing succeeds."""
        return int((self.sizes @ self.firm).max(initial=0))

    def reduced(self) -> Packing:
        """The same problem without columns that say nothing new: repeated, or part of another.

        Columns of shares stay: none other holds both host and guest.
        """
        _, keep = np.unique(self.live, axis=1, return_index=True)
        keep.sort()
        common = self.live[:, keep].T.astype(np.float32) @ self.firm[:, keep].astype(np.float32)
        inside = common == self.live[:, keep].sum(axis=0)[:, None]
        np.fill_diagonal(inside, False)
        keep = keep[~inside.any(axis=1)]
        moved = tuple(
            Share(share.guest, share.host, int(np.searchsorted(keep, share.column)), share.delta)
            for share in self.shares
        )
        return Packing(self.blocks, self.live[:, keep], moved)


@dataclass(frozen=True)
class Packed:
    """An offset in units per block, and the least memory that holds them all."""

    offsets: tuple[int, ...]
    peak: int


def pack_greedily(packing: Packing) -> Packed:
    """The best of several greedy packings; each places block after block as low as it can.

    Orders after Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020
    (by size, by breadth), and by the area and the length of the rectangle, and by time.
    """
    best: Packed | None = None
    bound = packing.lower_bound
    for taken, order in product(_ways_to_share(packing), _orders(packing)):
        packed = _pack(packing, order, taken)
        if best is None or packed.peak < best.peak:
            best = packed
        if best.peak == bound:
            break
    assert best is not None  # there is always at least one order
    return best


def _orders(packing: Packing) -> Iterator[list[int]]:
    """Block indices in the order in which to place them; ties fall to the earlier block."""
    sizes, live = packing.sizes, packing.live
    length = live.sum(axis=1)
    start = np.where(length > 0, live.argmax(axis=1), live.shape[1])
    pressure = sizes @ live
    breadth = np.where(live, pressure, 0).max(axis=1, initial=0)
    keys: Sequence[tuple[np.ndarray, ...]] = (
        (-sizes, start),
        (-breadth, -sizes, start),
        (-sizes * length, start),
        (-length, -sizes, start),
        (start, -sizes),
    )
    for key in keys:
        yield np.lexsort(key[::-1]).tolist()


def _ways_to_share(packing: Packing) -> Iterator[tuple[Share, ...]]:
    """All that can be shared (guests with several hosts take the first, or the last), and nothing."""
    first = {share.guest: share for share in reversed(packing.shares)}
    last = {share.guest: share for share in packing.shares}
    yield tuple(first.values())
    if last != first:
        yield tuple(last.values())
    if first:
        yield ()


def _pack(packing: Packing, order: Iterable[int], taken: tuple[Share, ...]) -> Packed:
    """Place blocks in ``order``; those that share move together, when the first of them has its turn."""
    live = packing.live.copy()
    for share in taken:
        live[share.guest, share.column] = False
    conflicts = (live.astype(np.float32) @ live.T.astype(np.float32)) > 0
    groups = _groups(len(packing.blocks), taken)
    offsets = np.full(len(packing.blocks), -1, np.int64)
    for block in order:
        if offsets[block] < 0:
            members = groups[block]
            base = _lowest(packing, members, offsets, conflicts)
            for member, inside in members.items():
                offsets[member] = base + inside
    peak = int((offsets + packing.sizes).max(initial=0))
    return Packed(tuple(offsets.tolist()), peak)


def _groups(count: int, taken: tuple[Share, ...]) -> list[dict[int, int]]:
    """For each block: the blocks that move with it, itself included, and where each lies in the group.

    A guest has one host here and a host, which ends where it is shared, one guest: groups are chains.
    """
    groups: list[dict[int, int]] = [{block: 0} for block in range(count)]
    for share in taken:
        host, guest = groups[share.host], groups[share.guest]
        shift = host[share.host] + share.delta - guest[share.guest]
        joined = host | {member: inside + shift for member, inside in guest.items()}
        lowest = min(joined.values())
        joined = {member: inside - lowest for member, inside in joined.items()}
        for member in joined:
            groups[member] = joined
    return groups


def _lowest(packing: Packing, members: dict[int, int], offsets: np.ndarray, conflicts: np.ndarray) -> int:
    """The lowest base at which no member meets a placed block that it conflicts with."""
    multiple = max(packing.blocks[member].multiple for member in members)
    closed: list[tuple[int, int]] = []
    for member, inside in members.items():
        placed = np.flatnonzero(conflicts[member] & (offsets >= 0))
        low = offsets[placed] - packing.blocks[member].size - inside
        high = offsets[placed] + packing.sizes[placed] - inside
        closed += zip(low.tolist(), high.tolist(), strict=True)
    base = 0
    for low, high in sorted(closed):
        if base <= low:
            break
        base = max(base, -(-high // multiple) * multiple)
    return base
