"""Rows of a frame moved as the frame slides along its tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window

_WORD = 4
"""Bytes moved at a time."""


@dataclass(frozen=True)
class Slide(Kernel):
    """Input and output are the same buffer, a frame: a task's window, the rows that it keeps, moves to where
    they lie once the frame begins ``rows`` further down (negative: up). A pixel takes ``nbytes``."""

    template: ClassVar[str] = "slide"
    windowed: ClassVar[bool] = True

    rows: int
    nbytes: int

    @property
    def slides(self) -> int:
        return self.rows

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (inputs[0],)

    def cost(self, window: Window) -> Cost:
        """A word is moved in about the time of an operation on an element."""
        return Cost(operations=window.pixels * -(-self.nbytes // _WORD))
