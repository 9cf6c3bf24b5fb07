"""Pools of spikes: whether any spiked under the kernel, and how many did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .sliding import Sliding


@dataclass(frozen=True, eq=False)
class _SpikePool(Kernel):
    """Spikes (BIT) [n, rows, columns, channels], 1-D pools without columns. Padding never spikes. Bits that
    fill up a pixel's last byte have to be 0, as ``ir.bits`` makes them."""

    windowed: ClassVar[bool] = True

    sliding: Sliding
    channels: int

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def taken(self, inputs: Sequence[np.ndarray], window: Window) -> np.ndarray:
        """bool [n, rows, columns, kernel rows, kernel columns, channels] under ``window``."""
        return self.sliding.patches(inputs[0], window, False)


@dataclass(frozen=True, eq=False)
class SpikeMaxPool(_SpikePool):
    """A spike where any channel's input spiked: OR, eight channels at a time."""

    template: ClassVar[str] = "spike_max_pool"

    def cost(self, window: Window) -> Cost:
        taps = self.sliding.taps * window.pixels * self.sliding.batch
        return Cost(operations=taps * DType.BIT.nbytes(self.channels))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        out = self.taken(inputs, window).max(axis=(3, 4))
        return (out if inputs[0].ndim == 4 else out[:, :, 0],)


@dataclass(frozen=True, eq=False)
class SpikeSumPool(_SpikePool):
    """The number of spikes: integers of ``dtype``. An average over as many taps everywhere is the same number
    in units of one tap's share."""

    template: ClassVar[str] = "spike_sum_pool"

    dtype: DType
    """INT8, or INT16 where there are more than 127 taps."""

    @classmethod
    def of(cls, sliding: Sliding, channels: int) -> SpikeSumPool:
        """Raises ValueError for more taps than 16 bits count."""
        for dtype in (DType.INT8, DType.INT16):
            if sliding.taps <= dtype.highest:
                return cls(sliding, channels, dtype)
        raise ValueError(f"{sliding.taps:,} taps are more than 16 bits count")

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.sliding.taps * self.channels * window.pixels * self.sliding.batch)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        out = self.taken(inputs, window).sum(axis=(3, 4), dtype=self.dtype.numpy)
        return (out if inputs[0].ndim == 4 else out[:, :, 0],)
