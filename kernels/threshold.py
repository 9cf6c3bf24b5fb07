"""Spikes of integers: S = [x > threshold]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window


@dataclass(frozen=True, eq=False)
class Threshold(Kernel):
    """Integers of any type to spikes (BIT) of the same ``shape``."""

    template: ClassVar[str] = "threshold"
    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    threshold: int

    def cost(self, window: Window) -> Cost:
        batch = self.shape[0] if len(self.shape) in (3, 4) else 1
        pixels = window.pixels * batch if len(self.shape) in (3, 4) else int(np.prod(self.shape[:-1]))
        return Cost(operations=pixels * self.shape[-1])

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (inputs[0] > self.threshold,)
