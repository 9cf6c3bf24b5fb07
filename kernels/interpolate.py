"""Linear interpolation between pixels: every output pixel is a weighted mean of two or four input pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Epilogue, epilogue_of
from .node import Node

WEIGHT_BITS = 11
"""Weights of an axis are multiples of 2^-11: two axes and a difference of 255 stay within 31 bits."""
_SPAN = 255
_TOLERABLE = 0.45
"""Steps of the output that rounded weights may cost; rounding the result costs another half."""


@dataclass(frozen=True, eq=False)
class Between:
    """Along one axis, output index i lies between ``first[i]`` and the element behind it, whose weight is
    ``weights[i]``: of 2^WEIGHT_BITS for integers, of 1 for floats."""

    first: np.ndarray
    weights: np.ndarray
    source: int

    @classmethod
    def of(cls, where: np.ndarray, source: int, integer: bool) -> Between:
        """From real coordinates along an axis of ``source`` elements."""
        inside = np.clip(where, np.float32(0), np.float32(source - 1))
        first = np.clip(inside.astype(np.int64), 0, max(source - 2, 0))
        weights = inside - first.astype(np.float32)
        if integer:
            return cls(_narrow(first), np.rint(weights * 2.0**WEIGHT_BITS).astype(np.int16), source)
        return cls(_narrow(first), weights.astype(np.float32), source)

    @property
    def one(self) -> float:
        """The weight of the whole."""
        return 1.0 if self.weights.dtype == np.float32 else 2.0**WEIGHT_BITS

    @property
    def reach(self) -> int:
        """How far behind ``first[i]`` the other element lies: 1, or 0 where the axis has one element."""
        return min(self.source - 1, 1)

    def hull(self, begin: int, end: int) -> tuple[int, int]:
        """The range of the input that indices [begin, end) of the output read: empty for no indices."""
        used = self.first[begin:end]
        if used.size == 0:
            return 0, 0
        return int(used.min()), int(used.max()) + 1 + self.reach

    def error(self, where: np.ndarray) -> float:
        """The largest difference between a weight and the one that ``where`` asks for, as a part of one."""
        exact = Between.of(where, self.source, integer=False).weights.astype(np.float64)
        return float(np.abs(self.weights / self.one - exact).max())

    def mix(self, x: np.ndarray, axis: int, begin: int, end: int) -> np.ndarray:
        """Indices [begin, end) of the output's axis, from the hull of the input."""
        near = self.first[begin:end].astype(np.int64) - self.hull(begin, end)[0]
        weights = (
            self.weights[begin:end].astype(x.dtype).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        )
        a, b = np.take(x, near, axis), np.take(x, near + self.reach, axis)
        if x.dtype == np.float32:
            return a + (b - a) * weights
        return a * x.dtype.type(self.one) + (b - a) * weights


def _narrow(indices: np.ndarray) -> np.ndarray:
    return indices.astype(np.uint8 if indices.max(initial=0) < 256 else np.int32)


@dataclass(frozen=True, eq=False)
class Interpolate(Kernel):
    """``rows`` and ``columns`` say where along each axis; None where an axis keeps its length.

    Integers: the sum of centred elements times weights is exact, and requantized once.
    """

    template: ClassVar[str] = "interpolate"
    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    """Of the output: (N, H, W, C) or (N, L, C)."""
    rows: Between | None
    columns: Between | None
    input_zero: int
    epilogue: Epilogue

    def needs(self, operand: int, window: Window) -> Window:
        y0, y1 = self.rows.hull(window.y0, window.y1) if self.rows else (window.y0, window.y1)
        x0, x1 = self.columns.hull(window.x0, window.x1) if self.columns else (window.x0, window.x1)
        return Window(y0, y1, x0, x1)

    def constants(self) -> Mapping[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for name, axis in (("row", self.rows), ("column", self.columns)):
            if axis is not None:
                found |= {f"{name}s": axis.first, f"{name}_weights": axis.weights}
        return found

    def cost(self, window: Window) -> Cost:
        taps = (2 if self.rows else 1) * (2 if self.columns else 1)
        return Cost(operations=taps * self.shape[0] * window.pixels * self.shape[-1])

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = inputs[0]
        sums = x if x.dtype == np.float32 else x.astype(np.int64) - self.input_zero
        if self.columns is not None:
            sums = self.columns.mix(sums, 2, window.x0, window.x1)
        if self.rows is not None:
            sums = self.rows.mix(sums, 1, window.y0, window.y1)
        return (self.epilogue.apply(sums),)


def resolve_linear(node: Node, coordinates: Mapping[int, np.ndarray]) -> Kernel | None:
    """Linear Resize along ``coordinates`` of the model's spatial axes; None where weights of 11 bits are not
    enough for the output's scale. ModelError for other axes than the one or two spatial ones."""
    x, out = node.input(0), node.outputs[0]
    if len(x.shape) not in (3, 4) or any(axis < 2 for axis in coordinates):
        axes = ", ".join(str(axis) for axis in sorted(coordinates))
        raise node.refuse(
            f"it interpolates along axes {axes} of {len(x.shape)}",
            "resize the one or two spatial axes of (N, C, …)",
        )
    if node.quantized != (x.quant is not None) or (x.quant is not None and x.dtype.size > 1):
        return None
    along = {axis: Between.of(where, x.shape[axis], node.quantized) for axis, where in coordinates.items()}
    epilogue, zero = epilogue_of(node, np.ones(1), 0), 0
    if x.quant is not None and out.quant is not None:
        off = _SPAN * sum(along[axis].error(where) for axis, where in coordinates.items())
        if off * x.quant.scale / out.quant.scale > _TOLERABLE:
            return None
        bits, zero = WEIGHT_BITS * len(along), x.quant.zero_point
        epilogue = epilogue_of(node, np.array([x.quant.scale * 2.0**-bits]), _SPAN << bits)
    return Interpolate(out.physical, along.get(2), along.get(3), zero, epilogue)
