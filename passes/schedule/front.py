"""The front of schedules that were placed: arena bytes against cycles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir.kernel import Cost
from ...ir.program import Program
from ..place import place
from .build import alternating, build
from .cost import cycles
from .search import Candidate, candidates
from .segment import Segment

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

    @property
    def arena(self) -> int:
        """Bytes."""
        assert self.program.plan is not None
        return self.program.plan.arena_bytes


def placed_front(program: Program, count: int = POINTS) -> list[Point]:
    """The schedules of ``program``, which runs layer by layer, that are worth having: the fastest first, each
    that follows takes more cycles and less memory."""
    points = [_placed(candidate) for candidate in _chosen(candidates(program), count)]
    return _undominated(points)


def _placed(candidate: Candidate) -> Point:
    """The better of all streams downward and streams in turns down- and upward."""
    program = candidate.program
    ways = {candidate.segments, alternating(program, candidate.segments)}
    placed = [(place(build(program, way), seconds=SECONDS), way) for way in sorted(ways, key=repr)]
    best, segments = min(placed, key=lambda pair: pair[0].plan.arena_bytes if pair[0].plan else 0)
    work = executed(best)
    return Point(best, segments, work.macs, cycles(work, len(best.tasks)))


def executed(program: Program) -> Cost:
    """Work of all tasks."""
    total = Cost()
    for task in program.tasks:
        step = program.steps[task.step]
        total += step.kernel.cost(task.window or program.buffers[step.outputs[0]].whole)
    return total


def _chosen(found: Sequence[Candidate], count: int) -> list[Candidate]:
    """At most ``count`` of the candidates, from first to last in nearly equal ratios of memory."""
    if len(found) <= count:
        return list(found)
    first, last = found[0].nbytes, found[-1].nbytes
    wanted = [first * (last / first) ** (index / (count - 1)) for index in range(count)]
    nearest = {min(range(len(found)), key=lambda i: abs(found[i].nbytes - size)) for size in wanted}
    return [found[index] for index in sorted(nearest | {0, len(found) - 1, _last_without_recompute(found)})]


def _last_without_recompute(found: Sequence[Candidate]) -> int:
    """The candidate with the least memory that computes nothing twice."""
    return max(index for index, candidate in enumerate(found) if candidate.recomputes_nothing or index == 0)


def _undominated(points: Sequence[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cycles, point.arena)):
        if not kept or point.arena < kept[-1].arena:
            kept.append(point)
    return kept
