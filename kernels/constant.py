"""Constant values in the arena, where the caller reads them, or an operator that takes no constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window


@dataclass(frozen=True, eq=False)
class Fixed(Kernel):
    """``values`` are in memory order and of an element type that C can store."""

    template: ClassVar[str] = "constant"

    values: np.ndarray

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"data": self.values}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.values.size)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (self.values,)
