"""From segments to a Program: tasks in order, and the storage that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...ir.errors import UsageError
from ...ir.program import Program, Task
from .reads import Reads
from .segment import Scope, Segment, obstacle
from .selection import without_selections
from .stream import stream, with_stream


def build(program: Program, segments: Sequence[Segment]) -> Program:
    """``program``, which runs layer by layer, run segment by segment instead; not placed.

    UsageError where the segments are not all steps, once and in order, or one of them cannot run so.
    """
    reads = Reads(program)
    _refuse_gaps(program, segments)
    made = replace(program, tasks=(), plan=None)
    for segment in segments:
        _refuse_obstacle(reads, segment)
        if segment.grid is None:
            whole = tuple(_whole(program, index) for index in range(segment.begin, segment.end))
            made = replace(made, tasks=made.tasks + whole)
        else:
            made = with_stream(made, stream(reads, segment, first_slide=len(made.steps)))
    return without_selections(made)


def _refuse_gaps(program: Program, segments: Sequence[Segment]) -> None:
    begins, ends = [s.begin for s in segments], [s.end for s in segments]
    count = len(program.steps)
    if [*begins, count] != [0, *ends] or any(b >= e for b, e in zip(begins, ends, strict=True)):
        listed = ", ".join(f"[{s.begin}, {s.end})" for s in segments)
        raise UsageError(
            "Segments must be all steps of the program, each once and in order",
            where=f"program {program.name}, which has {count} steps",
            why=f"the segments are {listed or 'none'}",
            remedy=f"begin at 0, go on where the segment before ends, and end at {count}",
        )


def _refuse_obstacle(reads: Reads, segment: Segment) -> None:
    found = obstacle(Scope(reads, segment.begin, segment.end), segment)
    if found:
        first, last = (reads.program.steps[index].name for index in (segment.begin, segment.end - 1))
        raise UsageError(
            f"A segment cannot run as {segment.describe()}",
            where=f"steps {first} to {last}: segment [{segment.begin}, {segment.end})",
            why=found.why,
            remedy=found.remedy,
        )


def _whole(program: Program, index: int) -> Task:
    step = program.steps[index]
    return Task(index, program.buffers[step.outputs[0]].whole if step.kernel.windowed else None)


def alternating(program: Program, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """``segments`` with streams turned in alternating directions, as far as their steps can run upward.

    A stream that runs downward can put its output a few rows below an input that dies, one that runs upward
    a few rows above: a chain of them in turns stays in one place.
    """
    reads = Reads(program)
    turned: list[Segment] = []
    upward = False
    for segment in segments:
        if segment.grid is not None:
            upward = upward and not Scope(reads, segment.begin, segment.end).ascending
            segment, upward = replace(segment, upward=upward), not upward
        turned.append(segment)
    return tuple(turned)
