"""Event-driven dense layers: the current of an output is the sum of its weights for inputs that spiked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.window import Window
from .event import EventLayer
from .event_rows import Fan, check_rows, current_type, spike_sums


@dataclass(frozen=True, eq=False)
class EventDense(EventLayer):
    """Vectors [..., in] to [..., out]; ``weights`` are [out, in]."""

    template: ClassVar[str] = "event_dense"

    shape: tuple[int, ...]
    """Of the output."""

    @classmethod
    def of(
        cls, shape: tuple[int, ...], weights: np.ndarray, bias: np.ndarray, rate: float | None = None
    ) -> EventDense:
        """Currents are int16 where the weights prove that this is enough. Raises ValueError where 32 bits are
        not, and for more than 2^16 inputs."""
        check_rows(weights.shape[1])
        return cls(weights, bias, current_type(weights, bias), rate, shape)

    @property
    def matrix(self) -> np.ndarray:
        return self.weights

    @property
    def rows(self) -> int:
        """Vectors, one after the other."""
        return int(np.prod(self.shape[:-1]))

    def fan(self, window: Window) -> Fan:
        return Fan(self.rows, self.taps, self.outputs, self.outputs, self.rate)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        spikes = inputs[0].reshape(self.rows, -1)
        return (spike_sums(spikes, self.weights, self.bias, self.dtype).reshape(self.shape),)
