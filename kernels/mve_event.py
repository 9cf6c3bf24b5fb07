"""Layers whose inputs are spikes by Arm's Helium; numbers are those of ``EventDense`` and ``EventConv2D``.

Rows of weights lie as they are; eight weights (currents of 32 bits: four) are widened as they are loaded, and
added to a vector of sums. All weights are taken as by the DSP extension, sixteen differences by one VABAV.

There is no timing table of a Cortex-M55: times are instructions, fitted to dense layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost
from ..ir.window import Window
from .dsp_masked import DspMaskedConv2D, DspMaskedDense
from .event import EventLayer
from .event_conv2d import EventConv2D
from .event_dense import EventDense
from .event_rows import Times

_TIMES = Times(addition=0.375, spike=6.0, input=0.2, output=0.3, vector=50.0)
"""Additions are those of eight weights to a vector, by four vectors at a time."""
_PAIR = 11.0
"""Instructions for a row of weights in two vectors."""


@dataclass(frozen=True, eq=False)
class _InVectors(EventLayer):
    def cost(self, window: Window) -> Cost:
        """Behind the last four vectors outputs are taken by two, part of which may be empty."""
        lanes = 16 // self.dtype.size
        fan, rest = self.fan(window), self.outputs % (4 * lanes)
        full = self.outputs - rest
        times = replace(_TIMES, addition=_TIMES.addition * 8 / lanes)
        cost = times.cost(replace(fan, outputs=full, reach=full))
        if not rest:
            return cost
        each = _PAIR / rest * (1 if rest <= 2 * lanes else 2)
        behind = Times(addition=each, spike=0.0, input=0.0, output=1.0, vector=15.0)
        return cost + behind.cost(replace(fan, outputs=rest, reach=rest))

    def constants(self) -> Mapping[str, np.ndarray]:
        weights = np.ascontiguousarray(self.matrix.T)
        return {"weights": weights, "bias": self.bias.astype(self.dtype.numpy)}


@dataclass(frozen=True, eq=False)
class MveEventDense(_InVectors, EventDense):
    """Vectors."""

    template: ClassVar[str] = "mve_event_dense"


@dataclass(frozen=True, eq=False)
class MveEventConv2D(_InVectors, EventConv2D):
    """Pixels."""

    template: ClassVar[str] = "mve_event_conv2d"


_ALL = Times(addition=0.188, spike=0.0, input=2.1, output=7.0, vector=50.0)


@dataclass(frozen=True, eq=False)
class MveMaskedDense(DspMaskedDense):
    """Vectors."""

    template: ClassVar[str] = "mve_masked_dense"
    times: ClassVar[Times] = _ALL


@dataclass(frozen=True, eq=False)
class MveMaskedConv2D(DspMaskedConv2D):
    """Pixels, whose spikes are gathered first."""

    template: ClassVar[str] = "mve_masked_conv2d"
    times: ClassVar[Times] = _ALL
