"""Rows of an input as the caller delivers them: a camera's lines, a sensor's samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window


@dataclass(frozen=True)
class Feed(Kernel):
    """Has no inputs: its one output is an input of the program, of which a task asks for rows.

    ``again``: rows may be asked for more than once, in any order. Otherwise each is asked for once, from the
    first to the last.
    """

    template: ClassVar[str] = "feed"
    windowed: ClassVar[bool] = True

    elements: int
    """Of one row."""
    again: bool

    @property
    def ascending(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Rows that come once come in order."""
        return not self.again

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        """Nothing to compute; TypeError, since whoever runs the program has the rows."""
        raise TypeError("the rows of an input come from the caller")

    def cost(self, window: Window) -> Cost:
        """A move of each element; tasks always take whole rows."""
        return Cost(operations=self.elements * window.height)
