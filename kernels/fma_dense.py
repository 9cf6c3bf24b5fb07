"""Dense layers by register tiles of float32; numbers are those of ``Dense``, but for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dense import Dense
from .fma_tiles import CYCLES_PER_MAC, computes, packed


@dataclass(frozen=True, eq=False)
class FmaDense(Dense):
    """Vectors are pixels of a pointwise convolution."""

    template: ClassVar[str] = "fma_dense"

    fused: bool
    """By VFMA, not by a multiplication and an addition apart."""

    @classmethod
    def of(cls, kernel: Dense, input_dtype: DType, fused: bool) -> FmaDense | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        if not computes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.shape, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue, fused)

    def constants(self) -> Mapping[str, np.ndarray]:
        return packed(self.weights, self.bias)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
