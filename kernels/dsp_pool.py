"""Pooling by the micro-kernels for Arm's DSP extension; numbers are the portable ones'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .epilogue import Requantize
from .pool import AveragePool, MaxPool

_MOST_TAPS = 256
"""Sums of so many bytes have 16 bits."""
_LEAST_TAPS = 6
"""Smaller windows take less by the portable kernels."""
_MOST_FACTOR = 14
"""Bits by which sums can be shifted up as a factor of 16 bits."""
_CYCLES_PER_OPERATION = 2.0
"""A third of the portable kernels', measured on a Cortex-M4 (2.9 to 5.3 for 8.9 to 13.9 modelled cycles)."""


@dataclass(frozen=True, eq=False)
class DspAveragePool(AveragePool):
    """Sums of four channels at a time have 16 bits."""

    template: ClassVar[str] = "dsp_average_pool"

    @classmethod
    def of(cls, kernel: AveragePool, input_dtype: DType) -> DspAveragePool | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        found = [e for e in kernel.epilogues.values() if isinstance(e, Requantize)]
        bytes_only = input_dtype is DType.INT8 and all(e.dtype is DType.INT8 for e in found)
        if not bytes_only or not found or kernel.channels < 4:
            return None
        if not _LEAST_TAPS <= kernel.sliding.taps <= _MOST_TAPS:
            return None
        if any(e.limit is not None or e.shift != 1 or e.pre_shift > _MOST_FACTOR for e in found):
            return None
        return cls(
            kernel.sliding, kernel.channels, kernel.input_zero, kernel.row_counts, kernel.column_counts,
            kernel.epilogues,
        )  # fmt: skip

    @property
    def epilogue(self) -> Requantize:
        """For the number of elements that occurs first; others have other multipliers and pre-shifts."""
        first = next(iter(self.epilogues.values()))
        assert isinstance(first, Requantize)
        return first

    def constants(self) -> Mapping[str, np.ndarray]:
        """Where several numbers of elements occur: by that number the multiplier, and the factor before."""
        if len(self.epilogues) == 1:
            return super().constants()
        multipliers = np.zeros(max(self.epilogues) + 1, np.int32)
        factors = np.zeros(multipliers.shape, np.int32)
        for count, epilogue in self.epilogues.items():
            assert isinstance(epilogue, Requantize)
            multipliers[count], factors[count] = epilogue.multipliers[0], 1 << epilogue.pre_shift
        return {**super().constants(), "multipliers": multipliers, "factors": factors}

    def cost(self, window: Window) -> Cost:
        cost = super().cost(window)
        return cost.at(0.0, _CYCLES_PER_OPERATION)

    def scratch(self) -> int:
        return 2 * (-(-self.channels // 4) * 4)


@dataclass(frozen=True, eq=False)
class DspMaxPool(MaxPool):
    """Four channels at a time."""

    template: ClassVar[str] = "dsp_max_pool"

    @classmethod
    def of(cls, kernel: MaxPool, input_dtype: DType) -> DspMaxPool | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        bytes_only = input_dtype is DType.INT8 and kernel.result.dtype is DType.INT8
        if not bytes_only or kernel.result.table is not None or kernel.channels < 4:
            return None
        if kernel.sliding.taps < _LEAST_TAPS:
            return None
        return cls(kernel.sliding, kernel.channels, kernel.dtype, kernel.result)

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(0.0, _CYCLES_PER_OPERATION)
