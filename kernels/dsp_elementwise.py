"""Sums and products by the micro-kernels for Arm's DSP extension; numbers are the portable ones'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .broadcast import Broadcast
from .dsp_inputs import halves
from .fixed_point import COMMON_BITS
from .product import Product
from .scaled_sum import ScaledSum

_CYCLES_PER_OPERATION = 3.0
"""Half of the portable kernels', as measured on a Cortex-M4 (7.5 and 8.3, for 15 and 19 modelled cycles)."""


@dataclass(frozen=True, eq=False)
class DspSum(ScaledSum):
    """Four elements at a time."""

    template: ClassVar[str] = "dsp_sum"

    @classmethod
    def of(cls, kernel: ScaledSum, input_dtype: DType) -> DspSum | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        short = all(abs(m) < 2**15 for m in kernel.multipliers) and kernel.result.shift == COMMON_BITS
        if not short or not _suits(kernel.broadcast, kernel.result.dtype, input_dtype):
            return None
        return cls(kernel.broadcast, kernel.dtype, kernel.multipliers, kernel.offset, kernel.result)

    @property
    def packed(self) -> int:
        """Both multipliers in one word."""
        return halves(self.multipliers[0], self.multipliers[1])

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(0.0, _CYCLES_PER_OPERATION)


@dataclass(frozen=True, eq=False)
class DspProduct(Product):
    """Four elements at a time."""

    template: ClassVar[str] = "dsp_product"

    @classmethod
    def of(cls, kernel: Product, input_dtype: DType) -> DspProduct | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        epilogue = kernel.epilogue
        shifts = epilogue.shift == 1 and epilogue.pre_shift == 0
        if not shifts or not _suits(kernel.broadcast, epilogue.dtype, input_dtype):
            return None
        return cls(kernel.broadcast, kernel.dtype, kernel.zeros, epilogue)

    @property
    def added(self) -> tuple[int, ...]:
        """What to add to two elements of each operand to take its zero point off."""
        return tuple(halves(-zero, -zero) for zero in self.zeros)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(0.0, _CYCLES_PER_OPERATION)


def _suits(broadcast: Broadcast, dtype: DType, input_dtype: DType) -> bool:
    """Bytes, both operands at run time, whose elements lie side by side where the output's do."""
    both = len(broadcast.run_time) == 2
    return both and dtype is DType.INT8 and input_dtype is DType.INT8 and broadcast.in_runs
