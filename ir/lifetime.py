"""When the bytes of a buffer are in use, line by line, taken from the task list.

A *line* is a run of a buffer's bytes that is always written and read as one: the whole buffer where tasks
take all of it, a row where they take rows. A line is in use from a write to the last read that wants what
this write left; what comes after, until the next write, is a gap in which its bytes are free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .accesses import Accesses, accesses, repeated
from .program import Program

MOST_LINES = 6000
"""A program that would have more gets longer ones: what works on pairs of lines needs bounded memory."""


@dataclass(frozen=True)
class Lifetime:
    """Half-open interval of tasks [first, end)."""

    first: int
    end: int


@dataclass(frozen=True, eq=False)
class Liveness:
    """The lines of all buffers that own memory and are used, and the intervals in which they are in use.

    Line i is bytes [begin[i], end[i]) of the owner ``names[owner[i]]``; lines ascend by owner and by byte,
    and those of an owner cover all of it. Interval j is about line ``line[j]`` and takes the moments (see
    Accesses) [first[j], last[j]); intervals ascend by line and by moment. Those of one line may touch, but
    not overlap.
    """

    names: tuple[str, ...]
    moments: int
    owner: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    line: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def in_use(self, sizes: np.ndarray) -> np.ndarray:
        """The sum of ``sizes`` (one per line) over the lines in use at each moment."""
        weights = sizes[self.line]
        begun = np.bincount(self.first, weights, self.moments + 1)
        ended = np.bincount(self.last, weights, self.moments + 1)
        return np.cumsum(begun - ended).astype(np.int64)[: self.moments]


def lifetimes(program: Program) -> dict[str, Lifetime]:
    """From the first to the last use of every buffer that owns memory and is used; views count for their
    owner.

    Inputs are in use from the start (the caller writes them before the first task), outputs until the end
    (the caller reads them after the last task).
    """
    table = accesses(program)
    owner = np.searchsorted(table.bases, table.begin, "right") - 1
    tasks = max(len(program.tasks), 1)
    used: dict[str, Lifetime] = {}
    for number, name in enumerate(table.names):
        moments = table.moment[owner == number]
        first, last = (moments.min(), moments.max()) if len(moments) else (0, 0)
        begin = min(max(int(first) - 1, 0), tasks - 1)
        used[name] = Lifetime(begin, max(min(int(last), tasks), begin + 1))
    return used


def liveness(table: Accesses, most_lines: int = MOST_LINES) -> Liveness:
    """The lines of a program and their intervals."""
    cuts = _cuts(table, most_lines)
    begin, end = cuts[:-1], cuts[1:]
    low = np.searchsorted(cuts, table.begin, "right") - 1
    run, position = repeated(np.searchsorted(cuts, table.end, "left") - low)
    line, moment, writes = low[run] + position, table.moment[run], table.writes[run]
    # within a task reads come first: what it writes is for others
    order = np.argsort((line * table.moments + moment) * 2 + writes, kind="stable")
    run, line, moment, writes = run[order], line[order], moment[order], writes[order]
    touched = np.maximum(table.begin[run], begin[line]), np.minimum(table.end[run], end[line])
    source = _sources(line, writes, table.condition[run], *touched)
    line, first, last = _merged(line, moment[source], moment + 1, table.moments)
    owner = np.searchsorted(table.bases, begin, "right") - 1
    base = table.bases[owner]
    return Liveness(table.names, table.moments, owner, begin - base, end - base, line, first, last)


def _cuts(table: Accesses, most_lines: int) -> np.ndarray:
    """Where lines begin, and the end of the last."""
    cuts = np.unique(np.concatenate([table.bases, table.row_begin, table.row_end]))
    while len(cuts) > max(most_lines, len(table.names)) + 1:
        inside = np.flatnonzero(~np.isin(cuts, table.bases))
        cuts = np.delete(cuts, inside[::2])
    return cuts


def _sources(
    line: np.ndarray, writes: np.ndarray, condition: np.ndarray, begin: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """For each access the one from which on its line keeps what it wants; for a write itself.

    For a read it is the latest write of all bytes that it reads, or the line's first where none is of all. A
    write that depends on a condition counts as one of all only for reads that depend on the same.
    The arrays have an element per access, in the order of lines and moments; [begin, end) are the bytes
    touched.
    """
    number = np.arange(len(line))
    latest = np.maximum.accumulate(np.where(writes, number, -1))
    before = np.concatenate([[-1], latest[:-1]]) if len(line) else latest
    source = number.copy()
    reads = np.flatnonzero(~writes)
    write = before[reads]
    while len(reads):
        found = (write >= 0) & (line[write] == line[reads])
        reads, write = reads[found], write[found]
        source[reads] = write
        part = (begin[write] > begin[reads]) | (end[write] < end[reads])
        part |= (condition[write] != 0) & (condition[write] != condition[reads])
        reads, write = reads[part], before[write[part]]
    return source


def _merged(
    line: np.ndarray, first: np.ndarray, last: np.ndarray, moments: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same intervals with those of a line that overlap made one."""
    if not len(line):
        return line, first, last
    span = moments + 1
    order = np.argsort(line * span + first, kind="stable")
    begin = (line * span + first)[order]
    reach = np.maximum.accumulate((line * span + last)[order])
    starts = np.concatenate([[True], begin[1:] >= reach[:-1]])
    ends = np.concatenate([starts[1:], [True]])
    return begin[starts] // span, begin[starts] % span, (reach[ends] - begin[starts] // span * span)
