"""Depthwise convolution: every channel has a filter of its own (ONNX Conv with group = channels)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Epilogue, requantize_constants
from .sliding import Sliding


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(Kernel):
    """``weights`` are [kernel rows, kernel columns, channels]."""

    template: ClassVar[str] = "depthwise"
    windowed: ClassVar[bool] = True

    sliding: Sliding
    weights: np.ndarray
    bias: np.ndarray
    input_zero: int
    epilogue: Epilogue

    @property
    def weight_bits(self) -> int:
        return DType.of(self.weights.dtype).bits

    @property
    def channels(self) -> int:
        return self.weights.shape[2]

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias} | requantize_constants(self.epilogue)

    def cost(self, window: Window) -> Cost:
        return Cost(macs=self.weights.size * window.pixels * self.sliding.batch)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        patches = self.sliding.patches(inputs[0], window, self.input_zero)
        wide = np.float32 if self.weights.dtype == np.float32 else np.int64
        n, rows, columns = patches.shape[:3]
        sums = np.zeros((n, rows, columns, self.channels), wide) + self.bias.astype(wide)
        for ky, kx in np.ndindex(*self.sliding.kernel):
            sums += (patches[:, :, :, ky, kx].astype(wide) - wide(self.input_zero)) * self.weights[
                ky, kx
            ].astype(wide)
        tail = (columns, self.channels) if inputs[0].ndim == 4 else (self.channels,)
        return (self.epilogue.apply(sums).reshape(n, rows, *tail),)
