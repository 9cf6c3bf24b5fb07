"""The front of (memory, cycles): the cheapest ways through a model under ever lower caps of memory.

Nodes are the places between steps, edges the segments in each mode. Under a cap, edges that need more are
left out, and the cheapest path is one pass over the nodes in order; the next cap lies just below the most
that this path needs (msf-CNN, arXiv 2505.11483).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir.program import Program
from .estimate import Estimate, Estimator
from .reductions import forms_of
from .segment import Segment

_UNBOUNDED = 2**62


@dataclass(frozen=True)
class Candidate:
    """A way through all of ``program``; ``nbytes`` and ``cycles`` are estimates."""

    program: Program
    segments: tuple[Segment, ...]
    nbytes: int
    cycles: float

    @property
    def recomputes_nothing(self) -> bool:
        """True where every segment is one region."""
        return all(segment.regions == 1 for segment in self.segments)


def candidates(*programs: Program) -> list[Candidate]:
    """From the fastest to the one with the least memory; each is cheaper than all smaller ones, but for the
    smallest of each of ``programs`` that computes nothing twice: these are estimated best.

    ``programs`` run layer by layer and compute the same: with kernels that are fast, and with such as need
    less working memory. Reductions may be split, and the last pointwise layer seen pixel by pixel. Each
    candidate takes one of all these forms.
    """
    found: list[Candidate] = []
    sure: list[Candidate] = []
    for program in programs:
        mine = [candidate for form in forms_of(program) for candidate in _front(form)]
        found += [whole_layers(program), *mine]
        sure += sorted((c for c in mine if c.recomputes_nothing), key=lambda c: c.nbytes)[:1]
    kept: list[Candidate] = []
    below = _UNBOUNDED
    for candidate in sorted(found, key=lambda candidate: (candidate.cycles, candidate.nbytes)):
        best = any(candidate is one for one in sure) and candidate.nbytes != below
        if candidate.nbytes < below or best:
            kept.append(candidate)
            below = min(below, candidate.nbytes)
    return kept


def whole_layers(program: Program) -> Candidate:
    """``program`` one whole layer after the other."""
    estimator = Estimator(program)
    segments = tuple(Segment(index, index + 1) for index in range(len(program.steps)))
    edges = [edge for index in range(len(segments)) if (edge := estimator.whole(index)) is not None]
    return Candidate(program, segments, max(e.nbytes for e in edges), sum(e.cycles for e in edges))


def _front(program: Program) -> list[Candidate]:
    """The candidates of one form."""
    edges = _edges(program)
    found: list[Candidate] = []
    cap = max(edge.nbytes for edge in edges)
    while path := _cheapest(edges, len(program.steps), cap):
        nbytes = max(edge.nbytes for edge in path)
        segments = tuple(edge.segment for edge in path)
        found.append(Candidate(program, segments, nbytes, sum(edge.cycles for edge in path)))
        cap = nbytes - 1
    return found


def _edges(program: Program) -> list[Estimate]:
    """Every segment in every mode that could pay, ordered by where it begins.

    ``floor[begin, end]`` is the least memory that steps [begin, end) need when shorter segments run them and
    compute nothing twice: one segment for all of them must need less. Where its inner rows alone take as
    much, longer ones do not pay either.
    """
    estimator, count = Estimator(program), len(program.steps)
    edges: list[Estimate] = []
    floor: dict[tuple[int, int], int] = {}
    growing = set(range(count))
    for length in range(1, count + 1):
        if not growing:
            break
        for begin in range(count - length + 1):
            end = begin + length
            parts = (max(floor[begin, middle], floor[middle, end]) for middle in range(begin + 1, end))
            floor[begin, end] = min(parts, default=_UNBOUNDED)
            if length == 1 and (whole := estimator.whole(begin)) is not None:
                edges.append(whole)
                floor[begin, end] = whole.nbytes
            if begin in growing:
                made = list(estimator.streams(begin, end))
                if not made or min(edge.inner for edge in made) >= floor[begin, end]:
                    growing.discard(begin)
                paying = _paying(made, floor[begin, end])
                edges += paying
                plain = [edge.nbytes for edge in paying if edge.segment.regions == 1]
                floor[begin, end] = min([floor[begin, end], *plain])
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
