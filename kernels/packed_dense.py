"""Dense layers of packed operands; numbers are those of ``Dense``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dense import Dense
from .epilogue import Requantize
from .packed_words import SOURCES, Products, filled_multipliers


@dataclass(frozen=True, eq=False)
class PackedDense(Dense):
    """Input, weights and output of 8, 4 or 2 bits each. A packed vector is unpacked once for all outputs;
    ``source`` is its type."""

    template: ClassVar[str] = "packed_dense"

    source: DType

    @classmethod
    def of(cls, kernel: Dense, source: DType) -> PackedDense | None:
        """None where sums take more than 32 bits."""
        if not isinstance(kernel.epilogue, Requantize) or source not in SOURCES:
            return None
        made = cls(kernel.shape, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue, source)
        return made if made.products.fit else None

    @property
    def products(self) -> Products:
        """The sums of all outputs."""
        return Products(self.source, self.weights, self.bias, self.input_zero)

    def constants(self) -> Mapping[str, np.ndarray]:
        products = self.products
        named = {"weights": products.words, "bias": products.biases}
        return named | products.mask | filled_multipliers(self.epilogue)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(self.products.cycles_per_mac)

    def scratch(self) -> int:
        return self.weights.shape[1] if self.source.is_packed else 0
