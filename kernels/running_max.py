"""A maximum over all rows and columns in two kernels, so that no more than a row of it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.window import Window
from .passthrough import Passthrough
from .pool import MaxPool
from .running import Finished, Running, covers


@dataclass(frozen=True, eq=False)
class RunningMax(Running):
    """The largest element so far."""

    template: ClassVar[str] = "running_max"

    def start(self) -> np.ndarray:
        lowest = float(np.finfo(np.float32).min) if self.dtype.is_float else self.dtype.lowest
        return np.full(self.channels, lowest, self.dtype.numpy)

    def widened(self, row: np.ndarray) -> np.ndarray:
        return row

    def joined(self, so_far: np.ndarray, pixel: np.ndarray) -> np.ndarray:
        return np.maximum(so_far, pixel)


@dataclass(frozen=True, eq=False)
class FinishedMax(Finished):
    """The largest element as MaxPool gives it out."""

    template: ClassVar[str] = "finished_max"

    result: Passthrough

    def constants(self) -> Mapping[str, np.ndarray]:
        return self.result.constants()

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (self.result.apply(inputs[0]),)


def split_max(pool: MaxPool) -> tuple[RunningMax, FinishedMax] | None:
    """The two kernels that compute what ``pool`` computes; None where it is not one maximum over all elements
    of more than one row of one sample."""
    if not covers(pool.sliding) or pool.sliding.input[0] == 1:
        return None
    rows, columns = pool.sliding.input
    return (
        RunningMax(columns, pool.channels, pool.dtype),
        FinishedMax(rows, pool.channels, pool.result),
    )
