"""Concat (ONNX Concat-13) along any axis; constant operands stay in flash, 8-bit scales may differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node
from .recode import can_move, recoding, stored


@dataclass(frozen=True, eq=False)
class Part:
    """What goes to [begin, end) of the output's axis: run-time input ``operand``, its elements through
    ``table`` where the scales differ, or else ``values`` in memory order."""

    begin: int
    end: int
    operand: int | None = None
    table: np.ndarray | None = None
    values: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Concat(Kernel):
    """``shape`` is the output's and ``axis`` its axis, in memory order."""

    template: ClassVar[str] = "concat"

    shape: tuple[int, ...]
    axis: int
    parts: tuple[Part, ...]
    dtype: DType

    @cached_property
    def windowed(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True for images and series of one sample."""
        return len(self.shape) in (3, 4) and self.shape[0] == 1 and self.axis != 0

    @property
    def outer(self) -> int:
        """How often the parts follow one another in memory."""
        return prod(self.shape[: self.axis])

    @property
    def inner(self) -> int:
        """Elements of one index of the axis."""
        return prod(self.shape[self.axis + 1 :])

    @property
    def contiguous_at(self) -> tuple[int, ...] | None:
        """For each operand, the element of the output from which it lies there as it is, in one piece; None
        where some operand does not, or is constant."""
        plain = all(part.operand is not None and part.table is None for part in self.parts)
        return tuple(part.begin * self.inner for part in self.parts) if plain and self.outer == 1 else None

    def box(self, part: Part) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Rows, columns and channels of the output that ``part`` fills, for windowed runs."""
        along, rank = (part.begin, part.end), len(self.shape)
        extents = [along if axis == self.axis else (0, length) for axis, length in enumerate(self.shape)]
        return extents[1], extents[2] if rank == 4 else (0, 1), extents[-1]

    def needs(self, operand: int, window: Window) -> Window:
        (part,) = (p for p in self.parts if p.operand == operand)
        (top, bottom), (left, right), _ = self.box(part)
        # clamped to the part first, so that a window beside it gives nothing rather than a stray edge
        y0, y1 = (min(max(y, top), bottom) - top for y in (window.y0, window.y1))
        x0, x1 = (min(max(x, left), right) - left for x in (window.x0, window.x1))
        return Window(y0, y1, x0, x1)

    def constants(self) -> Mapping[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for index, part in enumerate(self.parts):
            if part.values is not None:
                found[f"values{index}"] = part.values
            if part.table is not None:
                found[f"table{index}"] = part.table
        return found

    def cost(self, window: Window) -> Cost:
        return Cost(operations=window.pixels * self.shape[-1] if self.windowed else prod(self.shape))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        pieces: list[np.ndarray] = []
        for part in self.parts:
            if part.operand is None:
                assert part.values is not None
                pieces.append(self._inside(part, part.values, window))
            else:
                piece = inputs[part.operand]
                pieces.append(piece if part.table is None else part.table[piece.view(np.uint8)])
        return (np.concatenate(pieces, axis=self.axis),)

    def _inside(self, part: Part, values: np.ndarray, window: Window) -> np.ndarray:
        """The part of constant ``values`` that ``window`` of the output shows."""
        if not self.windowed:
            return values
        (top, bottom), (left, right), _ = self.box(part)
        rows = slice(max(window.y0, top) - top, max(min(window.y1, bottom) - top, 0))
        columns = slice(max(window.x0, left) - left, max(min(window.x1, right) - left, 0))
        return values[:, rows, columns] if values.ndim == 4 else values[:, rows]


def resolve(node: Node) -> Kernel | None:
    """Concat of tensors of which at least one is computed at run time."""
    out = node.outputs[0]
    axis = int(node.attribute("axis", 0)) % len(out.shape)
    tensors = [node.input(index) for index in range(len(node.inputs))]
    if not all(can_move(t, out) for t in tensors):
        return None
    parts: list[Part] = []
    computed = 0
    ends = list(accumulate(t.shape[axis] for t in tensors))
    for tensor, end in zip(tensors, ends, strict=True):
        begin = end - tensor.shape[axis]
        if tensor.constant is not None:
            values = np.ascontiguousarray(stored(tensor.constant, out).transpose(out.order))
            parts.append(Part(begin, end, values=values))
        else:
            parts.append(Part(begin, end, computed, recoding(tensor, out)))
            computed += 1
    return Concat(out.physical, out.position(axis), tuple(parts), out.dtype)
