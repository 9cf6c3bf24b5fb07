"""Which lines are in use together, and what that forbids two buffers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ..ir.lifetime import Liveness
from .in_place import Guests

Distances = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Owners (one < other), and the lowest and highest forbidden distance from one's offset to other's. They are
in no order, and may overlap or be empty."""


def forbidden_distances(live: Liveness, pairs: Guests, meet: np.ndarray, unit: int) -> Distances:
    """In multiples of ``unit`` bytes. Lines that may share bytes leave a hole of one distance, unless another
    pair of lines of the same buffers covers it."""
    parts = (_apart(live, meet), _apart_but_one(live, pairs, meet))
    one, other, low, high = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return one, other, low // unit + 1, -(-high // unit) - 1


def meetings(live: Liveness, pairs: Guests) -> np.ndarray:
    """[lines, lines]: true where two are in use at one moment, save where a guest takes over from its
    host."""
    hosts: dict[tuple[int, int], list[int]] = defaultdict(list)
    columns = (column.tolist() for column in (pairs.moment, pairs.guest, pairs.host))
    for moment, guest, host in zip(*columns, strict=True):
        hosts[moment, guest].append(host)
    meet = np.zeros((len(live.owner), len(live.owner)), bool)
    now = np.zeros(len(live.owner), bool)
    for moment, ended, begun in _events(live):
        now[ended] = False
        now[begun] = True
        for line in begun.tolist():
            spared = hosts.get((moment, line))
            before = meet[line, spared] if spared else None
            meet[line] |= now
            if spared:
                meet[line, spared] = before
    return meet | meet.T


def _events(live: Liveness) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Moments at which lines begin to be in use, the lines that ceased to be since the moment before, and
    these."""
    by_first, by_last = np.argsort(live.first, kind="stable"), np.argsort(live.last, kind="stable")
    moments = np.unique(live.first)
    begun = np.searchsorted(live.first[by_first], moments, "right").tolist()
    ended = np.searchsorted(live.last[by_last], moments, "right").tolist()
    begins = ends = 0
    for moment, begun_by, ended_by in zip(moments.tolist(), begun, ended, strict=True):
        yield moment, live.line[by_last[ends:ended_by]], live.line[by_first[begins:begun_by]]
        begins, ends = begun_by, ended_by


def _apart(live: Liveness, meet: np.ndarray) -> Distances:
    """What ``meet`` forbids. Neighbouring lines that meet the same line forbid one interval together."""
    later = meet.copy()
    later[live.owner[:, None] >= live.owner[None, :]] = False
    new_owner = np.diff(live.owner, prepend=-1) != 0
    begins = later.copy()
    begins[:, 1:] &= ~later[:, :-1] | new_owner[1:]
    ends = later
    ends[:, :-1] &= ~later[:, 1:] | new_owner[1:]
    line, from_line = np.nonzero(begins)
    _, to_line = np.nonzero(ends)
    low, high = live.begin[line] - live.end[to_line], live.end[line] - live.begin[from_line]
    return live.owner[line], live.owner[from_line], low, high


def _apart_but_one(live: Liveness, pairs: Guests, meet: np.ndarray) -> Distances:
    """What guests and hosts forbid that do not meet otherwise: all overlap but that at their distance.

    If several tasks let two lines share bytes at unlike distances, there is none at which all of them work.
    """
    free = ~meet[pairs.guest, pairs.host]
    guest, host, delta = pairs.guest[free], pairs.host[free], pairs.delta[free]
    turned = live.owner[host] > live.owner[guest]
    one, other = np.where(turned, guest, host), np.where(turned, host, guest)
    delta = np.where(turned, -delta, delta)
    low, high = live.begin[one] - live.end[other], live.end[one] - live.begin[other]
    below, above = np.minimum(delta, high), np.maximum(delta, low)
    one, other = (np.tile(live.owner[lines], 2) for lines in (one, other))
    return one, other, np.concatenate([low, above]), np.concatenate([below, high])
