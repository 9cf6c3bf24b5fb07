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
    not overlap. Moments are left out at which a line is in use only in runs whose flags let no task run then:
    an interval is not ``born`` where such a gap comes before it, and not ``dead`` where one follows.
    """

    names: tuple[str, ...]
    moments: int
    owner: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    line: np.ndarray
    first: np.ndarray
    last: np.ndarray
    born: np.ndarray
    dead: np.ndarray

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
    condition = table.condition[run]
    source, read = _sources(line, writes, condition, table.excluded, *touched)
    whole = np.ones(len(read), np.int64)
    intervals = np.stack([line[read], moment[source], moment[read] + 1, whole, whole])
    if condition.any():
        intervals = _possible(table, intervals, (condition[source], condition[read]))
    merged = _merged(intervals, table.moments)
    owner = np.searchsorted(table.bases, begin, "right") - 1
    base = table.bases[owner]
    return Liveness(table.names, table.moments, owner, begin - base, end - base, *merged)


def _cuts(table: Accesses, most_lines: int) -> np.ndarray:
    """Where lines begin, and the end of the last."""
    cuts = np.unique(np.concatenate([table.bases, table.row_begin, table.row_end]))
    while len(cuts) > max(most_lines, len(table.names)) + 1:
        inside = np.flatnonzero(~np.isin(cuts, table.bases))
        cuts = np.delete(cuts, inside[::2])
    return cuts


def _sources(
    line: np.ndarray, writes: np.ndarray, condition: np.ndarray, excluded: np.ndarray, begin: np.ndarray,
    end: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Pairs of accesses, the number of a write and that of an access from which on, and to which, its line
    keeps what the latter wants; a write is one with itself.

    A read goes with the latest write of all bytes that it reads, or with the line's first where none is of
    all. A write that depends on a condition is one of all only for reads that depend on the same; others of
    them may find what it left, or what was there before. The arrays have an element per access, in the order
    of lines and moments; [begin, end) are the bytes touched.
    """
    number = np.arange(len(line))
    latest = np.maximum.accumulate(np.where(writes, number, -1))
    before = np.concatenate([[-1], latest[:-1]]) if len(line) else latest
    source = number.copy()
    reads = np.flatnonzero(~writes)
    write = before[reads]
    passed: list[tuple[np.ndarray, np.ndarray]] = []
    while len(reads):
        found = (write >= 0) & (line[write] == line[reads])
        reads, write = reads[found], write[found]
        when, wanted = condition[write], condition[reads]
        possible = (when == 0) | (excluded[when] != wanted) | (wanted == 0)
        source[reads[possible]] = write[possible]
        depends = possible & (when != 0)
        passed.append((write[depends], reads[depends]))
        part = (begin[write] > begin[reads]) | (end[write] < end[reads])
        part |= (when != 0) & (when != wanted)
        reads, write = reads[part], before[write[part]]
    pairs = [*passed, (source, number)]
    return np.concatenate([w for w, _ in pairs]), np.concatenate([r for _, r in pairs])


def _possible(
    table: Accesses, intervals: np.ndarray, conditions: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """``intervals`` (see ``_merged``) without the moments at which what they are for cannot come: those of
    tasks whose condition excludes the one of an interval's write or read (the numbers of both are
    ``conditions``). What runs there may take the bytes."""
    columns = np.concatenate([intervals, table.excluded[np.stack(conditions)]])
    for excluded in (-2, -1):
        columns = _without(columns, columns[excluded], *_spans(table))
    return columns[:-2]


def _spans(table: Accesses) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs of moments that depend on one condition: its number, by which they ascend, the first moment, and
    the first behind."""
    at = np.zeros(table.moments, np.int64)
    at[table.moment] = table.condition
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    ends = np.append(starts[1:], table.moments)
    order = np.argsort(at[starts], kind="stable")
    return at[starts][order], starts[order], ends[order]


def _without(
    columns: np.ndarray, excluded: np.ndarray, numbers: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """``columns`` of intervals (see ``_merged``) without the spans of the condition ``excluded`` of each."""
    low, high = (np.searchsorted(numbers, excluded, edge) for edge in ("left", "right"))
    high = np.where(excluded == 0, low, high)
    columns, pieces = columns.copy(), list[np.ndarray]()
    for number in range(int((high - low).max(initial=0))):
        span = np.minimum(low + number, len(starts) - 1)
        start, end = starts[span], ends[span]
        met = (low + number < high) & (start < columns[2]) & (end > columns[1])
        ahead = columns[:, met].copy()
        ahead[2], ahead[4] = start[met], 0
        pieces.append(ahead[:, ahead[1] < ahead[2]])
        columns[1, met], columns[3, met] = np.minimum(end, columns[2])[met], 0
    return np.concatenate([*pieces, columns[:, columns[1] < columns[2]]], axis=1)


def _merged(
    intervals: np.ndarray, moments: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same intervals with those of a line that overlap made one. Rows are the line, the first moment and
    the first behind it, and whether it is born and dead there: 0 or 1."""
    line, first, last, born, dead = intervals
    if not len(line):
        return line, first, last, born > 0, dead > 0
    span = moments + 1
    order = np.argsort(line * span + first, kind="stable")
    begin, end = (line * span + first)[order], (line * span + last)[order]
    reach = np.maximum.accumulate(end)
    starts = np.concatenate([[True], begin[1:] >= reach[:-1]])
    ends = np.concatenate([starts[1:], [True]])
    part = np.cumsum(starts) - 1
    firsts = np.flatnonzero(starts)
    born = np.logical_and.reduceat((born[order] > 0) | (begin > begin[starts][part]), firsts)
    dead = np.logical_and.reduceat((dead[order] > 0) | (end < reach[ends][part]), firsts)
    begin, reach = begin[starts], reach[ends]
    return begin // span, begin % span, reach - begin // span * span, born, dead
