"""A copy with its axes permuted (ONNX Transpose-23). Lowering needs it only where no order of axes serves
both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .axis_map import AxisMap
from .nest import Axis, Nest, nest_of


@dataclass(frozen=True)
class Transpose(Kernel):
    """``shape`` is the input's; axis i of the output is axis ``perm[i]`` of the input."""

    template: ClassVar[str] = "transpose"

    shape: tuple[int, ...]
    perm: tuple[int, ...]

    @cached_property
    def nest(self) -> Nest:
        """The loops that copy the output in its own order."""
        return nest_of([Axis(AxisMap.identity(self.shape[a]), prod(self.shape[a + 1 :])) for a in self.perm])

    def cost(self, window: Window) -> Cost:
        return Cost(operations=prod(self.shape))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (inputs[0].reshape(self.shape).transpose(self.perm),)
