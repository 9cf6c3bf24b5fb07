"""A window of frames moves up by the new ones: out = in without its first elements, and the new behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window


@dataclass(frozen=True)
class Shift(Kernel):
    """Input 0 is the window, of ``shape`` in memory, input 1 the ``new`` elements that come in behind. The
    result may take the window's place."""

    template: ClassVar[str] = "shift"

    shape: tuple[int, ...]
    new: int

    @property
    def kept(self) -> int:
        """Elements of the window that stay."""
        return prod(self.shape) - self.new

    def cost(self, window: Window) -> Cost:
        return Cost(operations=prod(self.shape))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        kept, new = inputs[0].reshape(-1)[self.new :], inputs[1].reshape(-1)
        return (np.concatenate([kept, new]).reshape(self.shape),)

    def in_place(self) -> tuple[int, ...]:
        return (0,)
