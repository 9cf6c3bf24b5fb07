"""Streams: the tasks of a segment whose steps advance together, row by row.

A step computes its next row as soon as somebody wants it, after the rows that it needs itself. Rings and
tiles are as small as a simulation of these tasks allows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from ...ir.program import Buffer, Frame, Full, Program, Rows, Step, Storage, Task, Tile
from ...ir.window import Window
from .fork import Fork, fork_of
from .frames import Framing, framings
from .reads import Reads
from .segment import Grid, Row, Scope, Segment


@dataclass(frozen=True)
class Stream:
    """The tasks of a segment, the storage of its inner tensors, and steps that its frames add."""

    tasks: tuple[Task, ...]
    storage: Mapping[str, Storage]
    slides: tuple[Step, ...]


def stream(reads: Reads, segment: Segment, first_slide: int) -> Stream:
    """The segment's regions one after the other, each computed row by row. The steps that are added have the
    numbers from ``first_slide`` on."""
    assert segment.grid is not None
    program = reads.program
    scope = Scope(reads, segment.begin, segment.end)
    regions = list(regions_of(scope, segment.grid))[:: -1 if segment.upward else 1]
    fork = fork_of(scope, segment.grid)
    ahead = () if fork is None else fork.inputs
    orders = [row_order(scope, region, segment.upward, ahead) for region in regions]
    storage: dict[str, Storage] = {}
    for name in scope.inside:
        storage[name] = _storage(scope, name, regions, orders)
    frames = list(framings(scope, orders).values()) if segment.framed else []
    storage |= {f.tensor: _frame(program.buffers[f.tensor], storage[f.tensor], f.height) for f in frames}
    storage |= _shared_rings(scope, storage, segment.grid)
    slides = {first_slide + number: framing for number, framing in enumerate(frames)}
    tasks: list[Task] = []
    for region, order in zip(regions, orders, strict=True):
        origins = _origins(program, region, storage)
        made = _tasks(program, region, order, origins, slides)
        tasks += made if fork is None else _conditional(fork, made, region, origins, slides)
    steps = tuple(framing.step(program.buffers[framing.tensor], segment.upward) for framing in frames)
    return Stream(tuple(tasks), storage, steps)


def with_stream(program: Program, made: Stream) -> Program:
    """``program`` with the tasks, steps and storages of ``made`` behind its own; not placed."""
    buffers = {
        name: replace(buffer, storage=made.storage[name]) if name in made.storage else buffer
        for name, buffer in program.buffers.items()
    }
    steps, tasks = program.steps + made.slides, program.tasks + made.tasks
    return replace(program, steps=steps, tasks=tasks, buffers=buffers, plan=None)


Region = Mapping[str, Window]
"""What is computed of each tensor of a segment; those of which nothing is are left out."""


def regions_of(scope: Scope, grid: Grid) -> Iterator[Region]:
    """The windows of every tensor computed inside, for each cell of the grid over the last step's output."""
    program = scope.program
    driver = scope.driver
    rows, columns, _ = program.buffers[driver].grid
    for window in grid.windows(rows, columns):
        wanted = {name: program.buffers[name].whole for name in scope.leaving}
        yield needed_windows(scope, {**wanted, driver: window})


def needed_windows(scope: Scope, wanted: Mapping[str, Window]) -> Region:
    """``wanted`` of the tensors that leave, grown backwards to all that has to be computed for it."""
    region = dict(wanted)
    for index, step in reversed(scope.steps):
        windows = [region[name] for name in step.outputs if name in region]
        if not windows:
            continue
        window = _at_once(scope, step, reduce(hull, windows))
        region.update(dict.fromkeys(step.outputs, window))
        for operand, name in enumerate(step.inputs):
            if name in scope.producers and name not in step.outputs:
                need = scope.reads.needed(index, operand, window)
                if need.pixels:
                    region[name] = need if name not in region else hull(region[name], need)
    return region


def _at_once(scope: Scope, step: Step, window: Window) -> Window:
    """``window`` grown to what the step can compute: in order from the first row, if it has to; whole rows
    where the caller delivers them."""
    _, columns, _ = scope.program.buffers[step.outputs[0]].grid
    y0 = 0 if step.kernel.ascending else window.y0
    return Window(y0, window.y1, *((window.x0, window.x1) if step.inputs else (0, columns)))


def row_order(scope: Scope, region: Region, upward: bool, ahead: Sequence[str] = ()) -> list[Row]:
    """The rows of a region in the order in which they are computed: those of the tensors ``ahead`` one after
    the other in front of all others."""
    return _Demand(scope, region, upward).order(ahead)


