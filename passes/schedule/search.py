"""The front of (memory, cycles): the cheapest ways through a model under ever lower caps of memory.

Nodes are the places between steps, edges the segments in each mode. Under a cap, edges that need more are
left out, and the cheapest path is one pass over the nodes in order; the next cap lies just below the most
that this path needs (msf-CNN, arXiv 2505.11483).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...ir.program import Program
from .estimate import Estimate, Estimator
from .segment import Segment


@dataclass(frozen=True)
class Candidate:
    """A way through the whole model; ``nbytes`` and ``cycles`` are estimates."""

    segments: tuple[Segment, ...]
    nbytes: int
    cycles: float


def front(program: Program) -> list[Candidate]:
    """Candidates from the fastest to the one with the least memory; each is cheaper than all smaller ones."""
    edges = _edges(program)
    found: list[Candidate] = []
    cap = max(edge.nbytes for edge in edges)
    while path := _cheapest(edges, len(program.steps), cap):
        nbytes = max(edge.nbytes for edge in path)
        segments = tuple(edge.segment for edge in path)
        found.append(Candidate(segments, nbytes, sum(edge.cycles for edge in path)))
        cap = nbytes - 1
    return found


def _edges(program: Program) -> list[Estimate]:
    """Every segment in every mode that could pay, ordered by where it begins.

    ``floor[begin, end]`` is the least memory that steps [begin, end) need when shorter segments run them: one
    segment for all of them must need less. Where its inner rows alone take as much, longer ones do not pay
    either.
    """
    estimator, count = Estimator(program), len(program.steps)
    edges: list[Estimate] = []
    floor: dict[tuple[int, int], int] = {}
    growing = set(range(count))
    for length in range(1, count + 1):
        for begin in range(count - length + 1):
            end = begin + length
            if length == 1:
                edges.append(estimator.whole(begin))
                floor[begin, end] = edges[-1].nbytes
            else:
                floor[begin, end] = min(
                    max(floor[begin, middle], floor[middle, end]) for middle in range(begin + 1, end)
                )
            if begin in growing:
                made = list(estimator.streams(begin, end))
                if not made or min(edge.inner for edge in made) >= floor[begin, end]:
                    growing.discard(begin)
                paying = _paying(made, floor[begin, end])
                edges += paying
                floor[begin, end] = min([floor[begin, end], *(edge.nbytes for edge in paying)])
    return sorted(edges, key=lambda edge: edge.segment.begin)


def _paying(made: Sequence[Estimate], below: int) -> list[Estimate]:
    """Those that need less than ``below`` bytes and less than all that are cheaper."""
    paying: list[Estimate] = []
    for edge in sorted(made, key=lambda edge: (edge.cycles, edge.nbytes)):
        if edge.nbytes < below:
            paying.append(edge)
            below = edge.nbytes
    return paying


def _cheapest(edges: Sequence[Estimate], count: int, cap: int) -> list[Estimate]:
    """The path from the first step to behind the last with the least cycles; empty where there is none."""
    best: list[tuple[float, Estimate | None]] = [(float("inf"), None)] * (count + 1)
    best[0] = (0.0, None)
    for edge in edges:
        so_far = best[edge.segment.begin][0] + edge.cycles
        if edge.nbytes <= cap and so_far < best[edge.segment.end][0]:
            best[edge.segment.end] = (so_far, edge)
    path: list[Estimate] = []
    at = count
    while at > 0 and (edge := best[at][1]) is not None:
        path.append(edge)
        at = edge.segment.begin
    return path[::-1] if at == 0 else []


def alternating(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Streams turned in alternating directions: each output that shifts below its input is followed by one
    that shifts above, so that a chain of them stays in place."""
    turned: list[Segment] = []
    upward = False
    for segment in segments:
        if segment.grid is not None:
            segment, upward = replace(segment, upward=upward), not upward
        turned.append(segment)
    return tuple(turned)
