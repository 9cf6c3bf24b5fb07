"""Dense layers by the micro-kernels for Arm's Helium; numbers are those of ``Dense``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dense import Dense
from .epilogue import Requantize, requantizes
from .mve_blocks import CYCLES_PER_MAC, in_fours


@dataclass(frozen=True, eq=False)
class MveDense(Dense):
    """Four outputs at a time, inputs in blocks of 16."""

    template: ClassVar[str] = "mve_dense"

    @classmethod
    def of(cls, kernel: Dense, input_dtype: DType) -> MveDense | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        if not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.shape, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        return {"weights": in_fours(self.weights, self.bias, self.input_zero, self.epilogue)}

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
