"""What a segment keeps and computes: its tensors' rows over time, their extents over the regions of grids."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...ir.kernel import Cost
from ...ir.program import Full, Role
from ...ir.window import Window
from .frames import Framing, framings
from .reads import COLUMNS, ROWS
from .segment import Grid, Row, Scope, cut
from .stream import needed_windows, row_order

ACROSS = (2, 3, 4, 5, 6, 8, 9, 12, 16, 18, 24, 36)
DOWN = (1, 2, 3, 4, 6, 9, 12, 18)
"""Numbers of regions that are tried along columns and rows."""


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

    @cached_property
    def frames(self) -> Mapping[str, Framing]:
        """Inner tensors that can be frames."""
        return framings(self.scope, [self._order])

    @cached_property
    def _order(self) -> list[Row]:
        """The rows of one stream."""
        wanted = {name: self.scope.program.buffers[name].whole for name in self.scope.leaving}
        return row_order(self.scope, needed_windows(self.scope, wanted), upward=False)

    def inner_bytes(self, grid: Grid, framed: bool) -> int:
        """The most bytes that inner rows and working memory take at once."""
        return (self._inner_framed if framed else self._inner_rings)[grid.across]

    @cached_property
    def _inner_rings(self) -> dict[int, int]:
        return self._inner_bytes(framed=False)

    @cached_property
    def _inner_framed(self) -> dict[int, int]:
        return self._inner_bytes(framed=True)

    def _inner_bytes(self, framed: bool) -> dict[int, int]:
        """By the number of regions across, all at once."""
        buffers, inside = self.scope.program.buffers, self.scope.inside
        pixels, widths = {n: buffers[n].pixel_bytes for n in inside}, self._columns.largest
        choices = list(widths[self.scope.driver])
        sizes = [[pixels[n] * widths[n][choice] for n in inside] for choice in choices]
        most = self._most(np.array(sizes, np.float64).reshape(len(choices), -1), framed)
        return dict(zip(choices, map(int, most), strict=True))

    def stream_bytes(self, framed: bool) -> int:
        """The most bytes that inner rows, those of the tensors that come and go, and working memory take in
        one stream."""
        names = (*self.scope.inside, *self.scope.leaving, *self.dying)
        buffers = [self.scope.program.buffers[name] for name in names]
        sizes = [0 if b.role is Role.STATE else b.pixel_bytes * b.grid[1] for b in buffers]
        return int(self._most(np.array([sizes], np.float64), framed)[0])

    def _most(self, sizes: np.ndarray, framed: bool) -> np.ndarray:
        """For each of ``sizes``, bytes of a row of the first tensors, the most that is stored at once. Whole
        numbers as floats, of which products are quick."""
        stored = (self._framed if framed else self._rings)[: sizes.shape[1]]
        return (sizes @ stored + self._scratch).max(axis=1, initial=0)

    @cached_property
    def _rings(self) -> np.ndarray:
        return self._stored(())

    @cached_property
    def _framed(self) -> np.ndarray:
        return self._stored(self.frames)

    def _stored(self, frames: Container[str]) -> np.ndarray:
        """[tensors, tasks] rows that take memory: those that are kept, and the free ones of rings."""
        stored = self._kept.astype(np.float64)
        for tensor, name in enumerate(self.scope.inside):
            if name not in frames:
                _hold(stored[tensor])
        return stored

    @cached_property
    def _scratch(self) -> np.ndarray:
        """[tasks] bytes of working memory during each task of one stream."""
        sizes = np.zeros(self._kept.shape[1], np.int64)
        for index, step in self.scope.steps:
            times = self._times[index]
            sizes[times[times >= 0]] = sum(self.scope.program.buffers[name].nbytes for name in step.scratch)
        return sizes

    def work(self, grid: Grid) -> tuple[Cost, int]:
        """Work of all regions, and in how many tasks it is done."""
        made = [step.outputs[0] for _, step in self.scope.steps]
        rows = np.array([self._rows.total[name][grid.down] for name in made])
        pixels = rows * np.array([self._columns.total[name][grid.across] for name in made])
        macs, operations, spared = self._pixel_costs @ pixels
        return Cost(int(macs), int(operations), float(spared)), int(rows.sum()) * grid.across

    def moves(self, grid: Grid) -> tuple[Cost, int]:
        """Work of sliding the frames of all regions, and in how many tasks it is done."""
        tensors, readers, costs = self._slides
        rows = np.array([self._rows.total[name][grid.down] - grid.down for name in readers])
        columns = np.array([self._columns.total[name][grid.across] for name in tensors])
        return Cost(operations=int(costs @ (rows * columns))), int(rows.sum()) * grid.across

    @cached_property
    def _slides(self) -> tuple[Sequence[str], Sequence[str], np.ndarray]:
        """Of each frame the tensor, its reader's output, and the operations for a column when it slides."""
        program, costs = self.scope.program, list[int]()
        for name, framing in self.frames.items():
            kept = Window(0, framing.height - framing.stride, 0, 1)
            costs.append(framing.step(program.buffers[name], upward=False).kernel.cost(kept).operations)
        readers = [program.steps[framing.reader].outputs[0] for framing in self.frames.values()]
        return list(self.frames), readers, np.array(costs)

    @cached_property
    def _pixel_costs(self) -> np.ndarray:
        """[3, steps] the fields of a pixel's cost."""
        costs = [step.kernel.cost(Window(0, 1, 0, 1)) for _, step in self.scope.steps]
        return np.array([(cost.macs, cost.operations, cost.spared) for cost in costs]).T

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
        lengths = {name: buffers[name].grid[axis] for name in scope.producers}
        wanted = {n: (np.zeros_like(begin), np.full_like(end, lengths[n])) for n in scope.leaving}
        wanted[scope.driver] = begin, end
        for index, step in reversed(scope.steps):
            firsts, lasts = zip(*(wanted[name] for name in step.outputs if name in wanted), strict=True)
            first, last = np.minimum.reduce(firsts), np.maximum.reduce(lasts)
            if axis == ROWS and step.kernel.ascending:
                first = np.zeros_like(first)
            elif axis == COLUMNS and not step.inputs:
                first, last = np.zeros_like(first), np.full_like(last, lengths[step.outputs[0]])
            wanted.update(dict.fromkeys(step.outputs, (first, last)))
            for operand, name in enumerate(step.inputs):
                if name in scope.producers and name not in step.outputs:
                    reach = scope.reads.reach(index, operand, axis)
                    # Of a part that is padding alone nothing is read: it begins where the tensor ends.
                    top = reach.begin[np.minimum(first, len(reach.begin) - 1)]
                    need = top, np.where(first < last, reach.end[last - 1], top)
                    mine = wanted.get(name, need)
                    wanted[name] = np.minimum(mine[0], need[0]), np.maximum(mine[1], need[1])
        starts = np.flatnonzero(np.diff(owner, prepend=0))
        sizes = {name: last - first for name, (first, last) in wanted.items()}

        def by_choice(joined: np.ndarray) -> dict[int, int]:
            return dict(zip(owner[starts].tolist(), joined.tolist(), strict=True))

        return Extents(
            {name: by_choice(np.maximum.reduceat(size, starts)) for name, size in sizes.items()},
            {name: by_choice(np.add.reduceat(size, starts)) for name, size in sizes.items()},
        )

    @cached_property
    def _times(self) -> Mapping[int, np.ndarray]:
        """When each row of each step is computed, in one stream; -1 for rows that nobody needs."""
        scope = self.scope
        heights = {i: scope.program.buffers[step.outputs[0]].grid[0] for i, step in scope.steps}
        times = {index: np.full(height, -1, np.int64) for index, height in heights.items()}
        for time, row in enumerate(self._order):
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
            if scope.program.buffers[name].storage != Full():  # one row, updated in place
                born, dead, lives = born[:1], dead[-1:], lives[-1:]
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


def _hold(kept: np.ndarray) -> None:
    """A ring of several rows takes its place as long as it is used: its free row is another each time."""
    most = kept.max()
    if most > 1:
        used = np.flatnonzero(kept)
        kept[used[0] : used[-1] + 1] = most
