"""Pools of packed operands; numbers are those of ``MaxPool`` and ``AveragePool``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.dtype import DType
from .packed_words import SOURCES
from .pool import AveragePool, MaxPool


@dataclass(frozen=True, eq=False)
class PackedMaxPool(MaxPool):
    """Input and output of 8, 4 or 2 bits each."""

    template: ClassVar[str] = "packed_max_pool"

    @classmethod
    def of(cls, kernel: MaxPool, source: DType) -> PackedMaxPool | None:
        """None for other types."""
        if source not in SOURCES or kernel.result.dtype not in SOURCES:
            return None
        return cls(kernel.sliding, kernel.channels, kernel.dtype, kernel.result)


@dataclass(frozen=True, eq=False)
class PackedAveragePool(AveragePool):
    """Input and output of 8, 4 or 2 bits each."""

    template: ClassVar[str] = "packed_average_pool"

    @classmethod
    def of(cls, kernel: AveragePool, source: DType) -> PackedAveragePool | None:
        """None for other types."""
        if source not in SOURCES or any(e.dtype not in SOURCES for e in kernel.epilogues.values()):
            return None
        return cls(
            kernel.sliding, kernel.channels, kernel.input_zero, kernel.row_counts, kernel.column_counts,
            kernel.epilogues,
        )  # fmt: skip
