"""Where the arena's bytes go, task by task, for the report and for refusals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.accesses import accesses
from ..ir.lifetime import Liveness, liveness
from ..ir.program import Frame, Full, Program, Rows, Step, Storage, Tile


@dataclass(frozen=True)
class Peak:
    """The task at which most bytes are in use, and the buffers that use them, largest first."""

    task: int
    layer: str
    source: str
    nbytes: int
    buffers: tuple[tuple[str, int], ...]


def live_bytes(program: Program) -> list[int]:
    """Bytes in use during each task: of a buffer that is filled or read row by row, those rows that hold
    something then. Bytes that an output takes over from an input count twice."""
    return _during_tasks(liveness(accesses(program))).tolist()


def peak(program: Program) -> Peak:
    """The busiest task of a program that has at least one."""
    live = liveness(accesses(program))
    used = _during_tasks(live)
    task = int(used.argmax())
    step = program.steps[program.tasks[task].step]
    lines = live.line[(live.first <= task + 1) & (task + 1 < live.last)]
    held = np.bincount(live.owner[lines], (live.end - live.begin)[lines], len(live.names)).astype(np.int64)
    buffers = [(name, nbytes) for name, nbytes in zip(live.names, held.tolist(), strict=True) if nbytes]
    ordered = tuple(sorted(buffers, key=lambda item: (-item[1], item[0])))
    return Peak(task, step.name, step.source, int(used[task]), ordered)


def _during_tasks(live: Liveness) -> np.ndarray:
    return live.in_use(live.end - live.begin)[1:-1]


def constant_bytes(step: Step) -> int:
    """Of a step's weights and tables in flash."""
    return sum(array.nbytes for array in step.kernel.constants().values())


def describe_storage(storage: Storage) -> str:
    """``full``, ``rows 3``, ``tile 5x7`` or ``frame 3x48``."""
    match storage:
        case Full():
            return "full"
        case Rows(count):
            return f"rows {count}"
        case Tile(height, width):
            return f"tile {height}x{width}"
        case Frame(height, width):
            return f"frame {height}x{width}"
