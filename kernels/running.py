"""Reductions of a whole image that keep one row: what has been seen so far, updated row by row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .sliding import Sliding


@dataclass(frozen=True, eq=False)
class Running(Kernel):
    """Row y of the output (one column) reduces rows 0 to y of input 0, of ``columns`` columns.

    Input 1 is the output itself: row y is made of its row y - 1, and may take its place. There is no row
    before the first, and none is read. So the rows are computed from the first to the last.
    """

    windowed: ClassVar[bool] = True
    ascending: ClassVar[bool] = True

    columns: int
    channels: int
    dtype: DType
    """Of the output."""

    def needs(self, operand: int, window: Window) -> Window:
        if operand == 0:
            return Window(window.y0, window.y1, 0, self.columns)
        return Window(window.y0 - 1, window.y0, window.x0, window.x1)

    def in_place(self) -> tuple[int, ...]:
        return (1,)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.columns * self.channels * window.pixels)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        rows = inputs[0].reshape(window.height, self.columns, self.channels)
        before = inputs[1].reshape(-1, self.channels)
        so_far = self.widened(before[-1]) if len(before) else self.start()
        out = np.empty((window.height, self.channels), self.dtype.numpy)
        for y, row in enumerate(rows):
            for pixel in row:  # in the order of the C
                so_far = self.joined(so_far, pixel)
            out[y] = so_far
        return (out.reshape(1, window.height, *(1,) * (inputs[0].ndim - 3), self.channels),)

    @abstractmethod
    def start(self) -> np.ndarray:
        """[channels] before the first pixel, in the type that computes."""

    @abstractmethod
    def widened(self, row: np.ndarray) -> np.ndarray:
        """A row of the output in the type that computes."""

    @abstractmethod
    def joined(self, so_far: np.ndarray, pixel: np.ndarray) -> np.ndarray:
        """``so_far`` and one more pixel of the input."""


@dataclass(frozen=True, eq=False)
class Finished(Kernel):
    """One pixel made of the last of a ``Running`` kernel's ``rows``."""

    windowed: ClassVar[bool] = True

    rows: int
    channels: int

    def needs(self, operand: int, window: Window) -> Window:
        return Window(self.rows - 1, self.rows, window.x0, window.x1)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.channels * window.pixels)


def covers(sliding: Sliding) -> bool:
    """True where one window holds every element, once, of one sample."""
    taps = [
        {tap * sliding.dilation[axis] - sliding.pads[axis] for tap in range(sliding.kernel[axis])}
        for axis in (0, 1)
    ]
    inside = all(taps[axis].issuperset(range(sliding.input[axis])) for axis in (0, 1))
    return inside and sliding.output == (1, 1) and sliding.batch == 1
