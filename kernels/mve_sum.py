"""Sums of scaled operands by the micro-kernels for Arm's Helium; numbers are those of ``ScaledSum``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .scaled_sum import ScaledSum

_CYCLES_PER_ELEMENT = 2.3
"""Instructions, as measured with ic01 on a Cortex-M55."""


@dataclass(frozen=True, eq=False)
class MveSum(ScaledSum):
    """Four elements at a time of two operands of the output's shape."""

    template: ClassVar[str] = "mve_sum"

    @classmethod
    def of(cls, kernel: ScaledSum, input_dtype: DType) -> MveSum | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        sources = kernel.broadcast.run_time
        alike = len(sources) == 2 and all(source.shape == kernel.broadcast.shape for source in sources)
        if not alike or input_dtype is not DType.INT8 or kernel.dtype is not DType.INT8 or kernel.result.wide:
            return None
        return cls(kernel.broadcast, kernel.dtype, kernel.multipliers, kernel.offset, kernel.result)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(0.0, _CYCLES_PER_ELEMENT)
