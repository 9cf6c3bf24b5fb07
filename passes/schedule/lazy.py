"""The schedule of least memory alone: what ``search`` finds last, in a fraction of its time.

Only the most that a path over the cuts between steps needs matters, so few segments have to be looked at
closely: all begin with a bound that costs nothing, the best path by these bounds is found, its segments are
estimated, and so on until that path holds no mere bound (lazy evaluation of edges, LazySP, AAAI 2016).
"""

from __future__ import annotations

import numpy as np

from ...ir.program import Program
from .estimate import Estimate, Estimator
from .reductions import forms_of
from .search import Candidate

_UNKNOWN = 1e15
"""Added to a path's bytes for each step whose segment was not estimated yet: few are to be."""


def least_memory(program: Program) -> Candidate:
    """The candidate of least memory of ``program``, which runs layer by layer, in whichever of its forms (see
    ``search.candidates``). Of several with the same most, it is one whose segments need little, which leaves
    placement room."""
    found = [_Lazy(form).least() for form in forms_of(program)]
    return min(found, key=lambda candidate: candidate.nbytes)


class _Lazy:
    """The segments of one program. ``_nbytes[begin, end]`` is the least memory of steps [begin, end) as one
    segment, or a lower bound of it."""

    def __init__(self, program: Program) -> None:
        self._program, self._estimator = program, Estimator(program)
        self._best: dict[tuple[int, int], Estimate] = {}
        self._nbytes = self._estimator.floors()
        begins, ends = np.indices(self._nbytes.shape)
        self._costs = _UNKNOWN * (ends - begins)

    def least(self) -> Candidate:
        """Estimates segments until those of the best path are all known."""
        while True:
            path = self._path(self._bottleneck())
            unknown = [edge for edge in path if edge not in self._best]
            if not unknown:
                edges = [self._best[edge] for edge in path]
                segments, cycles = tuple(edge.segment for edge in edges), sum(edge.cycles for edge in edges)
                return Candidate(self._program, segments, max((e.nbytes for e in edges), default=0), cycles)
            for begin, end in unknown:
                self._estimate(begin, end)

    def _bottleneck(self) -> float:
        """The least that a path through all steps needs at its worst segment, as far as is known."""
        most = np.zeros(self._nbytes.shape[1])
        for end in range(1, len(most)):
            most[end] = np.maximum(most[:end], self._nbytes[:end, end]).min()
        return float(most[-1])

    def _path(self, cap: float) -> list[tuple[int, int]]:
        """The way within ``cap`` bytes with the fewest steps in unknown segments, then the fewest bytes."""
        total = np.zeros(self._nbytes.shape[1])
        came_from = [0] * len(total)
        allowed = np.where(self._nbytes <= cap, self._costs, np.inf)
        for end in range(1, len(total)):
            ways = total[:end] + allowed[:end, end]
            came_from[end] = int(ways.argmin())
            total[end] = ways[came_from[end]]
        path: list[tuple[int, int]] = []
        end = len(total) - 1
        while end > 0:
            path.append((came_from[end], end))
            end = came_from[end]
        return path[::-1]

    def _estimate(self, begin: int, end: int) -> None:
        """Replaces a bound by what the segment needs. What keeps it from streaming keeps longer ones, and
        what its inner rows take they take too."""
        streams = list(self._estimator.streams(begin, end))
        whole = self._estimator.whole(begin) if end == begin + 1 else None
        longer = self._nbytes[: begin + 1, end:]
        np.maximum(longer, min((edge.inner for edge in streams), default=np.inf), out=longer)
        made = streams if whole is None else [*streams, whole]
        if made:
            best = min(made, key=lambda edge: (edge.nbytes, edge.cycles))
            self._best[begin, end] = best
            self._nbytes[begin, end] = self._costs[begin, end] = best.nbytes
        else:
            self._nbytes[begin, end] = np.inf
