"""Which bytes of each buffer hold something, and during which tasks: as few rectangles as a picture needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.accesses import accesses
from ..ir.lifetime import Liveness, liveness
from ..ir.program import Program

_COLUMNS = 400
"""Tasks that are told apart; of a program with more, consecutive ones are taken together."""
_RECTANGLES = 1500
"""All together, or one for each buffer; where there would be more, neighbouring rows are taken together."""


@dataclass(frozen=True)
class Held:
    """Bytes [begin, end) of a buffer are in use during the tasks ``first`` to ``last``, inclusive."""

    first: int
    last: int
    begin: int
    end: int


def held(program: Program) -> dict[str, list[Held]]:
    """By buffer that owns memory in the arena; rectangles of a buffer do not overlap. They cover all that is
    in use, and more only where a program has more tasks or rows than a picture can show."""
    live, tasks = liveness(accesses(program)), max(len(program.tasks), 1)
    every = -(-tasks // _COLUMNS)
    grids = {name: _Grid.of(live, owner, tasks, every) for owner, name in enumerate(live.names)}
    counts = {name: grid.rectangles for name, grid in grids.items()}
    while sum(counts.values()) > _RECTANGLES and max(counts.values()) > 1:
        finest = max(counts, key=lambda name: (counts[name], name))
        grids[finest] = grids[finest].coarser()
        counts[finest] = grids[finest].rectangles
    return {name: grid.held(tasks, every) for name, grid in grids.items()}


@dataclass(frozen=True, eq=False)
class _Grid:
    """``used``: bands × columns of ``every`` tasks, bool; band i is bytes [edges[i], edges[i + 1])."""

    used: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, live: Liveness, owner: int, tasks: int, every: int) -> _Grid:
        lines = np.flatnonzero(live.owner == owner)
        mine = np.flatnonzero(live.owner[live.line] == owner)
        steps = np.zeros((len(lines), -(-tasks // every) + 1), np.int64)
        # moments to tasks: what the caller does happens beside the first and the last
        first = np.clip(live.first[mine] - 1, 0, tasks - 1) // every
        last = np.clip(live.last[mine] - 2, 0, tasks - 1) // every
        np.add.at(steps, (live.line[mine] - lines[0], first), 1)
        np.add.at(steps, (live.line[mine] - lines[0], last + 1), -1)
        edges = np.append(live.begin[lines], live.end[lines[-1]])
        return cls(np.cumsum(steps, axis=1)[:, :-1] > 0, edges).merged()

    def merged(self) -> _Grid:
        """Neighbours that are in use alike as one band."""
        differ = np.any(self.used[1:] != self.used[:-1], axis=1)
        starts = np.concatenate([[0], np.flatnonzero(differ) + 1])
        return _Grid(self.used[starts], np.append(self.edges[starts], self.edges[-1]))

    def coarser(self) -> _Grid:
        """Every two bands as one; a single band as if it were in use all the time in between."""
        if len(self.used) == 1:
            columns = np.flatnonzero(self.used[0])
            used = np.zeros_like(self.used)
            used[0, columns[0] : columns[-1] + 1] = True
            return _Grid(used, self.edges)
        starts = np.arange(0, len(self.used), 2)
        used = np.logical_or.reduceat(self.used, starts, axis=0)
        return _Grid(used, np.append(self.edges[starts], self.edges[-1])).merged()

    @property
    def rectangles(self) -> int:
        return int((np.diff(self.used, axis=1, prepend=False) & self.used).sum())

    def held(self, tasks: int, every: int) -> list[Held]:
        found: list[Held] = []
        for band, used in enumerate(self.used):
            flips = np.flatnonzero(np.diff(used, prepend=False, append=False))
            begin, end = int(self.edges[band]), int(self.edges[band + 1])
            for start, stop in flips.reshape(-1, 2).tolist():
                found.append(Held(start * every, min(stop * every, tasks) - 1, begin, end))
        return found
