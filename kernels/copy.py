"""A plain copy of a tensor's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window


@dataclass(frozen=True)
class Copy(Kernel):
    """Needed where a graph output would be a view of a graph input or of another output."""

    template: ClassVar[str] = "copy"
    nbytes: int

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.nbytes)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (inputs[0].copy(),)
