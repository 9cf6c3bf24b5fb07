"""Event-driven convolutions: a pixel's currents are the sums of the weights of the spikes under the kernel.

Layers without groups list the spikes under a pixel and add their rows, as dense layers do. In those with
groups a spike reaches few channels: its row is added to the currents where they lie.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .event_rows import RAISED, WORDS, check_rows, current_type, event_cost, in_blocks, spike_sums
from .sliding import Sliding


@dataclass(frozen=True, eq=False)
class EventConvolution(Kernel):
    """Spikes (BIT) [n, rows, columns, in] to currents [n, rows, columns, out] of ``dtype``, in units of the
    weights' scales, bias included; 1-D layers have no columns. Padding never spikes. Bits that fill up the
    last byte of a pixel have to be 0, as ``ir.bits`` makes them."""

    windowed: ClassVar[bool] = True

    sliding: Sliding
    groups: int
    weights: np.ndarray
    """int8 [out, kernel rows, kernel columns, in channels per group]"""
    bias: np.ndarray
    """Integers [out] in units of the currents."""
    dtype: DType
    """INT16 or INT32"""
    rate: float | None
    """Expected share of inputs that spike, None where it is unknown; only ``cost`` reads it."""

    @property
    def weight_bits(self) -> int:
        return DType.of(self.weights.dtype).bits

    @property
    def out_channels(self) -> int:
        return self.weights.shape[0]

    @property
    def in_channels(self) -> int:
        return self.weights.shape[3] * self.groups

    @property
    def fan_out(self) -> int:
        """Currents of a pixel that a spike under it is added to."""
        return self.out_channels // self.groups

    @property
    @abstractmethod
    def rows_of_weights(self) -> np.ndarray:
        """What the emitted C adds."""

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"weights": self.rows_of_weights, "bias": self.bias.astype(self.dtype.numpy)}

    def cost(self, window: Window) -> Cost:
        taps = self.sliding.taps * self.in_channels
        pixels = window.pixels * self.sliding.batch
        return event_cost(pixels, taps, self.fan_out, self.out_channels, self.rate)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        patches = self.sliding.patches(inputs[0], window, False)
        n, rows, columns = patches.shape[:3]
        depth = self.weights.shape[3]
        parts: list[np.ndarray] = []
        for g in range(self.groups):
            spikes = patches[..., g * depth : (g + 1) * depth].reshape(n * rows * columns, -1)
            own = slice(g * self.fan_out, (g + 1) * self.fan_out)
            weights = self.weights[own].reshape(self.fan_out, -1)
            parts.append(spike_sums(spikes, weights, self.bias[own], self.dtype))
        tail = (columns, self.out_channels) if inputs[0].ndim == 4 else (self.out_channels,)
        return (np.concatenate(parts, axis=1).reshape(n, rows, *tail),)


@dataclass(frozen=True, eq=False)
class EventConv2D(EventConvolution):
    """Without groups."""

    template: ClassVar[str] = "event_conv2d"

    @property
    def rows_of_weights(self) -> np.ndarray:
        """Taps in their order, of each its input channels."""
        return in_blocks(self.weights.reshape(self.out_channels, -1).T, WORDS, RAISED)

    def scratch(self) -> int:
        """The numbers of the rows of weights that are added."""
        return 2 * self.sliding.taps * self.in_channels


@dataclass(frozen=True, eq=False)
class EventGrouped(EventConvolution):
    """With groups; depthwise layers have one input channel in each."""

    template: ClassVar[str] = "event_grouped"

    @property
    def rows_of_weights(self) -> np.ndarray:
        """int8 [taps, in channels, outputs of a group]"""
        o, (kh, kw), depth = self.fan_out, self.sliding.kernel, self.weights.shape[3]
        apart = self.weights.reshape(self.groups, o, kh * kw, depth)
        return np.ascontiguousarray(apart.transpose(2, 0, 3, 1)).reshape(kh * kw, self.in_channels, o)

    @property
    def is_depthwise(self) -> bool:
        return self.weights.shape[3] == 1

    def constants(self) -> Mapping[str, np.ndarray]:
        """Where groups have several inputs, there is a table of each input's first output."""
        if self.is_depthwise:
            return super().constants()
        first = np.arange(self.in_channels) // self.weights.shape[3] * self.fan_out
        return {**super().constants(), "table": first.astype(np.uint8 if first.max() < 256 else np.uint16)}


def event_convolution(
    sliding: Sliding, groups: int, weights: np.ndarray, bias: np.ndarray, rate: float | None = None
) -> EventConvolution:
    """The kernel for int8 ``weights`` [out, kernel rows, kernel columns, in channels per group] and ``bias``
    [out]. Currents are int16 where the weights prove that this is enough.

    Raises ValueError where 32 bits are not, and for more than 2^16 inputs under a pixel.
    """
    check_rows(sliding.taps * weights.shape[3])
    kind = EventConv2D if groups == 1 else EventGrouped
    return kind(sliding, groups, weights, bias, current_type(weights.reshape(len(weights), -1), bias), rate)
