"""Where each index of an output axis comes from, and the shortest formula that says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

FILL = -1
"""In a map: nothing of the input; the element is the fill value."""


class Form(Enum):
    """How a source index follows from the output's index i."""

    AFFINE = "i * factor + offset; with fills, what falls outside the input is filled"
    CLAMPED = "i + offset, clamped to the input"
    DIVIDED = "(i + offset) / factor"
    WRAPPED = "(i + offset) % the input's length"
    TABLE = "looked up"


@dataclass(frozen=True)
class Formula:
    """A form with its numbers."""

    form: Form
    factor: int = 1
    offset: int = 0


@dataclass(frozen=True, eq=False)
class AxisMap:
    """``indices[i]`` is the index along the input's axis (of ``source`` elements) that index i of the output
    reads, or FILL."""

    indices: np.ndarray
    source: int

    @classmethod
    def identity(cls, length: int) -> AxisMap:
        return cls(np.arange(length), length)

    @property
    def length(self) -> int:
        return len(self.indices)

    @cached_property
    def fills(self) -> bool:
        """True where some index reads nothing."""
        return bool((self.indices == FILL).any())

    @cached_property
    def is_identity(self) -> bool:
        return self.length == self.source and bool((self.indices == np.arange(self.length)).all())

    @cached_property
    def formula(self) -> Formula:
        """The simplest formula that gives every index."""
        i = np.arange(self.length)
        for formula in self._candidates():
            match formula.form:
                case Form.AFFINE:
                    found = i * formula.factor + formula.offset
                    found = np.where((found < 0) | (found >= self.source), FILL, found)
                case Form.CLAMPED:
                    found = np.clip(i + formula.offset, 0, self.source - 1)
                case Form.DIVIDED:
                    found = (i + formula.offset) // formula.factor
                case _:
                    found = (i + formula.offset) % self.source
            if (found == self.indices).all():
                return formula
        return Formula(Form.TABLE)

    def _candidates(self) -> list[Formula]:
        inside = np.flatnonzero(self.indices != FILL)
        if inside.size == 0:
            return []
        first = int(inside[0])
        offset = int(self.indices[first]) - first
        factor = int(self.indices[first + 1]) - int(self.indices[first]) if inside.size > 1 else 1
        repeats = max(self.length // self.source, 1)
        rank = np.flatnonzero(self.indices == self.source - 1)
        last = int(rank[0]) if rank.size else 0
        return [
            Formula(Form.AFFINE, factor, int(self.indices[first]) - first * factor),
            Formula(Form.CLAMPED, 1, self.source - 1 - last),
            *(Formula(Form.DIVIDED, repeats, shift) for shift in range(repeats)),
            Formula(Form.WRAPPED, 1, offset % self.source),
        ]

    @property
    def is_run(self) -> bool:
        """True where the indices follow one another."""
        return self.formula.form is Form.AFFINE and self.formula.factor == 1 and not self.fills

    @property
    def table(self) -> np.ndarray:
        """The indices in the smallest type that holds them."""
        kinds = (np.int8, np.int16, np.int32) if self.fills else (np.uint8, np.uint16, np.int32)
        return self.indices.astype(next(t for t in kinds if self.indices.max(initial=0) <= np.iinfo(t).max))

    def hull(self, begin: int, end: int) -> tuple[int, int]:
        """The shortest range [first, end) of the input that holds what [begin, end) of the output reads."""
        used = self.indices[begin:end]
        used = used[used != FILL]
        return (int(used.min()), int(used.max()) + 1) if used.size else (0, 0)
