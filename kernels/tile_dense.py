"""Dense layers, four channels at a time; numbers are those of ``Dense``."""

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
from .tile_order import in_groups, parameters

LANES = 4
"""Channels at a time."""
CYCLES_PER_MAC = 4.0
"""Modelled, where the portable kernel takes 10; measured with ad01 on a Cortex-M0+ and an ESP32-C3."""


@dataclass(frozen=True, eq=False)
class TileDense(Dense):
    """Vectors are read as they are, without working memory."""

    template: ClassVar[str] = "tile_dense"

    @classmethod
    def of(cls, kernel: Dense, input_dtype: DType) -> TileDense | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        if not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.shape, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        return {
            "weights": in_groups(self.weights, LANES).reshape(-1).view("<u4"),
            "parameters": parameters(self.weights, self.bias, self.input_zero, self.epilogue, LANES),
        }

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
