"""What a tensor of a rate-coded network carries."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False)
class Signal:
    """A tensor's coding; ``levels`` are the real values that a spike in every step stands for, of the
    tensor's shape; None for other codings."""

    coding: Coding
    levels: Array | None = None

    @classmethod
    def spikes(cls, levels: Array, shape: tuple[int, ...]) -> Signal:
        """Spikes of ``levels``, which broadcast to the tensor's ``shape``."""
        return cls(Coding.SPIKES, np.broadcast_to(levels, shape))

    def along(self, axis: int) -> Array | None:
        """[elements of ``axis``] levels of spikes; None where they differ along other axes."""
        assert self.levels is not None
        rows = np.moveaxis(self.levels, axis, 0).reshape(self.levels.shape[axis], -1)
        return rows[:, 0] if np.all(rows == rows[:, :1]) else None


def summed(*signals: Signal) -> Signal:
    """A weighted sum of tensors of these codings: analog where all are."""
    analog = all(signal.coding is Coding.ANALOG for signal in signals)
    return Signal(Coding.ANALOG if analog else Coding.CURRENT)
