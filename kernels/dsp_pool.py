"""Pooling by the micro-kernels for Arm's DSP extension; numbers are the portable ones'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dsp_inputs import Inputs
from .epilogue import Requantize
from .packed_words import SOURCES
from .pool import AveragePool, MaxPool

_MOST_TAPS = 256
"""Sums of so many bytes have 16 bits."""
_LEAST_TAPS = 6
"""Smaller windows take less by the portable kernels, but for the largest of packed elements."""
_MOST_FACTOR = 14
"""Bits by which sums can be shifted up as a factor of 16 bits."""
_MOST_COLUMNS = {DType.INT4: 17, DType.INT2: 85}
"""Sums of so many packed elements, which are raised, have 8 bits."""
_CYCLES_OF_AVERAGE = {DType.INT8: 2.0, DType.INT4: 2.2, DType.INT2: 1.8}
_CYCLES_OF_MAXIMUM = {DType.INT8: 2.0, DType.INT4: 1.6, DType.INT2: 1.3}
"""For an operation on a byte a third of the portable kernels', measured on a Cortex-M4 (2.9 to 5.3 for 8.9 to
13.9 modelled cycles); the others in proportion (``benchmarks.narrow``)."""


def _in_words(source: DType, channels: int) -> bool:
    """Whether a pixel has at least four bytes, all of them whole."""
    return source in SOURCES and channels * source.bits % 8 == 0 and source.nbytes(channels) >= 4


@dataclass(frozen=True, eq=False)
class DspAveragePool(AveragePool):
    """Input (of type ``source``) and output of 8, 4 or 2 bits. Sums, of four bytes at a time, have 16."""

    template: ClassVar[str] = "dsp_average_pool"

    source: DType

    @classmethod
    def of(cls, kernel: AveragePool, input_dtype: DType) -> DspAveragePool | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        s, found = kernel.sliding, [e for e in kernel.epilogues.values() if isinstance(e, Requantize)]
        if not found or not _in_words(input_dtype, kernel.channels):
            return None
        columns = _MOST_COLUMNS.get(input_dtype, _MOST_TAPS)
        if not _LEAST_TAPS <= s.taps <= _MOST_TAPS or s.kernel[1] > columns:
            return None
        if any(e.dtype is not input_dtype or e.limit is not None for e in found):
            return None
        if any(e.fraction < 0 or e.scale > _MOST_FACTOR for e in found):
            return None
        return cls(
            s, kernel.channels, kernel.input_zero, kernel.row_counts, kernel.column_counts, kernel.epilogues,
            input_dtype,
        )  # fmt: skip

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.source, self.input_zero)

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
            multipliers[count], factors[count] = epilogue.multipliers[0], 1 << epilogue.scale
        return {**super().constants(), "multipliers": multipliers, "factors": factors}

    def cost(self, window: Window) -> Cost:
        cost = super().cost(window)
        return cost.at(0.0, _CYCLES_OF_AVERAGE[self.source])

    def scratch(self) -> int:
        return -(-self.source.nbytes(self.channels) // 4) * 8 * self.inputs.many


@dataclass(frozen=True, eq=False)
class DspMaxPool(MaxPool):
    """Input and output of one type, of 8, 4 or 2 bits; four bytes at a time."""

    template: ClassVar[str] = "dsp_max_pool"

    @classmethod
    def of(cls, kernel: MaxPool, input_dtype: DType) -> DspMaxPool | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        result = kernel.result
        if result.table is not None or result.dtype is not input_dtype:
            return None
        small = kernel.sliding.taps < _LEAST_TAPS and not input_dtype.is_packed
        if small or not _in_words(input_dtype, kernel.channels):
            return None
        bounded = result.low > input_dtype.lowest or result.high < input_dtype.highest
        if bounded and input_dtype.is_packed:
            return None
        return cls(kernel.sliding, kernel.channels, kernel.dtype, result)

    @property
    def lowest_byte(self) -> int:
        """A byte of the least elements, as an int8."""
        return Inputs(self.dtype, int(self.dtype.lowest)).padding_byte

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(0.0, _CYCLES_OF_MAXIMUM[self.dtype])
