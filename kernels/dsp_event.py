"""Event-driven layers by Arm's DSP extension; numbers are those of ``EventDense`` and ``EventConv2D``.

SXTAB16 adds two bytes to the halves of a word. Sixteen outputs at a time have their sums in eight registers,
while all rows that spiked go by; outputs that do not fill a block are added by the portable routine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .event import EventLayer, Layer
from .event_conv2d import EventConv2D
from .event_dense import EventDense
from .event_rows import PORTABLE, RAISED, WORDS, Times, in_blocks

BLOCK = 16
"""Outputs at a time."""


@dataclass(frozen=True, eq=False)
class _InBlocks(EventLayer):
    times: ClassVar[Times] = Times(addition=1.03, spike=10.0, input=0.55, output=2.3, vector=105.0)
    """Of blocks, fitted to dense layers and 3 × 3 convolutions on a Cortex-M4."""
    rest_times: ClassVar[Times] = replace(PORTABLE, spike=0.0, input=0.0, vector=40.0)
    """Of the rest: spikes are listed for both."""

    @classmethod
    def fitting(cls: type[Layer], kernel: EventLayer) -> Layer | None:
        """None where there is no full block."""
        return cls.like(kernel) if kernel.outputs >= BLOCK else None

    @property
    def blocks(self) -> int:
        return self.outputs // BLOCK

    @property
    def rest(self) -> int:
        """Outputs behind the blocks."""
        return self.outputs % BLOCK

    def cost(self, window: Window) -> Cost:
        fan, full = self.fan(window), self.blocks * BLOCK
        cost = self.times.cost(replace(fan, outputs=full, reach=full))
        if not self.rest:
            return cost
        return cost + self.rest_times.cost(replace(fan, outputs=self.rest, reach=self.rest))

    def constants(self) -> Mapping[str, np.ndarray]:
        """Of full blocks, and of the rest, if any, as the portable kernel has them. Biases of 16 bits are in
        words, which are aligned."""
        rows, bias, end = self.matrix.T, self.bias.astype(self.dtype.numpy), self.blocks * BLOCK
        first = np.ascontiguousarray(bias[:end])
        named = {
            "weights": in_blocks(rows[:, :end], BLOCK // 4),
            "bias": first.view("<u4") if self.dtype is DType.INT16 else first,
        }
        if not self.rest:
            return named
        return named | {"rest": in_blocks(rows[:, end:], WORDS, RAISED), "rest_bias": bias[end:]}


@dataclass(frozen=True, eq=False)
class DspEventDense(_InBlocks, EventDense):
    """Of sixteen outputs and more."""

    template: ClassVar[str] = "dsp_event_dense"


@dataclass(frozen=True, eq=False)
class DspEventConv2D(_InBlocks, EventConv2D):
    """Of sixteen output channels and more."""

    template: ClassVar[str] = "dsp_event_conv2d"
