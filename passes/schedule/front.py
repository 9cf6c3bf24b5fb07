"""The front of schedules that were placed: arena bytes against cycles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...ir.program import Program
from ...ir.window import Window
from ...kernels.feed import Feed
from ..place import least_arena, place
from .build import alternating, build
from .cost import cycles, executed
from .lazy import least_memory
from .reads import Reads
from .search import Candidate, candidates
from .segment import Grid, Scope, Segment

POINTS = 12
"""Candidates that are placed at most: enough for every step of the front that a user would take."""

SECONDS = 2.0
"""Search for the placement of each, in the deterministic seconds of ``place``."""


@dataclass(frozen=True)
class Point:
    """A schedule: ``program`` is placed, ``macs`` and (modelled) ``cycles`` are of one inference."""

    program: Program
    segments: tuple[Segment, ...]
    macs: int
    cycles: float

    def describe(self) -> str:
        """How the streams run: ``row streams, 2 column tiles``; ``layer by layer`` without any."""
        modes = dict.fromkeys(segment.describe() for segment in self.segments if segment.grid is not None)
        return ", ".join(modes) or "layer by layer"

    @property
    def input_passes(self) -> int:
        """How often a row of an input is asked for at most; 0 where no input is fed by rows."""
        asked = Counter(
            (task.step, y)
            for task in self.program.tasks
            if isinstance(self.program.steps[task.step].kernel, Feed)  # a Slide makes the image's buffer too
            for y in _rows(self.program.window(task))
        )
        return max(asked.values(), default=0)

    @property
    def arena(self) -> int:
        """Bytes."""
        assert self.program.plan is not None
        return self.program.plan.arena_bytes

    @property
    def planned(self) -> int:
        """Bytes of arena and state."""
        assert self.program.plan is not None
        return self.program.plan.arena_bytes + self.program.plan.state_bytes


def placed_front(*programs: Program, count: int = POINTS) -> list[Point]:
    """The schedules of ``programs`` (see ``candidates``) that are worth having: the fastest first, each that
    follows takes more cycles and less memory. The last takes no more than ``least`` of the last program."""
    points = [_placed(candidate) for candidate in _chosen(candidates(*programs), count)]
    return _undominated([*points, least(programs[-1])])


def least(program: Program) -> Point:
    """The schedule of least memory, found and placed quickly: the last of ``placed_front`` may be smaller."""
    candidate = least_memory(program)
    return _point(build(candidate.program, candidate.segments), candidate.segments, seconds=0)


def _point(program: Program, segments: tuple[Segment, ...], seconds: float = SECONDS) -> Point:
    """``program``, which was built of ``segments``, placed."""
    work = executed(program)
    return Point(place(program, seconds=seconds), segments, work.macs, cycles(work, len(program.tasks)))


def _rows(window: Window) -> range:
    return range(window.y0, window.y1)


def layer_by_layer(program: Program) -> Point:
    """``program`` as it is, one whole layer after the other: the fastest."""
    whole = tuple(Segment(index, index + 1) for index in range(len(program.steps)))
    return _point(program, whole)


def in_place(program: Program) -> Point:
    """``program`` one layer after the other, each row by row where it can be: an output shifts over an input
    that dies (vMCU, MLSys 2024), and nothing is streamed."""
    reads = Reads(program)
    segments = tuple(
        Segment(index, index + 1, None if Scope(reads, index, index + 1).obstacle else Grid())
        for index in range(len(program.steps))
    )
    return _placed(Candidate(program, segments, nbytes=0, cycles=0.0))


def _placed(candidate: Candidate) -> Point:
    """The best of all streams downward and streams in turns down- and upward, with the candidate's frames and
    with rings in their place, which may fit together better."""
    segments = candidate.segments
    rings = tuple(replace(segment, framed=False) for segment in segments)
    ways = (segments, rings)
    turned = (alternating(candidate.program, way) for way in ways)
    points: list[Point] = []
    for way in dict.fromkeys((*ways, *turned)):
        program = build(candidate.program, way)
        if not points or least_arena(program) <= min(point.arena for point in points):
            points.append(_point(program, way))
    return min(points, key=lambda point: (point.arena, point.cycles))


def _chosen(found: Sequence[Candidate], count: int) -> list[Candidate]:
    """About ``count`` of the candidates, from first to last in nearly equal ratios of memory, and of each
    form the last that computes nothing twice."""
    if len(found) <= count:
        return list(found)
    first, last = found[0].nbytes, found[-1].nbytes
    wanted = [first * (last / first) ** (index / (count - 1)) for index in range(count)]
    nearest = {min(range(len(found)), key=lambda i: abs(found[i].nbytes - size)) for size in wanted}
    once = {id(c.program): index for index, c in enumerate(found) if c.recomputes_nothing}
    return [found[index] for index in sorted(nearest | {0, len(found) - 1} | set(once.values()))]


def _undominated(points: Sequence[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cycles, point.arena)):
        if not kept or point.arena < kept[-1].arena:
            kept.append(point)
    return kept
