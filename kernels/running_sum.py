"""A mean over all rows and columns in two kernels, so that no more than a row of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.window import Window
from .epilogue import Epilogue
from .pool import AveragePool
from .running import Finished, Running, covers


@dataclass(frozen=True, eq=False)
class RunningSum(Running):
    """The sum of all pixels so far, each minus ``centre``, which keeps sums of unsigned elements short."""

    template: ClassVar[str] = "running_sum"

    centre: int

    def start(self) -> np.ndarray:
        return self.widened(np.zeros(self.channels))

    def widened(self, row: np.ndarray) -> np.ndarray:
        return row.astype(np.float32 if self.dtype.is_float else np.int64)

    def joined(self, so_far: np.ndarray, pixel: np.ndarray) -> np.ndarray:
        return so_far + (self.widened(pixel) - so_far.dtype.type(self.centre))


@dataclass(frozen=True, eq=False)
class FinishedMean(Finished):
    """The mean from the sum, as AveragePool makes it: ``correction`` takes the zero points off integers,
    whose division is part of the epilogue's multiplier; floats are divided by ``count``."""

    template: ClassVar[str] = "finished_mean"

    correction: int
    count: int
    epilogue: Epilogue

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        total = inputs[0]
        if total.dtype == np.float32:
            return (self.epilogue.apply(total / np.float32(self.count)),)
        return (self.epilogue.apply(total.astype(np.int64) + self.correction),)


def split_mean(pool: AveragePool, dtype: DType) -> tuple[RunningSum, FinishedMean] | None:
    """The two kernels that compute what ``pool`` computes of a tensor of ``dtype``, bit for bit; None where
    it is not one mean over all elements of more than one row of one sample."""
    if not covers(pool.sliding) or pool.sliding.input[0] == 1:
        return None
    ((count, epilogue),) = pool.epilogues.items()
    rows, columns = pool.sliding.input
    if dtype.is_float:
        held, centre = DType.FLOAT32, 0
    else:
        lowest, highest = int(dtype.lowest), int(dtype.highest)
        centre = (lowest + highest + 1) // 2
        held = DType.INT16 if (centre - lowest) * rows * columns <= 2**15 else DType.INT32
    correction = (centre - pool.input_zero) * rows * columns
    kind = pool.running or RunningSum
    return (
        kind(columns, pool.channels, held, centre),
        FinishedMean(rows, pool.channels, correction, count, epilogue),
    )
