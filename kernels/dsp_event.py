"""Event-driven layers by Arm's DSP extension; numbers are those of ``EventDense`` and ``EventConv2D``.

SXTAB16 adds two bytes to the halves of a word. Sixteen outputs at a time have their sums in eight registers,
while all rows that spiked go by. Outputs that do not fill a block are filled up with some that are not kept;
where they are but a few, they are added by the portable routine.
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
_FEW = 4
"""Outputs for which no block pays: the portable routine has them in a word."""


@dataclass(frozen=True, eq=False)
class _InBlocks(EventLayer):
    times: ClassVar[Times] = Times(addition=1.03, spike=10.0, input=0.55, output=2.3, vector=105.0)
    """Of blocks, fitted to dense layers and 3 × 3 convolutions on a Cortex-M4."""
    rest_times: ClassVar[Times] = replace(PORTABLE, spike=0.0, input=0.0, vector=40.0)
    """Of the rest: spikes are listed for both."""

    @classmethod
    def fitting(cls: type[Layer], kernel: EventLayer) -> Layer | None:
        """None where there is no block."""
        return cls.like(kernel) if kernel.outputs > _FEW else None

    @property
    def blocks(self) -> int:
        """Of outputs that are all kept."""
        return self.outputs // BLOCK

    @property
    def behind(self) -> int:
        """Outputs behind these blocks."""
        return self.outputs % BLOCK

    @property
    def partial(self) -> bool:
        """Whether these are a block as well, which is filled up."""
        return self.behind > _FEW

    @property
    def listed_from(self) -> int:
        """A block that is filled up comes to lie in working memory."""
        return BLOCK * self.dtype.size if self.partial else 0

    def scratch(self) -> int:
        return self.listed_from + super().scratch()

    def cost(self, window: Window) -> Cost:
        fan, full = self.fan(window), (self.blocks + self.partial) * BLOCK
        cost = self.times.cost(replace(fan, outputs=full, reach=full))
        if self.partial or not self.behind:
            return cost
        return cost + self.rest_times.cost(replace(fan, outputs=self.behind, reach=self.behind))

    def constants(self) -> Mapping[str, np.ndarray]:
        """Of blocks, filled up, and of the few behind them, if any, as the portable kernel has them. Biases
        of 16 bits are in words, which are aligned."""
        rows, bias = self.matrix.T, self.bias.astype(self.dtype.numpy)
        end = self.outputs if self.partial else self.blocks * BLOCK
        filled = -end % BLOCK
        first = np.pad(bias[:end], (0, filled))
        named = {
            "weights": in_blocks(np.pad(rows[:, :end], ((0, 0), (0, filled))), BLOCK // 4),
            "bias": first.view("<u4") if self.dtype is DType.INT16 else first,
        }
        if end == self.outputs:
            return named
        return named | {"rest": in_blocks(rows[:, end:], WORDS, RAISED), "rest_bias": bias[end:]}


@dataclass(frozen=True, eq=False)
class DspEventDense(_InBlocks, EventDense):
    """Of more than four outputs."""

    template: ClassVar[str] = "dsp_event_dense"


@dataclass(frozen=True, eq=False)
class DspEventConv2D(_InBlocks, EventConv2D):
    """Of more than four output channels."""

    template: ClassVar[str] = "dsp_event_conv2d"
