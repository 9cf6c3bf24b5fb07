"""Functions of one element of packed tensors, and changes of width: numbers are those of ``Table``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.dtype import DType, Quant
from .packed_words import SOURCES
from .table import Table

_INTEGERS = Quant(1.0, 0)


@dataclass(frozen=True, eq=False)
class PackedTable(Table):
    """Input and output of 8, 4 or 2 bits each."""

    template: ClassVar[str] = "packed_table"

    @classmethod
    def form(cls, kernel: Table, source: DType) -> PackedTable | None:
        """None for other types."""
        target = DType.of(kernel.values.dtype)
        return cls(kernel.shape, kernel.values) if source in SOURCES and target in SOURCES else None

    @classmethod
    def conversion(cls, shape: tuple[int, ...], source: DType, target: DType) -> Table:
        """The same integers in another width; those that it cannot hold become the nearest."""
        return cls.of(shape, (_INTEGERS, source), (_INTEGERS, target), lambda integers: integers)
