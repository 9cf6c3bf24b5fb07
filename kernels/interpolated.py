"""A function of one element of 16 bits: a short table, computed in float64 at compile time, and straight
lines between its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .fixed_point import narrowest
from .table import RealFunction, tabulated

_STEPS = range(12, 3, -1)
"""Elements between two points of the table, as powers of two: those tried, from the shortest table on."""
_FAR = 2**17
"""Where lines have to saturate, points are at most so many output steps from zero."""


@dataclass(frozen=True, eq=False)
class Interpolated(Kernel):
    """With p = in + ``offset``, i = p >> ``step`` and f the lower ``step`` bits of p:

        out = clamp((points[i] · (2^step − f) + points[i + 1] · f + 2^(step − 1)) >> step)
    """

    template: ClassVar[str] = "interpolated"
    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    offset: int
    step: int
    points: np.ndarray
    dtype: DType

    @classmethod
    def of(
        cls, shape: tuple[int, ...], source: tuple[Quant, DType], target: tuple[Quant, DType],
        function: RealFunction,
    ) -> Interpolated | None:  # fmt: skip
        """The shortest table whose results are within 1 LSB of quantize(function(dequantize(q))) for each of
        the 2^16 elements q; None where none of at most 2^12 intervals is."""
        exact = tabulated(source, target, function).astype(np.int64)
        elements = np.arange(2**16) + int(source[1].lowest)
        reaches = (int(target[1].lowest), int(target[1].highest)), (-_FAR, _FAR)
        for step, reach in product(_STEPS, reaches):
            made = cls._at(step, reach, shape, source, target, function)
            if np.abs(made._of(elements) - exact[elements & 0xFFFF]).max() <= 1:
                return made
        return None

    @classmethod
    def _at(
        cls, step: int, reach: tuple[int, int], shape: tuple[int, ...], source: tuple[Quant, DType],
        target: tuple[Quant, DType], function: RealFunction,
    ) -> Interpolated:  # fmt: skip
        """With 2^``step`` elements between points, of which one is at zero, where many functions have a bend;
        ``reach`` is the least and the greatest that points may be."""
        (quant, dtype), (out, out_dtype) = source, target
        lowest = int(dtype.lowest)
        offset = (lowest - quant.zero_point) % 2**step - lowest
        count = ((int(dtype.highest) + offset) >> step) + 2
        with np.errstate(all="ignore"):
            real = function(((np.arange(count) << step) - offset - quant.zero_point) * quant.scale)
        steps = np.clip(np.rint(np.nan_to_num(real) / out.scale) + out.zero_point, *reach)
        return cls(shape, offset, step, narrowest(steps.astype(np.int64)), out_dtype)

    @property
    def saturates(self) -> bool:
        """Whether points lie beyond what the output holds."""
        return bool(self.points.min() < self.dtype.lowest or self.points.max() > self.dtype.highest)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"table": self.points}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=2 * prod(self.shape))

    def in_place(self) -> tuple[int, ...]:
        return (0,)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (self._of(inputs[0].astype(np.int64)).astype(self.dtype.numpy),)

    def _of(self, elements: np.ndarray) -> np.ndarray:
        places = elements + self.offset
        index, share = places >> self.step, places & ((1 << self.step) - 1)
        points = self.points.astype(np.int64)
        rise = (points[index + 1] - points[index]) * share
        line = ((points[index] << self.step) + rise + (1 << (self.step - 1))) >> self.step
        return np.clip(line, self.dtype.lowest, self.dtype.highest)
