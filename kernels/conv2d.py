"""Conv over rows and columns, any grouping: out[y, x, o] = Σ in[y·s + k·d − p, …, i] · w[o, k, i] + b[o].

ONNX Conv-22.
"""

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
class Conv2D(Kernel):
    """``weights`` are [out channels, kernel rows, kernel columns, in channels per group]."""

    template: ClassVar[str] = "conv2d"
    windowed: ClassVar[bool] = True

    sliding: Sliding
    groups: int
    weights: np.ndarray
    bias: np.ndarray
    input_zero: int
    epilogue: Epilogue

    @property
    def weight_bits(self) -> int:
        return DType.of(self.weights.dtype).bits

    @property
    def out_channels(self) -> int:
        return self.weights.shape[0]

    @property
    def in_channels(self) -> int:
        return self.weights.shape[3] * self.groups

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias} | requantize_constants(self.epilogue)

    def cost(self, window: Window) -> Cost:
        per_pixel = self.sliding.taps * self.weights.shape[3] * self.out_channels
        return Cost(macs=per_pixel * window.pixels * self.sliding.batch)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        patches = self.sliding.patches(inputs[0], window, self.input_zero)
        exact = np.float32 if self.weights.dtype == np.float32 else np.float64
        # float64 holds every int32 sum exactly, and BLAS is far faster than integer products
        taps = patches.astype(exact) - exact(self.input_zero)
        n, rows, columns = taps.shape[:3]
        depth, per_group = self.weights.shape[3], self.out_channels // self.groups
        parts: list[np.ndarray] = []
        for g in range(self.groups):
            part = taps[..., g * depth : (g + 1) * depth].reshape(n * rows * columns, -1)
            weights = self.weights[g * per_group : (g + 1) * per_group].reshape(per_group, -1)
            parts.append(part @ weights.T.astype(exact))
        sums = np.concatenate(parts, axis=1) + self.bias
        out = self.epilogue.apply(sums if exact is np.float32 else sums.astype(np.int64))
        tail = (columns, self.out_channels) if inputs[0].ndim == 4 else (self.out_channels,)
        return (out.reshape(n, rows, *tail),)
