"""What a tensor of a rate-coded network carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from ..onnx_graph import Array


class Coding(Enum):
    """How a tensor of one time step stands for a real one."""

    ANALOG = "analog"
    """By its value: inputs, and what is computed from them alone without a neuron."""
    CURRENT = "current"
    """By its mean over the time steps."""
    SPIKES = "spikes"
    """By the share of time steps in which it is 1, times its level."""
    TIMES = "times"
    """By the share of a period that is left, its own time step included, when it is 1, times its level."""


@dataclass(frozen=True, eq=False)
class Signal:
    """A tensor's coding; ``levels`` are the real values that a spike in every step, or a time in the first,
    stands for, of the tensor's shape; None for codings without spikes."""

    coding: Coding
    levels: Array | None = None

    @classmethod
    def spikes(cls, levels: Array, shape: tuple[int, ...]) -> Signal:
        """Spikes of ``levels``, which broadcast to the tensor's ``shape``."""
        return cls(Coding.SPIKES, np.broadcast_to(levels, shape))

    def moved(self, levels: Array, shape: tuple[int, ...]) -> Signal:
        """The same coding where the values of ``levels``, which broadcast to ``shape``, were moved to."""
        return replace(self, levels=np.broadcast_to(levels, shape))

    def along(self, axis: int) -> Array | None:
        """[elements of ``axis``] levels of spikes; None where they differ along other axes."""
        assert self.levels is not None
        rows = np.moveaxis(self.levels, axis, 0).reshape(self.levels.shape[axis], -1)
        return rows[:, 0] if np.all(rows == rows[:, :1]) else None


def summed(*signals: Signal) -> Signal:
    """A weighted sum of tensors of these codings: analog where all are. What spikes of times make is added up
    over the steps first."""
    analog = all(signal.coding is Coding.ANALOG for signal in signals)
    return Signal(Coding.ANALOG if analog else Coding.CURRENT)
