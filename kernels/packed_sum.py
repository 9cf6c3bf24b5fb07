"""Sums of packed tensors; numbers are those of ``ScaledSum``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..ir.dtype import DType
from .packed_words import SOURCES
from .scaled_sum import ScaledSum


@dataclass(frozen=True, eq=False)
class PackedSum(ScaledSum):
    """Operands and output of one shape, of 8, 4 or 2 bits each; one operand may be a constant number."""

    template: ClassVar[str] = "packed_sum"

    @classmethod
    def of(cls, kernel: ScaledSum, sources: Sequence[DType]) -> PackedSum | None:
        """None for operands that are repeated, for other types, and for sums of 64 bits."""
        broadcast = kernel.broadcast
        alike = all(
            source.is_scalar or (source.constant is None and source.shape == broadcast.shape)
            for source in broadcast.sources
        )
        if not alike or kernel.result.wide or not {kernel.dtype, *sources} <= set(SOURCES):
            return None
        return cls(broadcast, kernel.dtype, kernel.multipliers, kernel.offset, kernel.result)
