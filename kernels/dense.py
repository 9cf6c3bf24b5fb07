"""Dense layers: out[r, o] = Σ in[r, i] · w[o, i] + b[o]. ONNX Gemm-13, MatMul with a constant right side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Epilogue, requantize_constants


@dataclass(frozen=True, eq=False)
class Dense(Kernel):
    """``weights`` are [out, in]; ``rows`` vectors are multiplied one after the other."""

    template: ClassVar[str] = "dense"

    shape: tuple[int, ...]
    """Shape of the output; its last axis has ``weights.shape[0]`` elements."""
    weights: np.ndarray
    bias: np.ndarray
    input_zero: int
    epilogue: Epilogue

    @property
    def weight_bits(self) -> int:
        return DType.of(self.weights.dtype).bits

    @property
    def rows(self) -> int:
        return int(np.prod(self.shape[:-1]))

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias} | requantize_constants(self.epilogue)

    def cost(self, window: Window) -> Cost:
        return Cost(macs=self.rows * self.weights.size)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        exact = np.float32 if self.weights.dtype == np.float32 else np.float64
        x = inputs[0].reshape(self.rows, -1).astype(exact) - exact(self.input_zero)
        sums = x @ self.weights.T.astype(exact) + self.bias
        out = self.epilogue.apply(sums if exact is np.float32 else sums.astype(np.int64))
        return (out.reshape(self.shape),)
