"""Means and maxima of packed tensors that keep one row; numbers are ``RunningSum``'s and ``RunningMax``'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .running import Finished, Running
from .running_max import FinishedMax, RunningMax
from .running_sum import FinishedMean, RunningSum


@dataclass(frozen=True, eq=False)
class PackedRunningSum(RunningSum):
    """Pixels of 8, 4 or 2 bits."""

    template: ClassVar[str] = "packed_running_sum"


@dataclass(frozen=True, eq=False)
class PackedFinishedMean(FinishedMean):
    """A mean of 8, 4 or 2 bits."""

    template: ClassVar[str] = "packed_finished_mean"


@dataclass(frozen=True, eq=False)
class PackedRunningMax(RunningMax):
    """Pixels and maxima of 8, 4 or 2 bits."""

    template: ClassVar[str] = "packed_running_max"


@dataclass(frozen=True, eq=False)
class PackedFinishedMax(FinishedMax):
    """Maxima of 8, 4 or 2 bits."""

    template: ClassVar[str] = "packed_finished_max"


def packed_pair(running: Running, finished: Finished) -> tuple[Running, Finished]:
    """The same two kernels for tensors of which some are packed."""
    match running, finished:
        case RunningSum() as r, FinishedMean() as f:
            return (
                PackedRunningSum(r.columns, r.channels, r.dtype, r.centre),
                PackedFinishedMean(f.rows, f.channels, f.correction, f.count, f.epilogue),
            )
        case RunningMax() as r, FinishedMax() as f:
            return (
                PackedRunningMax(r.columns, r.channels, r.dtype),
                PackedFinishedMax(f.rows, f.channels, f.result),
            )
        case _:
            raise TypeError(f"{type(running).__name__} has no form for packed tensors")
