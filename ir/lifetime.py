"""When the bytes of a buffer are in use, taken from the task list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from .program import Program, Role


@dataclass(frozen=True)
class Lifetime:
    """Half-open interval of tasks [first, end)."""

    first: int
    end: int

    def overlaps(self, other: Lifetime) -> bool:
        return self.first < other.end and other.first < self.end

    def hull(self, other: Lifetime) -> Lifetime:
        """The shortest interval that holds both."""
        return Lifetime(min(self.first, other.first), max(self.end, other.end))


def lifetimes(program: Program) -> dict[str, Lifetime]:
    """From the first to the last use of every buffer that owns memory and is used; views count for their
    owner.

    Inputs are in use from the start (the caller writes them before the first task), outputs until
    the end (the caller reads them after the last task).
    """
    intervals = live_intervals(program)
    return {name: Lifetime(spans[0].first, spans[-1].end) for name, spans in intervals.items()}


def live_intervals(program: Program) -> dict[str, tuple[Lifetime, ...]]:
    """The same without the gaps in which a buffer holds nothing that is read again; ascending, disjoint.

    A tile's bytes are worth keeping while its origin stays (the next patch writes them anew), scratch
    for one task, everything else from first to last use.
    """
    contents: dict[str, dict[Hashable, Lifetime]] = defaultdict(dict)

    def touch(name: str, content: Hashable, use: Lifetime) -> None:
        spans = contents[program.owner(name)[0]]
        spans[content] = spans[content].hull(use) if content in spans else use

    for name in program.inputs:
        touch(name, None, Lifetime(0, 1))
    for index, task in enumerate(program.tasks):
        for name in program.operands(program.steps[task.step]):
            is_scratch = program.buffers[name].role is Role.SCRATCH
            touch(name, index if is_scratch else task.origins.get(name), Lifetime(index, index + 1))
    end = max(len(program.tasks), 1)
    for name in program.outputs:
        touch(name, None, Lifetime(end - 1, end))
    return {name: _merge(contents[name].values()) for name in program.buffers if name in contents}


def _merge(spans: Iterable[Lifetime]) -> tuple[Lifetime, ...]:
    """Spans that overlap become one."""
    merged: list[Lifetime] = []
    for span in sorted(spans, key=lambda span: (span.first, span.end)):
        if merged and merged[-1].overlaps(span):
            span = merged.pop().hull(span)
        merged.append(span)
    return tuple(merged)
