"""What each step reads for a row or some columns of its output, looked up instead of asked again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...ir.program import Program
from ...ir.window import Window

ROWS, COLUMNS = 0, 1


@dataclass(frozen=True, eq=False)
class Reach:
    """Positions along one axis of an operand that a position of the output reads: [begin[i], end[i]).

    Both ascend. A position that reads nothing has an empty interval between its neighbours' intervals.
    """

    begin: np.ndarray
    end: np.ndarray


class Reads:
    """What windowed steps read. Rows depend on rows only and columns on columns, so each axis is a table. Of
    kernels that are not separable, tables tell what whole rows and whole columns read."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.reach = cache(self._reach)
        self.rows = cache(self._rows)

    def _rows(self, step: int, operand: int) -> list[tuple[int, int]]:
        """For each row of the step's output, the rows [begin, end) of input ``operand`` that it reads."""
        reach = self.reach(step, operand, ROWS)
        return list(zip(reach.begin.tolist(), reach.end.tolist(), strict=True))

    def needed(self, step: int, operand: int, window: Window) -> Window:
        """The window of input ``operand`` that ``window`` of the output reads."""
        if not self.program.steps[step].kernel.separable:
            return self.program.needed(self.program.steps[step], operand, window)
        rows = self._span(step, operand, ROWS, window.y0, window.y1)
        return Window(*rows, *self._span(step, operand, COLUMNS, window.x0, window.x1))

    def _span(self, step: int, operand: int, axis: int, begin: int, end: int) -> tuple[int, int]:
        if begin >= end:
            return 0, 0
        reach = self.reach(step, operand, axis)
        first, last = int(reach.begin[begin]), int(reach.end[end - 1])
        return (first, last) if first < last else (0, 0)

    def _reach(self, step: int, operand: int, axis: int) -> Reach:
        """Input ``operand`` of a step along ROWS or COLUMNS."""
        made = self.program.steps[step]
        rows, columns, _ = self.program.buffers[made.outputs[0]].grid
        begin: list[int] = []
        end: list[int] = []
        for at in range((rows, columns)[axis]):
            window = Window(at, at + 1, 0, columns) if axis == ROWS else Window(0, rows, at, at + 1)
            need = self.program.needed(made, operand, window)
            first, last = (need.y0, need.y1) if axis == ROWS else (need.x0, need.x1)
            before = end[-1] if end else 0
            begin.append(first if need.pixels else before)
            end.append(last if need.pixels else before)
        return Reach(np.array(begin, np.int64), np.array(end, np.int64))
