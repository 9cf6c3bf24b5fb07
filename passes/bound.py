"""How little memory any placement can do with: lines that must all lie apart from each other.

The lines in use at one moment are such a set. Others that meet all of them at other times can only add to it:
the free slots of a ring, while the rest of it is in use, are no use to a line that meets them later.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..ir.lifetime import Liveness
from .in_place import Guests

_STARTS = 8
"""Busy moments from which the search for the largest set begins."""


def least_bytes(live: Liveness, pairs: Guests, meet: np.ndarray, unit: int) -> int:
    """Bytes of the largest set found. ``meet`` [lines, lines] says which lines must not share bytes; owners
    begin at multiples of ``unit`` bytes."""
    apart = meet | (live.owner[:, None] == live.owner[None, :])
    sizes = live.end - live.begin
    most = 0
    for start in _busy_moments(live, pairs, sizes):
        most = max(most, _extent(live, np.sort(_grown(start, apart, sizes)), unit))
    return most


def _extent(live: Liveness, lines: np.ndarray, unit: int) -> int:
    """Bytes that these lines take at least when they lie apart.

    Neighbours of one owner count as one piece. Pieces that begin at a whole unit take whole units, for no two
    of them share one; of others that much can be said after their first, broken unit only.
    """
    begins = np.flatnonzero((np.diff(lines, prepend=-2) != 1) | (np.diff(live.owner[lines], prepend=-1) != 0))
    if not len(begins):
        return 0
    ends = np.append(begins[1:], len(lines)) - 1
    begin, end = live.begin[lines[begins]], live.end[lines[ends]]
    whole = np.maximum(end - -(-begin // unit) * unit, 0)
    return max(int((end - begin).sum()), int((-(-whole // unit) * unit).sum()))


def _busy_moments(live: Liveness, pairs: Guests, sizes: np.ndarray) -> Iterator[np.ndarray]:
    """The lines in use at the busiest moment, and at others apart from it; lines that may then share the
    bytes of others are left out."""
    saved, moment = np.divmod(np.unique(pairs.guest * live.moments + pairs.moment), live.moments)
    used = live.in_use(sizes) - np.bincount(moment, sizes[saved], live.moments).astype(np.int64)
    near = live.moments // (4 * _STARTS)
    for _ in range(_STARTS):
        busiest = int(used.argmax())
        if used[busiest] < 0:
            return
        lines = live.line[(live.first <= busiest) & (busiest < live.last)]
        yield np.setdiff1d(lines, saved[moment == busiest])
        used[max(busiest - near, 0) : busiest + near + 1] = -1


def _grown(lines: np.ndarray, apart: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """``lines`` with more that must lie apart from all of them and from each other, that one first which
    leaves the most to add. ``apart`` is symmetric."""
    more = np.flatnonzero(apart[lines].all(axis=0))
    more = np.setdiff1d(more, lines)
    among, weights = apart[np.ix_(more, more)].astype(np.float32), sizes[more].astype(np.float32)
    left, worth = np.ones(len(more), bool), weights @ among
    added: list[int] = []
    while left.any():
        best = int(np.where(left, worth, -1).argmax())
        added.append(more[best])
        gone = left & (among[best] == 0)
        gone[best] = True
        left &= ~gone
        worth -= weights[gone] @ among[gone]
    return np.concatenate([lines, np.array(added, np.int64)])
