"""Event-driven convolutions: a pixel's currents are the sums of the weights of the spikes under the kernel.

Layers without groups list the spikes under a pixel and add their rows, as dense layers do. In those with
groups a spike reaches few channels: its row is added to the currents where they lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.window import Window
from .event import EventLayer
from .event_rows import Fan, Times, check_rows, current_type, spike_sums
from .sliding import Sliding


@dataclass(frozen=True, eq=False)
class EventConvolution(EventLayer):
    """[n, rows, columns, in] to [n, rows, columns, out], 1-D layers without columns; ``weights`` are [out,
    kernel rows, kernel columns, in channels per group]. Padding never spikes."""

    windowed: ClassVar[bool] = True

    sliding: Sliding
    groups: int

    @property
    def matrix(self) -> np.ndarray:
        """Taps in their order, of each the input channels of a group."""
        return self.weights.reshape(self.outputs, -1)

    @property
    def in_channels(self) -> int:
        return self.weights.shape[3] * self.groups

    @property
    def reach(self) -> int:
        """Currents of a pixel that a spike under it is added to."""
        return self.outputs // self.groups

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def fan(self, window: Window) -> Fan:
        taps = self.sliding.taps_inside * self.in_channels
        return Fan(window.pixels * self.sliding.batch, taps, self.outputs, self.reach, self.rate)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        patches = self.sliding.patches(inputs[0], window, False)
        n, rows, columns = patches.shape[:3]
        depth = self.weights.shape[3]
        parts: list[np.ndarray] = []
        for g in range(self.groups):
            spikes = patches[..., g * depth : (g + 1) * depth].reshape(n * rows * columns, -1)
            own = slice(g * self.reach, (g + 1) * self.reach)
            parts.append(spike_sums(spikes, self.matrix[own], self.bias[own], self.dtype))
        tail = (columns, self.outputs) if inputs[0].ndim == 4 else (self.outputs,)
        return (np.concatenate(parts, axis=1).reshape(n, rows, *tail),)


@dataclass(frozen=True, eq=False)
class EventConv2D(EventConvolution):
    """Without groups."""

    template: ClassVar[str] = "event_conv2d"


@dataclass(frozen=True, eq=False)
class EventGrouped(EventConvolution):
    """With groups; depthwise layers have one input channel in each."""

    template: ClassVar[str] = "event_grouped"
    times: ClassVar[Times] = Times(addition=6.8, spike=6.8, input=0.35, output=1.6, vector=115.0)
    """Fitted to depthwise 3 × 3 convolutions on a Cortex-M4."""

    @property
    def is_depthwise(self) -> bool:
        return self.weights.shape[3] == 1

    def constants(self) -> Mapping[str, np.ndarray]:
        """Weights are [taps, in channels, outputs of a group]. Where groups have several inputs, a table has
        the first output of each."""
        taps, depth = self.sliding.taps, self.weights.shape[3]
        apart = self.weights.reshape(self.groups, self.reach, taps, depth).transpose(2, 0, 3, 1)
        named = {
            "weights": np.ascontiguousarray(apart).reshape(taps, self.in_channels, self.reach),
            "bias": self.bias.astype(self.dtype.numpy),
        }
        if self.is_depthwise:
            return named
        first = np.arange(self.in_channels) // depth * self.reach
        return named | {"table": first.astype(np.uint8 if first.max() < 256 else np.uint16)}

    def scratch(self) -> int:
        return 0


def event_convolution(
    sliding: Sliding, groups: int, weights: np.ndarray, bias: np.ndarray, rate: float | None = None
) -> EventConvolution:
    """The kernel for int8 ``weights`` [out, kernel rows, kernel columns, in channels per group] and ``bias``
    [out]. Currents are int16 where the weights prove that this is enough.

    Raises ValueError where 32 bits are not, and for more than 2^16 inputs under a pixel.
    """
    matrix = weights.reshape(len(weights), -1)
    check_rows(matrix.shape[1])
    kind = EventConv2D if groups == 1 else EventGrouped
    return kind(weights, bias, current_type(matrix, bias), rate, sliding, groups)