class _Demand:
    """Rows on demand: a row of a step's output calls for the rows that it reads, these for theirs."""

    def __init__(self, scope: Scope, region: Region, upward: bool) -> None:
        self._scope, self._region, self._upward = scope, region, upward
        self._done = dict.fromkeys(range(scope.begin, scope.end), 0)
        self._order: list[Row] = []
        self._sources = {index: self._by_reach(index) for index, _ in scope.steps}

    def order(self, ahead: Sequence[str] = ()) -> list[Row]:
        """All tensors that leave the segment grow at one pace, in shares of their rows, once those ``ahead``
        are there."""
        for name in ahead:
            self._advance(self._scope.producers[name], self._region[name].height)
        wanted = [name for name in self._scope.leaving if name in self._region]
        pace = max(self._region[name].height for name in wanted)
        for share in range(1, pace + 1):
            for name in wanted:
                self._advance(self._scope.producers[name], -(-self._region[name].height * share // pace))
        return self._order

    def _advance(self, index: int, count: int) -> None:
        """Computes rows of a step until ``count`` of them are there."""
        window = self._region[self._scope.program.steps[index].outputs[0]]
        while self._done[index] < count:
            done = self._done[index]
            y = window.y1 - 1 - done if self._upward else window.y0 + done
            for operand, producer in self._sources[index]:
                if count_before := self._rows_before(index, operand, y):
                    self._advance(producer, count_before)
            self._order.append(Row(index, y))
            self._done[index] = done + 1

    def _rows_before(self, index: int, operand: int, y: int) -> int:
        """How many rows of the operand have to be there for row ``y``."""
        first, end = self._scope.reads.rows(index, operand)[y]
        have = self._region.get(self._scope.program.steps[index].inputs[operand])
        if first == end or have is None:
            return 0
        return have.y1 - first if self._upward else end - have.y0

    def _by_reach(self, index: int) -> list[tuple[int, int]]:
        """(operand, producer) of the inputs computed inside; those that look least far ahead come first, so
        that a short cut around other layers is taken before their rows push its own out."""
        scope = self._scope
        step = scope.program.steps[index]
        sources = [
            (operand, scope.producers[name])
            for operand, name in enumerate(step.inputs)
            if name in scope.producers and name not in step.outputs
        ]
        if len(sources) < 2:
            return sources
        return sorted(sources, key=lambda source: self._reach(index, source[0]))

    def _reach(self, index: int, operand: int) -> int:
        """Rows of the segment's first tensors that one row in the middle needs by way of ``operand``."""
        scope = self._scope
        step = scope.program.steps[index]
        rows, columns, _ = scope.program.buffers[step.outputs[0]].grid
        name = step.inputs[operand]
        start = scope.reads.needed(index, operand, Window(rows // 2, rows // 2 + 1, 0, columns))
        windows = needed_windows(scope, {name: start})
        first = min(windows, key=lambda tensor: scope.producers[tensor])
        return windows[first].height if first != name else 0


def _tasks(
    program: Program, region: Region, order: Sequence[Row], origins: Mapping[str, int],
    slides: Mapping[int, Framing],
) -> Iterator[Task]:  # fmt: skip
    """The rows of a region; between two rows of a frame's reader, the step of that number slides it."""
    ahead = {f.reader: deque(row.y for row in order if row.step == f.reader) for f in slides.values()}

    def task(index: int, names: Sequence[str], window: Window) -> Task:
        tops = {f.tensor: f.top(ahead[f.reader][0]) for f in slides.values() if f.tensor in names}
        return Task(index, window, {name: origins[name] for name in names if name in origins}, tops)

    for row in order:
        step = program.steps[row.step]
        window = region[step.outputs[0]]
        yield task(row.step, step.inputs + step.outputs, Window(row.y, row.y + 1, window.x0, window.x1))
        if row.step in ahead:
            ahead[row.step].popleft()
        for number, framing in slides.items():
            if framing.reader == row.step and ahead[row.step]:
                begin, end = framing.kept(row.y, ahead[row.step][0])
                columns = region[framing.tensor].x0, region[framing.tensor].x1
                if begin < end:
                    yield task(number, (framing.tensor,), Window(begin, end, *columns))


def _conditional(
    fork: Fork, tasks: Iterable[Task], region: Region, origins: Mapping[str, int],
    slides: Mapping[int, Framing],
) -> Iterator[Task]:  # fmt: skip
    """``tasks`` of a region as they depend on its patch's flag; what slides a frame does as its reader."""
    place = {name: x0 for name, x0 in origins.items() if name == fork.flags}
    for task in tasks:
        step = slides[task.step].reader if task.step in slides else task.step
        when = fork.condition(step, region[fork.result])
        yield task if when is None else replace(task, when=when, origins={**task.origins, **place})


def _frame(buffer: Buffer, storage: Storage, height: int) -> Frame:
    """A frame as wide as the ring that it takes the place of."""
    return Frame(height, storage.width if isinstance(storage, Tile) else buffer.grid[1])


def _origins(program: Program, region: Region, storage: Mapping[str, Storage]) -> dict[str, int]:
    """The first column of all tiles and frames; those as wide as their tensor, and those of which the region
    computes nothing, begin with its first."""
    origins: dict[str, int] = {}
    for name, kind in storage.items():
        if isinstance(kind, Tile | Frame):
            partial = kind.width < program.buffers[name].grid[1] and name in region
            origins[name] = region[name].x0 if partial else 0
    return origins


def _storage(scope: Scope, name: str, regions: list[Region], orders: list[list[Row]]) -> Storage:
    """The least storage that keeps each row of an inner tensor until its last reader."""
    buffer = scope.program.buffers[name]
    if buffer.storage != Full():
        return buffer.storage
    count = max(_rows_kept(scope, name, order) for order in orders)
    rows, columns, _ = buffer.grid
    width = max(region[name].width for region in regions if name in region)
    if width < columns:
        return Tile(count, width)
    return Rows(count) if count < rows else Full()


def _rows_kept(scope: Scope, name: str, order: list[Row]) -> int:
    """The most rows of ``name`` from the oldest that is still read to the newest."""
    producer = scope.producers[name]
    readers = {i: [k for k, n in enumerate(step.inputs) if n == name] for i, step in scope.steps}
    last: dict[int, int] = {}
    for time, row in enumerate(order):
        for operand in readers[row.step]:
            last.update(dict.fromkeys(range(*scope.reads.rows(row.step, operand)[row.y]), time))
    made = [(time, row.y) for time, row in enumerate(order) if row.step == producer]
    count, oldest = 1, 0
    for newest, (time, y) in enumerate(made):
        while oldest < newest and last.get(made[oldest][1], -1) < time:
            oldest += 1
        count = max(count, abs(y - made[oldest][1]) + 1)
    return count


def _shared_rings(scope: Scope, storage: Mapping[str, Storage], grid: Grid) -> dict[str, Storage]:
    """An operand that is overwritten in place is stored as its result is, so that the two can share bytes."""
    program, shared = scope.program, dict[str, Storage]()
    for _, step in reversed(scope.steps):
        output = program.buffers[step.outputs[0]]
        wanted = shared.get(output.name) or storage.get(output.name) or Full()
        if wanted == Full() and grid.regions > 1:
            continue  # a row that is whole only after several regions dies with none of them
        if isinstance(wanted, Frame):
            continue  # where its newest row lies, a row by itself can lie too
        for name in _overwritable(scope, step):
            mine, buffer = storage[name], program.buffers[name]
            one_row = isinstance(mine, Rows | Tile) and _count(mine) == 1
            if one_row and _alike(buffer, output) and _columns(buffer, mine) <= _columns(output, wanted):
                shared[name] = wanted
                break
    return shared


def _overwritable(scope: Scope, step: Step) -> list[str]:
    """Inner tensors that only ``step`` reads and may overwrite, the one computed last first: its row is kept
    for the shortest time."""
    names = [step.inputs[operand] for operand in step.kernel.in_place()]
    mine = [
        name
        for name in names
        if name in scope.inside
        and name not in (*step.outputs, *scope.program.inputs)
        and sum(name in other.inputs for _, other in scope.steps) == 1
    ]
    return sorted(mine, key=lambda name: -scope.producers[name])


def _alike(one: Buffer, other: Buffer) -> bool:
    return one.grid == other.grid and one.dtype.bits == other.dtype.bits


def _columns(buffer: Buffer, storage: Storage) -> int:
    return replace(buffer, storage=storage).pixels_stored[1]


def _count(storage: Rows | Tile) -> int:
    return storage.count if isinstance(storage, Rows) else storage.height


def hull(one: Window, other: Window) -> Window:
    """The smallest window that holds both."""
    if not one.pixels:
        return other
    if not other.pixels:
        return one
    return Window(min(one.y0, other.y0), max(one.y1, other.y1), min(one.x0, other.x0), max(one.x1, other.x1))

