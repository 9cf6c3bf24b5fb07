"""A copy with its axes permuted (ONNX Transpose-23). Lowering needs it only where no order of axes serves
both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window


@dataclass(frozen=True)
class Transpose(Kernel):
    """``shape`` is the input's; axis i of the output is axis ``perm[i]`` of the input."""

    template: ClassVar[str] = "transpose"

    shape: tuple[int, ...]
    perm: tuple[int, ...]

    @property
    def strides(self) -> tuple[int, ...]:
        """Elements to step in the input for one step along each axis of the output."""
        return tuple(prod(self.shape[axis + 1 :]) for axis in self.perm)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=prod(self.shape))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (inputs[0].reshape(self.shape).transpose(self.perm),)
