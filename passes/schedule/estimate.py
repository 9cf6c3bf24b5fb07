"""Memory and cost of a segment in each of its modes, quickly: what the search compares.

Memory of one stream is the most that rows take at once, those of the tensors around it included, which die
row by row as others grow; found by simulating it. With more regions it is the most that inner rows take,
plus the tensors around.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...ir.kernel import Cost
from ...ir.program import Buffer, Program
from ...ir.window import Window
from .cost import cycles
from .reads import COLUMNS, ROWS, Reads
from .segment import Grid, Scope, Segment
from .stream import Row, cut, needed_windows, row_order

ACROSS = (2, 3, 4, 5, 6, 8, 9, 12, 16, 18, 24, 36)
DOWN = (1, 2, 4)


@dataclass(frozen=True)
class Estimate:
    """A segment, the bytes that are in use at its worst moment, those of them that its inner rows take, and
    its modelled cycles."""

    segment: Segment
    nbytes: int
    inner: int
    cycles: float


@dataclass(frozen=True)
class Around:
    """Whole tensors during a segment: bytes of those that stay; those that die in it; bytes that it makes."""

    staying: int
    dying: Mapping[str, int]
    leaving: int

    def whole(self) -> int:
        """Bytes of all."""
        return self.staying + sum(self.dying.values()) + self.leaving

    def in_bands(self, bands: int) -> int:
        """The most bytes at once where bands of rows die as others come."""
        dying = sum(self.dying.values())
        growing = (dying * (bands - band) + self.leaving * (band + 1) for band in range(bands))
        return self.staying + max(growing) // bands


class Estimator:
    """Estimates for one program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._reads = Reads(program)
        self._born = dict.fromkeys((program.owner(name)[0] for name in program.inputs), -1)
        self._dead: dict[str, int] = {}
        for index, step in enumerate(program.steps):
            for name in step.outputs:
                owner = program.owner(name)[0]
                self._born[owner] = max(self._born.get(owner, index), index if owner in program.inputs else 0)
            for name in step.inputs + step.outputs:
                self._dead[program.owner(name)[0]] = index
        for name in program.outputs:
            self._dead[program.owner(name)[0]] = len(program.steps)

    def whole(self, index: int) -> Estimate:
        """Step ``index`` as one task."""
        program, step = self._program, self._program.steps[index]
        around = self._around(index, index + 1)
        scratch = sum(program.buffers[name].nbytes for name in step.scratch)
        nbytes = around.whole() + scratch - self._shared(index)
        work = step.kernel.cost(program.buffers[step.outputs[0]].whole)
        return Estimate(Segment(index, index + 1), nbytes, 0, cycles(work, 1))

    def _shared(self, index: int) -> int:
        """Bytes of the output that lie in a dying input."""
        program, step = self._program, self._program.steps[index]
        size = program.buffers[step.outputs[0]].nbytes
        owners = [program.owner(step.inputs[operand])[0] for operand in step.kernel.in_place()]
        dying = any(self._dead[name] == index and size <= program.buffers[name].nbytes for name in owners)
        return size if dying else 0

    def streams(self, begin: int, end: int) -> Iterator[Estimate]:
        """Steps [begin, end) as streams over each grid worth trying; nothing where they cannot stream."""
        scope = Scope(self._reads, begin, end)
        if not scope.can_stream:
            return
        around = self._around(begin, end)
        profile = Profile(scope, tuple(around.dying))
        for grid in _grids(scope):
            inner = profile.inner_bytes(grid)
            if grid.regions == 1:
                nbytes = around.staying + profile.stream_bytes()
            else:
                nbytes = around.in_bands(grid.down) + inner
            yield Estimate(Segment(begin, end, grid), nbytes, inner, cycles(*profile.work(grid)))

    def _around(self, begin: int, end: int) -> Around:
        staying, leaving, dying = 0, 0, dict[str, int]()
        for name, born in self._born.items():
            dead = self._dead.get(name, born)
            size = self._program.buffers[name].nbytes
            if born < begin <= dead < end:
                dying[name] = size
            elif born < begin <= dead:
                staying += size
            elif begin <= born < end <= dead:
                leaving += size
        return Around(staying, dying, leaving)


