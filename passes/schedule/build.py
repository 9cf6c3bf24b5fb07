"""From segments to a Program: tasks in order, and the storage that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...ir.program import Program, Storage, Task
from .reads import Reads
from .segment import Scope, Segment
from .stream import stream


def build(program: Program, segments: Sequence[Segment]) -> Program:
    """``program``, which runs layer by layer, run segment by segment instead; not placed."""
    reads = Reads(program)
    tasks: list[Task] = []
    storage: dict[str, Storage] = {}
    for segment in segments:
        if segment.grid is None:
            tasks += [_whole(program, index) for index in range(segment.begin, segment.end)]
        else:
            made = stream(reads, segment)
            tasks += made.tasks
            storage |= made.storage
    buffers = {
        name: replace(buffer, storage=storage[name]) if name in storage else buffer
        for name, buffer in program.buffers.items()
    }
    return replace(program, tasks=tuple(tasks), buffers=buffers, plan=None)


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
