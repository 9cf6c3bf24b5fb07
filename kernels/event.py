"""What event-driven layers are: spikes to currents, by additions only."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, TypeVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .event_rows import PORTABLE, RAISED, WORDS, Fan, Times, in_blocks

Layer = TypeVar("Layer", bound="EventLayer")


@dataclass(frozen=True, eq=False)
class EventLayer(Kernel):
    """Spikes (BIT) to currents of ``dtype`` in units of the weights' scales, bias included. Bits that fill up
    the last byte of a vector or pixel of spikes have to be 0, as ``ir.bits`` makes them."""

    times: ClassVar[Times] = PORTABLE

    weights: np.ndarray
    """int8, outputs first."""
    bias: np.ndarray
    """Integers [outputs] in units of the currents."""
    dtype: DType
    """INT16 or INT32"""
    rate: float | None
    """Expected share of inputs that spike, None where it is unknown; only costs depend on it."""

    @classmethod
    def like(cls: type[Layer], kernel: EventLayer) -> Layer:
        """The same layer; ``kernel`` is of a class from which this one is derived."""
        return cls(**{field.name: getattr(kernel, field.name) for field in fields(kernel)})

    @property
    @abstractmethod
    def matrix(self) -> np.ndarray:
        """int8 [outputs, taps]: for each output of a vector or pixel, all inputs that it may have."""

    @abstractmethod
    def fan(self, window: Window) -> Fan:
        """What is computed for ``window``."""

    @property
    def listed_from(self) -> int:
        """Bytes of working memory in front of the list of spikes."""
        return 0

    @property
    def weight_bits(self) -> int:
        return DType.of(self.weights.dtype).bits

    @property
    def outputs(self) -> int:
        """Of a vector or pixel."""
        return self.weights.shape[0]

    @property
    def taps(self) -> int:
        """Inputs of a vector, or under a pixel."""
        return self.matrix.shape[1]

    def cost(self, window: Window) -> Cost:
        return self.times.cost(self.fan(window))

    def constants(self) -> Mapping[str, np.ndarray]:
        return {
            "weights": in_blocks(self.matrix.T, WORDS, RAISED),
            "bias": self.bias.astype(self.dtype.numpy),
        }

    def scratch(self) -> int:
        """The numbers of the inputs that spiked."""
        return 2 * self.taps
