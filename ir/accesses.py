"""Which bytes of the arena the caller and the tasks touch, and when: one table for a whole program.

Time is counted in *moments*: at 0 the caller writes the inputs, task t runs at t + 1, and after the last task
the caller reads the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .program import Buffer, Program, Role, When
from .window import Window


@dataclass(frozen=True, eq=False)
class Accesses:
    """One element of each array per *run*: contiguous bytes of a buffer that owns memory.

    A window that takes all columns of its storage is one run, or two where it wraps around the end of a ring;
    any other is one run per row. Runs count bytes from the first of all owners, which lie one after the other
    here: owner ``names[i]`` from ``bases[i]`` to ``bases[i + 1]``. Windows without bytes have no runs.
    """

    names: tuple[str, ...]
    bases: np.ndarray
    moments: int
    """How many there are: two more than tasks."""
    firsts: tuple[int, ...]
    """The number of each task's first operand; operands count on in the order inputs, outputs, scratch, flags
    of the condition."""
    operand: np.ndarray
    moment: np.ndarray
    writes: np.ndarray
    condition: np.ndarray
    """A number for the condition of the task, 0 where it has none."""
    excluded: np.ndarray
    """By number of a condition that of the one which never holds together with it, 0 where there is none."""
    begin: np.ndarray
    end: np.ndarray
    row_begin: np.ndarray
    row_end: np.ndarray
    """The stored rows that the run is a part of."""


def accesses(program: Program) -> Accesses:
    """The table of ``program``. Inputs that a step computes are not written by the caller."""
    windows = _Windows(program)
    fed = {name for step in program.steps for name in step.outputs}
    for name in program.inputs:
        if name not in fed:
            windows.add_stored(0, name, True)
    firsts: list[int] = []
    for moment, task in enumerate(program.tasks, 1):
        step = program.steps[task.step]
        windows.condition(task.when)
        firsts.append(windows.count)
        for operand, name in enumerate(step.inputs):
            window = None if task.window is None else program.needed(step, operand, task.window)
            windows.add(moment, name, window, program.corner(task, name, False), False)
        for name in step.outputs:
            windows.add(moment, name, task.window, program.corner(task, name, True), True)
        for name in step.scratch:
            windows.add(moment, name, None, (0, 0), True)
        if task.when is not None:
            corner = program.corner(task, task.when.flag, False)
            windows.add(moment, task.when.flag, task.when.window, corner, False)
    windows.condition(None)
    for name in program.outputs:
        windows.add_stored(len(program.tasks) + 1, name, False)
    return windows.runs(tuple(firsts))


class _Windows:
    """Windows as rows of integers, and what has to be known of each buffer to turn them into bytes."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._moments = len(program.tasks) + 2
        self._rows: list[tuple[int, ...]] = []
        self._conditions: dict[When | None, int] = {None: 0}
        self._condition = 0
        used = {name for step in program.steps for name in program.operands(step)}
        used |= {*program.inputs, *program.outputs}
        owners = {name: program.owner(name) for name in program.buffers if name in used}
        held = {owner for owner, _ in owners.values() if program.buffers[owner].role is not Role.STATE}
        self._names = tuple(name for name in program.buffers if name in held)
        sizes = [program.buffers[name].nbytes for name in self._names]
        self._bases = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        bases = dict(zip(self._names, self._bases.tolist(), strict=False))
        self._number = {name: number for number, name in enumerate(owners)}
        self._whole = {name: program.buffers[name].whole for name in owners}
        facts = [
            _facts(program.buffers[name], bases[owner] + at) if owner in held else _NOTHING
            for name, (owner, at) in owners.items()
        ]
        self._facts = np.array(facts, np.int64).reshape(-1, 5)

    @property
    def count(self) -> int:
        return len(self._rows)

    def condition(self, when: When | None) -> None:
        """What is added from here on is touched only where ``when`` holds."""
        self._condition = self._conditions.setdefault(when, len(self._conditions))

    def _excluded(self) -> np.ndarray:
        opposites = (when and replace(when, value=not when.value) for when in self._conditions)
        return np.array([self._conditions.get(when, 0) for when in opposites], np.int64)

    def add(
        self, moment: int, name: str, window: Window | None, corner: tuple[int, int], writes: bool
    ) -> None:
        """An operand of a task; ``window`` None is all of it, ``corner`` what its storage begins with."""
        w, (top, left) = window or self._whole[name], corner
        columns = w.x0 - left, w.x1 - left
        row = (moment, writes, self._condition, self._number[name], w.y0 - top, w.y1 - top, *columns)
        self._rows.append(row)

    def add_stored(self, moment: int, name: str, writes: bool) -> None:
        """All that is stored of an input or output."""
        rows, columns = self._program.buffers[name].pixels_stored
        self.add(moment, name, Window(0, rows, 0, columns), (0, 0), writes)

    def runs(self, firsts: tuple[int, ...]) -> Accesses:
        """Every window as its runs of bytes."""
        table = np.array(self._rows, np.int64).reshape(-1, 8)
        operand, (moment, writes, condition, buffer, y0, y1, x0, x1) = np.arange(len(table)), table.T
        origin, stored, columns, pixel, batch = self._facts[buffer].T
        x0, x1 = np.clip(x0, 0, columns), np.clip(x1, 0, columns)
        height = np.where(x1 > x0, np.clip(y1 - y0, 0, stored), 0)
        across = x1 - x0 == columns
        # the samples of a batch follow each other in memory: all rows of all of them are one run
        whole = across & (height == stored)
        samples, batch = np.where(whole, 1, batch), np.where(whole, batch, 1)
        stored, height = stored * batch, height * batch
        start = np.where(whole, 0, y0 % np.maximum(stored, 1))
        parts = np.where(across, (height > 0) + (height > stored - start).astype(np.int64), height)

        window, sample = repeated(samples)
        part_of, part = repeated(parts[window])
        source, sample = window[part_of], sample[part_of]
        start, stored, height, across = start[source], stored[source], height[source], across[source]
        row = np.where(across & (part > 0), 0, (start + part) % np.maximum(stored, 1))
        upto_end = np.minimum(height, stored - start)
        rows = np.where(across, np.where(part == 0, upto_end, height - upto_end), 1)
        pixel, columns = pixel[source], columns[source]
        row_begin = origin[source] + (sample * stored + row) * columns * pixel
        row_end = row_begin + rows * columns * pixel
        return Accesses(
            self._names, self._bases, self._moments, firsts,
            operand[source], moment[source], writes[source].astype(bool), condition[source], self._excluded(),
            row_begin + x0[source] * pixel, row_end - (columns - x1[source]) * pixel, row_begin, row_end,
        )  # fmt: skip


_NOTHING = (0, 0, 0, 0, 1)
"""The facts of a buffer outside the arena: none of its windows have bytes there."""


def _facts(buffer: Buffer, begin: int) -> tuple[int, int, int, int, int]:
    """Where the buffer begins, rows and columns stored, bytes of a pixel, and samples."""
    rows, columns = buffer.pixels_stored
    return begin, rows, columns, buffer.pixel_bytes, buffer.batch


def repeated(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each index as often as ``counts`` says, and the number of each repetition."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
