"""Where the arena's bytes go, task by task, for the report and for refusals."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.lifetime import lifetimes
from ..ir.program import Program


@dataclass(frozen=True)
class Peak:
    """The task at which most bytes are in use, and the buffers that use them, largest first."""

    task: int
    layer: str
    source: str
    nbytes: int
    buffers: tuple[tuple[str, int], ...]


def live_bytes(program: Program) -> list[int]:
    """Bytes in use during each task."""
    used = [0] * len(program.tasks)
    for name, life in lifetimes(program).items():
        for task in range(life.first, min(life.end, len(used))):
            used[task] += program.buffers[name].nbytes
    return used


def peak(program: Program) -> Peak:
    """The busiest task of a program that has at least one."""
    used = live_bytes(program)
    task = max(range(len(used)), key=lambda index: used[index])
    step = program.steps[program.tasks[task].step]
    live = [
        (name, program.buffers[name].nbytes)
        for name, life in lifetimes(program).items()
        if life.first <= task < life.end
    ]
    ordered = tuple(sorted(live, key=lambda item: (-item[1], item[0])))
    return Peak(task, step.name, step.source, used[task], ordered)