def _grids(scope: Scope) -> Iterator[Grid]:
    """One stream; more regions only where nothing but the last tensor leaves the segment."""
    yield Grid()
    rows, columns, _ = scope.program.buffers[scope.driver].grid
    if len(scope.leaving) > 1 or scope.end - scope.begin < 2:
        return
    widths: set[int] = set()
    for across in ACROSS:
        width = -(-columns // across)
        if across <= columns and width not in widths:
            widths.add(width)
            yield from (Grid(down, across) for down in DOWN if down <= rows)


@dataclass(frozen=True)
class Extents:
    """Rows or columns of each tensor for each number of parts: of the largest part, and of all together."""

    largest: Mapping[str, Mapping[int, int]]
    total: Mapping[str, Mapping[int, int]]


@dataclass(frozen=True)
class Profile:
    """A segment's tensors over time, and over the regions of its grids."""

    scope: Scope
    dying: tuple[str, ...]
    """Tensors from outside that are read for the last time."""

    def inner_bytes(self, grid: Grid) -> int:
        """The most bytes that inner rows take at once."""
        widths = self._columns.largest
        sizes = [_pixel(self.scope.program.buffers[n]) * widths[n][grid.across] for n in self.scope.inside]
        return int((np.array(sizes, np.int64) @ self._kept[: len(sizes)]).max(initial=0))

    def stream_bytes(self) -> int:
        """The most bytes that inner rows, and those of the tensors that come and go, take in one stream."""
        buffers = [self.scope.program.buffers[n] for n in (*self.scope.inside, *self.scope.leaving, *self.dying)]
        sizes = [_pixel(buffer) * buffer.grid[1] for buffer in buffers]
        return int((np.array(sizes, np.int64) @ self._kept).max(initial=0))

    def work(self, grid: Grid) -> tuple[Cost, int]:
        """Work of all regions, and in how many tasks it is done."""
        macs = operations = tasks = 0
        for _, step in self.scope.steps:
            name = step.outputs[0]
            rows = self._rows.total[name][grid.down]
            pixels = rows * self._columns.total[name][grid.across]
            one = step.kernel.cost(Window(0, 1, 0, 1))
            macs, operations = macs + one.macs * pixels, operations + one.operations * pixels
            tasks += rows * grid.across
        return Cost(macs, operations), tasks

    @cached_property
    def _columns(self) -> Extents:
        return self._extents(COLUMNS, (1, *ACROSS))

    @cached_property
    def _rows(self) -> Extents:
        return self._extents(ROWS, DOWN)

    def _extents(self, axis: int, choices: Sequence[int]) -> Extents:
        """All numbers of parts at once, one vector element per part."""
        scope, buffers = self.scope, self.scope.program.buffers
        length = buffers[scope.driver].grid[axis]
        parts = [(choice, *part) for choice in choices for part in cut(length, choice)]
        owner, begin, end = np.array(parts, np.int64).T
        wanted = {name: (np.zeros_like(begin), np.full_like(end, buffers[name].grid[axis])) for name in scope.leaving}
        wanted[scope.driver] = begin, end
        for index, step in reversed(scope.steps):
            first, last = wanted[step.outputs[0]]
            for operand, name in enumerate(step.inputs):
                if name in scope.producers and name not in step.outputs:
                    reach = scope.reads.reach(index, operand, axis)
                    need = reach.begin[first], reach.end[last - 1]
                    mine = wanted.get(name, need)
                    wanted[name] = np.minimum(mine[0], need[0]), np.maximum(mine[1], need[1])
        starts = np.flatnonzero(np.diff(owner, prepend=0))
        made = owner[starts].tolist()
        sizes = {name: last - first for name, (first, last) in wanted.items()}
        return Extents(
            {n: dict(zip(made, np.maximum.reduceat(size, starts).tolist(), strict=True)) for n, size in sizes.items()},
            {n: dict(zip(made, np.add.reduceat(size, starts).tolist(), strict=True)) for n, size in sizes.items()},
        )

    @cached_property
    def _times(self) -> Mapping[int, np.ndarray]:
        """When each row of each step is computed, in one stream; -1 for rows that nobody needs."""
        scope = self.scope
        wanted = {name: scope.program.buffers[name].whole for name in scope.leaving}
        heights = {i: scope.program.buffers[step.outputs[0]].grid[0] for i, step in scope.steps}
        times = {index: np.full(height, -1, np.int64) for index, height in heights.items()}
        for time, row in enumerate(row_order(scope, needed_windows(scope, wanted), upward=False)):
            times[row.step][row.y] = time
        return times

    @cached_property
    def _kept(self) -> np.ndarray:
        """[tensors, tasks] rows kept during each task of one stream: inner tensors, those that leave, those
        that die."""
        scope, names = self.scope, (*self.scope.inside, *self.scope.leaving, *self.dying)
        count = sum(int((times >= 0).sum()) for times in self._times.values())
        kept = np.zeros((len(names), count + 1), np.int64)
        for tensor, name in enumerate(names):
            producer = scope.producers.get(name)
            rows = scope.program.buffers[name].grid[0]
            born = np.zeros(rows, np.int64) if producer is None else self._times[producer]
            dead = self._last_reads(name, rows) if self._dies_by_rows(name) else np.full(rows, count - 1)
            lives = (born >= 0) & (dead >= born)
            np.add.at(kept[tensor], born[lives], 1)
            np.add.at(kept[tensor], dead[lives] + 1, -1)
        return kept.cumsum(axis=1)

    def _dies_by_rows(self, name: str) -> bool:
        """False for tensors that leave, and for those that are read by way of a view."""
        read = any(name in step.inputs for _, step in self.scope.steps)
        return name not in self.scope.leaving and (read or name in self.scope.producers)

    def _last_reads(self, name: str, rows: int) -> np.ndarray:
        """When each row of a tensor is read for the last time; when it is computed where nobody reads it."""
        producer = self.scope.producers.get(name)
        last = np.full(rows, -1) if producer is None else self._times[producer].copy()
        for index, step in self.scope.steps:
            for operand, source in enumerate(step.inputs):
                if source == name and name not in step.outputs:
                    reach = self.scope.reads.reach(index, operand, ROWS)
                    reader = np.searchsorted(reach.begin, np.arange(rows), side="right") - 1
                    reads = (reader >= 0) & (reach.end[reader] > np.arange(rows))
                    last = np.maximum(last, np.where(reads, self._times[index][reader], -1))
        return last


def _pixel(buffer: Buffer) -> int:
    return buffer.grid[2] * buffer.dtype.size
