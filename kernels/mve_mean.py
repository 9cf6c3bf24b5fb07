"""Averages by the micro-kernels for Arm's Helium; numbers are those of ``AveragePool``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .epilogue import Requantize
from .pool import AveragePool
from .running_sum import RunningSum

_CYCLES_PER_ELEMENT = 1.3
"""Instructions, as measured with kws01 on a Cortex-M55."""


@dataclass(frozen=True, eq=False)
class MveRunningSum(RunningSum):
    """Eight channels at a time, where sums have 16 bits; else it is the portable kernel."""

    template: ClassVar[str] = "mve_running_sum"


@dataclass(frozen=True, eq=False)
class MveMean(AveragePool):
    """Four channels at a time, of kernels that never reach into the padding."""

    template: ClassVar[str] = "mve_mean"
    running: ClassVar[type[RunningSum] | None] = MveRunningSum

    @classmethod
    def of(cls, kernel: AveragePool, input_dtype: DType) -> MveMean | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        s = kernel.sliding
        if s.is_padded or kernel.channels < 4 or input_dtype is not DType.INT8 or len(kernel.epilogues) != 1:
            return None
        (epilogue,) = kernel.epilogues.values()
        if not isinstance(epilogue, Requantize) or epilogue.dtype is not DType.INT8 or epilogue.limit:
            return None
        return cls(
            s, kernel.channels, kernel.input_zero, kernel.row_counts, kernel.column_counts, kernel.epilogues
        )

    @property
    def epilogue(self) -> Requantize:
        (epilogue,) = self.epilogues.values()
        assert isinstance(epilogue, Requantize)
        return epilogue

    @property
    def start(self) -> int:
        """Of sums: the zero point of all elements taken off."""
        return -self.input_zero * self.sliding.taps

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(0.0, _CYCLES_PER_ELEMENT)
