"""Memory and cost of a segment in each of its modes, quickly: what the search compares.

Memory of one stream is the most that rows take at once, those of the tensors around it included, which die
row by row as others grow; found by simulating it. With more regions it is the most that inner rows take,
plus the tensors around.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ...ir.accesses import accesses
from ...ir.lifetime import liveness
from ...ir.program import Full, Program
from .cost import cycles, executed
from .profile import ACROSS, DOWN, Profile
from .reads import Reads
from .segment import Grid, Scope, Segment
from .selection import Selection, grids_along, without_selections
from .stream import stream, with_stream


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
        self._bytes = {name: buffer.arena_bytes for name, buffer in program.buffers.items()}
        self._born = dict.fromkeys((program.owner(name)[0] for name in program.sources), -1)
        self._dead: dict[str, int] = {}
        for index, step in enumerate(program.steps):
            for name in step.outputs:
                owner = program.owner(name)[0]
                given = owner in program.sources
                self._born[owner] = max(self._born.get(owner, index), index if given else 0)
            for name in step.inputs + step.outputs:
                self._dead[program.owner(name)[0]] = index
        for name in program.results:
            self._dead[program.owner(name)[0]] = len(program.steps)

    def whole(self, index: int) -> Estimate | None:
        """Step ``index`` as one task; None where its output is never kept whole."""
        program, step = self._program, self._program.steps[index]
        if any(program.buffers[name].storage != Full() for name in step.outputs):
            return None
        around = self._around(index, index + 1)
        scratch = sum(program.buffers[name].nbytes for name in step.scratch)
        nbytes = around.whole() + scratch - self._shared(index)
        work = step.kernel.cost(program.buffers[step.outputs[0]].whole)
        return Estimate(Segment(index, index + 1), nbytes, 0, cycles(work, 1))

    def _shared(self, index: int) -> int:
        """Bytes of the output that lie in a dying input."""
        program, step = self._program, self._program.steps[index]
        size = self._bytes[step.outputs[0]]
        owners = [program.owner(step.inputs[operand])[0] for operand in step.kernel.in_place()]
        dying = any(self._dead[n] == index and size <= self._bytes[n] for n in owners)
        return size if dying else 0

    def streams(self, begin: int, end: int) -> Iterator[Estimate]:
        """Steps [begin, end) as streams over each grid worth trying; nothing where they cannot stream."""
        scope = Scope(self._reads, begin, end)
        if scope.obstacle:
            return
        around = self._around(begin, end)
        selection = scope.program.steps[end - 1].kernel
        if isinstance(selection, Selection) and _is_all_of_its_branches(scope):
            yield from self._branches(Segment(begin, end), selection)
        profile = Profile(scope, tuple(around.dying))
        for grid in _grids(scope):
            time = cycles(*profile.work(grid))
            yield _estimate(profile, around, Segment(begin, end, grid), time)
            if profile.frames:
                slower = time + cycles(*profile.moves(grid))
                yield _estimate(profile, around, Segment(begin, end, grid, framed=True), slower)

    def _branches(self, segment: Segment, selection: Selection) -> Iterator[Estimate]:
        """A segment that ends with ``selection``, over grids whose regions run one of its branches each."""
        for grid, framed in product(grids_along(selection), (False, True)):
            yield self.simulated(replace(segment, grid=grid, framed=framed))

    def simulated(self, segment: Segment) -> Estimate:
        """A segment in regions, of which a single tensor leaves, by making its tasks: slower than a profile,
        which does not see what depends on rows and columns together."""
        program = self._program
        driver = program.steps[segment.end - 1].outputs
        made = stream(self._reads, segment, first_slide=len(program.steps))
        alone = without_selections(with_stream(replace(program, tasks=(), outputs=driver), made))
        live = liveness(accesses(alone))
        staying = self._around(segment.begin, segment.end).staying
        nbytes = staying + int(live.in_use(live.end - live.begin).max())
        return Estimate(segment, nbytes, 0, cycles(executed(alone), len(alone.tasks)))

    def floors(self) -> np.ndarray:
        """[begin, end] bytes that steps [begin, end) need at least, run as one segment: those of all tensors
        that are alive as it begins, or as it ends."""
        count = len(self._program.steps)
        alive = np.zeros(count + 1)
        for name, born in self._born.items():
            alive[born + 1 : self._dead.get(name, born) + 1] += self._bytes[name]
        return np.maximum(alive[:count, None], alive)

    def _around(self, begin: int, end: int) -> Around:
        staying, leaving, dying = 0, 0, dict[str, int]()
        for name, born in self._born.items():
            dead = self._dead.get(name, born)
            size = self._bytes[name]
            if born < begin <= dead < end:
                dying[name] = size
            elif born < begin <= dead:
                staying += size
            elif begin <= born < end <= dead:
                leaving += size
        return Around(staying, dying, leaving)


def _is_all_of_its_branches(scope: Scope) -> bool:
    """True where one tensor comes in and one leaves, and regions can be computed in any order."""
    read = {scope.program.owner(name)[0] for _, step in scope.steps for name in step.inputs}
    coming = read - {scope.program.owner(name)[0] for name in scope.producers}
    return len(coming) <= 1 and len(scope.leaving) == 1 and not scope.ascending


def _estimate(profile: Profile, around: Around, segment: Segment, time: float) -> Estimate:
    """A stream that takes ``time`` cycles."""
    assert segment.grid is not None
    inner = profile.inner_bytes(segment.grid, segment.framed)
    if segment.regions == 1:
        nbytes = around.staying + profile.stream_bytes(segment.framed)
    else:
        nbytes = around.in_bands(segment.grid.down) + inner
    return Estimate(segment, nbytes, inner, time)


def _grids(scope: Scope) -> Iterator[Grid]:
    """One stream; more regions only where nothing but the last tensor leaves the segment."""
    yield Grid()
    rows, columns, _ = scope.program.buffers[scope.driver].grid
    if len(scope.leaving) > 1 or scope.end - scope.begin < 2 or scope.ascending:
        return
    widths: set[int] = set()
    for across in ACROSS:
        width = -(-columns // across)
        if across <= columns and width not in widths:
            widths.add(width)
            yield from (Grid(down, across) for down in DOWN if down <= rows)
