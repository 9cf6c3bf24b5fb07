"""Geometry of a kernel that works along some axes of a tensor, once for each index of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window


def order_without(order: Sequence[int], axes: Iterable[int]) -> tuple[int, ...]:
    """An order of the model's axes in memory after ``axes`` are dropped and the others numbered anew."""
    kept = sorted(set(order) - set(axes))
    return tuple(kept.index(axis) for axis in order if axis in kept)


@dataclass(frozen=True)
class Loop:
    """``extent`` steps of ``stride`` elements each; of ``parameter`` elements in an array of parameters."""

    extent: int
    stride: int
    parameter: int = 0


@dataclass(frozen=True)
class Lanes:
    """A tensor in memory as lanes: the elements along ``axes``, for each index of the axes that are kept.

    ``shape`` is physical, ``axes`` are positions in memory order, ascending. ``parameters`` gives for each
    axis how many elements of an array of parameters one index of it is worth; empty where there are none.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    parameters: tuple[int, ...] = ()

    @classmethod
    def of(cls, shape: Sequence[int], axes: Iterable[int], parameters: Sequence[int] = ()) -> Lanes:
        return cls(tuple(shape), tuple(sorted(set(axes))), tuple(parameters))

    @property
    def kept(self) -> tuple[int, ...]:
        """Positions of the axes that number the lanes."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in self.axes)

    @property
    def length(self) -> int:
        """Elements of one lane."""
        return prod(self.shape[axis] for axis in self.axes)

    @property
    def count(self) -> int:
        """Number of lanes."""
        return prod(self.shape[axis] for axis in self.kept)

    @property
    def over(self) -> tuple[Loop, ...]:
        """The fewest nested loops from lane to lane, outermost first."""
        return self._loops(self.kept)

    @property
    def results(self) -> tuple[Loop, ...]:
        """The loops of ``over`` through a tensor that holds one element of each lane, in the same order."""
        extents = [loop.extent for loop in self.over]
        return tuple(Loop(extent, prod(extents[i + 1 :])) for i, extent in enumerate(extents))

    @property
    def along(self) -> tuple[Loop, ...]:
        """The fewest nested loops along one lane, outermost first; at least one."""
        return self._loops(self.axes) or (Loop(1, 1),)

    @property
    def per_pixel(self) -> bool:
        """True where each lane is the channels of one pixel of one sample: a window is a set of lanes."""
        rank = len(self.shape)
        return rank in (3, 4) and self.shape[0] == 1 and self.axes == (rank - 1,)

    def elements(self, window: Window) -> int:
        """Elements of the lanes in ``window`` of the tensor; of all lanes unless ``per_pixel``."""
        return self.length * (window.pixels if self.per_pixel else self.count)

    def _loops(self, axes: tuple[int, ...]) -> tuple[Loop, ...]:
        loops: list[Loop] = []
        for axis in axes:
            extent, stride = self.shape[axis], prod(self.shape[axis + 1 :])
            parameter = self.parameters[axis] if self.parameters else 0
            if extent == 1:
                continue
            if loops and (loops[-1].stride, loops[-1].parameter) == (extent * stride, extent * parameter):
                loops[-1] = Loop(loops[-1].extent * extent, stride, parameter)
            else:
                loops.append(Loop(extent, stride, parameter))
        return tuple(loops)

    @property
    def parameter_indices(self) -> np.ndarray:
        """[lanes, elements] (or [1, elements] where lanes do not differ): each element's parameter."""
        kept = [self.shape[axis] if self.parameters[axis] else 1 for axis in self.kept]
        extents = kept + [self.shape[axis] for axis in self.axes]
        steps = [self.parameters[axis] for axis in self.kept + self.axes]
        indices = np.zeros(extents, np.int64)
        for axis, index in enumerate(np.ogrid[tuple(slice(extent) for extent in extents)]):
            indices += index * steps[axis]
        if prod(kept) == 1:
            return indices.reshape(1, -1)
        whole = np.broadcast_to(indices, [self.shape[axis] for axis in self.kept + self.axes])
        return whole.reshape(-1, self.length)

    def split(self, array: np.ndarray) -> np.ndarray:
        """[lanes, elements] of an array of this rank (a window of the tensor may have fewer lanes)."""
        moved = array.transpose(self.kept + self.axes)
        return moved.reshape(prod(moved.shape[: len(self.kept)]), -1)

    def join(self, lanes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The inverse of ``split``, to an array of ``shape``."""
        order = self.kept + self.axes
        return lanes.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))


def in_turn(operation: np.ufunc, x: np.ndarray) -> np.ndarray:
    """Reduces axis 1 from first to last, as a loop in C does; NumPy's own reductions go pairwise."""
    return operation.accumulate(x, axis=1)[:, -1]


@dataclass(frozen=True, eq=False)
class Lanewise(Kernel):
    """A kernel whose result has its operand's shape, each lane made from the same lane of the operand, which
    is read a last time in the order in which the result is written."""

    lanes: Lanes

    @property
    def windowed(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.lanes.per_pixel

    def cost(self, window: Window) -> Cost:
        return Cost(operations=3 * self.lanes.elements(window))

    def in_place(self) -> tuple[int, ...]:
        return (0,)
