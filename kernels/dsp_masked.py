"""Layers whose inputs mostly spike, by Arm's DSP extension: all weights are looked at, whatever the rate.

USADA8 adds up the absolute differences of four pairs of bytes. Where w is a weight raised by 127 and m is 254
for a spike, else 0, |w − m| is 254 − w for a spike, else w. They add up to the sum of raised weights, less
twice the sum of the weights of spikes as they were before: no multiplication, and a quarter of an instruction
for a weight. Numbers are those of ``EventDense`` and ``EventConv2D``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost
from ..ir.window import Window
from .event import EventLayer, Layer
from .event_conv2d import EventConv2D
from .event_dense import EventDense
from .event_rows import Times, current_range

RAISED = 127
"""What is added to weights."""
_INPUTS, _OUTPUTS = 16, 4
"""That the micro-kernel takes at a time."""
_LARGEST = 2**30 - 1
"""A sum is twice the current."""


@dataclass(frozen=True, eq=False)
class _Masked(EventLayer):
    """A byte for each input is in working memory."""

    times: ClassVar[Times] = Times(addition=0.655, spike=0.0, input=4.6, output=7.8, vector=120.0)
    """Fitted to dense layers and 3 × 3 convolutions on a Cortex-M4; additions are of all weights."""

    @classmethod
    def fitting(cls: type[Layer], kernel: EventLayer) -> Layer | None:
        """None where weights do not fit a byte without sign, or twice the currents 32 bits."""
        low, high = current_range(kernel.matrix, kernel.bias)
        fits = int(kernel.weights.min(initial=0)) >= -RAISED and max(-low, high) <= _LARGEST
        return cls.like(kernel) if fits else None

    @property
    def filled(self) -> int:
        """Inputs, filled up with some that do not spike."""
        return -(-self.taps // _INPUTS) * _INPUTS

    def constants(self) -> Mapping[str, np.ndarray]:
        """uint32 [groups of four outputs, words]: what the sums begin with, then, of sixteen inputs at a
        time, the weights of each output."""
        raised = self.matrix.astype(np.int64) + RAISED
        begins = -(2 * self.bias.astype(np.int64) + raised.sum(axis=1))
        outputs = -len(raised) % _OUTPUTS
        padded = np.pad(raised, ((0, outputs), (0, self.filled - self.taps))).astype(np.uint8)
        words = padded.reshape(-1, _OUTPUTS, self.filled // _INPUTS, _INPUTS).transpose(0, 2, 1, 3)
        groups = np.ascontiguousarray(words).reshape(len(words), -1).view("<u4")
        first = np.pad(begins, (0, outputs)).astype(np.int32).view(np.uint32).reshape(-1, _OUTPUTS)
        return {"weights": np.concatenate([first, groups], axis=1)}

    def cost(self, window: Window) -> Cost:
        """Of all inputs, those in the padding too."""
        return self.times.cost(replace(self.fan(window), taps=self.taps, rate=1.0))

    def scratch(self) -> int:
        """Spikes are widened by bytes of eight."""
        return self.filled + 8


@dataclass(frozen=True, eq=False)
class DspMaskedDense(_Masked, EventDense):
    """Vectors."""

    template: ClassVar[str] = "dsp_masked_dense"


@dataclass(frozen=True, eq=False)
class DspMaskedConv2D(_Masked, EventConv2D):
    """Pixels, whose spikes are gathered first."""

    template: ClassVar[str] = "dsp_masked_conv2d"
