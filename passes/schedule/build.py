"""From segments to a Program: tasks in order, and the storage that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...ir.program import Program, Storage, Task
from .reads import Reads
from .segment import Segment
from .stream import stream


def build(program: Program, segments: Sequence[Segment]) -> Program:
    """``program``, which runs layer by layer, run segment by segment instead; not placed."""
    reads = Reads(program)
    tasks: list[Task] = []
    storage: dict[str, Storage] = {}
    for segment in segments:
        if segment.grid is None:
            tasks += [Task(index) for index in range(segment.begin, segment.end)]
        else:
            made = stream(reads, segment)
            tasks += made.tasks
            storage |= made.storage
    buffers = {
        name: replace(buffer, storage=storage[name]) if name in storage else buffer
        for name, buffer in program.buffers.items()
    }
    return replace(program, tasks=tuple(tasks), buffers=buffers, plan=None)
