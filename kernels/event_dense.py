"""Event-driven dense layers: the current of an output is the sum of its weights for inputs that spiked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .event_rows import RAISED, WORDS, check_rows, current_type, event_cost, in_blocks, spike_sums


@dataclass(frozen=True, eq=False)
class EventDense(Kernel):
    """Spikes (BIT) [..., in] to currents [..., out] of ``dtype``, in units of the weights' scales, bias
    included. Bits that fill up the last byte of a vector have to be 0, as ``ir.bits`` makes them."""

    template: ClassVar[str] = "event_dense"

    shape: tuple[int, ...]
    """Shape of the output; its last axis has ``weights.shape[0]`` elements."""
    weights: np.ndarray
    """int8 [out, in]"""
    bias: np.ndarray
    """Integers [out] in units of the currents."""
    dtype: DType
    """INT16 or INT32"""
    rate: float | None
    """Expected share of inputs that spike, None where it is unknown; only ``cost`` reads it."""

    @classmethod
    def of(
        cls, shape: tuple[int, ...], weights: np.ndarray, bias: np.ndarray, rate: float | None = None
    ) -> EventDense:
        """Currents are int16 where the weights prove that this is enough. Raises ValueError where 32 bits are
        not, and for more than 2^16 inputs."""
        check_rows(weights.shape[1])
        return cls(shape, weights, bias, current_type(weights, bias), rate)

    @property
    def weight_bits(self) -> int:
        return DType.of(self.weights.dtype).bits

    @property
    def inputs(self) -> int:
        """Of a vector."""
        return self.weights.shape[1]

    @property
    def outputs(self) -> int:
        """Of a vector."""
        return self.weights.shape[0]

    @property
    def rows(self) -> int:
        """Vectors, one after the other."""
        return int(np.prod(self.shape[:-1]))

    def constants(self) -> Mapping[str, np.ndarray]:
        return {
            "weights": in_blocks(self.weights.T, WORDS, RAISED),
            "bias": self.bias.astype(self.dtype.numpy),
        }

    def cost(self, window: Window) -> Cost:
        return event_cost(self.rows, self.inputs, self.outputs, self.outputs, self.rate)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        spikes = inputs[0].reshape(self.rows, -1)
        return (spike_sums(spikes, self.weights, self.bias, self.dtype).reshape(self.shape),)

    def scratch(self) -> int:
        """The numbers of the inputs that spiked."""
        return 2 * self.inputs
