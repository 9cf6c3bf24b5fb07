"""Operands of different shapes walked together, element by element (ONNX multidirectional broadcasting)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Tensor


@dataclass(frozen=True, eq=False)
class Source:
    """One operand. ``shape`` has the output's rank and memory order, 1 along axes on which it is repeated.

    ``constant`` holds the values of an operand that lies in flash; ``rank`` is that of a run-time operand.
    """

    shape: tuple[int, ...]
    rank: int
    dtype: DType
    constant: np.ndarray | None = None

    @property
    def is_scalar(self) -> bool:
        """True for a constant of one element, which C text takes in."""
        return self.constant is not None and self.constant.size == 1

    @property
    def strides(self) -> tuple[int, ...]:
        """Elements between neighbours along each axis of the output; 0 where the operand is repeated."""
        return tuple(0 if d == 1 else prod(self.shape[axis + 1 :]) for axis, d in enumerate(self.shape))


@dataclass(frozen=True)
class Loop:
    """``extent`` rounds, from each to the next of which source n moves on by ``strides[n]``, the output by
    ``step`` elements."""

    extent: int
    strides: tuple[int, ...]
    step: int


@dataclass(frozen=True, eq=False)
class Broadcast:
    """The output's physical shape, and the operands in the operator's order."""

    shape: tuple[int, ...]
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, out: Tensor, operands: Sequence[Tensor | np.ndarray]) -> Broadcast:
        """Operands are run-time tensors whose order agrees with that of ``out``, or arrays in the model's
        order of axes."""
        shape = out.physical or (1,)
        return cls(shape, tuple(_source(out, operand) for operand in operands))

    @property
    def run_time(self) -> tuple[Source, ...]:
        """Sources that are operands of the step, in its order."""
        return tuple(s for s in self.sources if s.constant is None)

    @property
    def constants(self) -> dict[str, np.ndarray]:
        """Arrays for flash: ``constants``, or ``constantsN`` by operand where there are several."""
        arrays = {
            n: s.constant for n, s in enumerate(self.sources) if s.constant is not None and not s.is_scalar
        }
        return {"constants" if len(arrays) == 1 else f"constants{n}": array for n, array in arrays.items()}

    @property
    def loops(self) -> tuple[Loop, ...]:
        """The fewest nested loops over the output, outermost first; at least one."""
        strides = [source.strides for source in self.sources]
        merged: list[Loop] = []
        for axis, extent in enumerate(self.shape):
            loop = Loop(extent, tuple(s[axis] for s in strides), prod(self.shape[axis + 1 :]))
            if extent == 1:
                continue
            outer = merged[-1] if merged else None
            if outer and outer.strides == tuple(stride * extent for stride in loop.strides):
                merged[-1] = Loop(outer.extent * extent, loop.strides, loop.step)
            else:
                merged.append(loop)
        return tuple(merged) or (Loop(1, (0,) * len(strides), 0),)

    @property
    def in_runs(self) -> bool:
        """Whether elements that lie side by side do so in all operands: in a pixel, and in the innermost
        loop."""
        pixels = all(source.shape[-1] == self.shape[-1] for source in self.sources)
        return pixels and set(self.loops[-1].strides) <= {1}

    @property
    def windowed(self) -> bool:
        """True where windows of the output are windows of each operand, or of what is repeated over them."""
        rank = len(self.shape)
        return (
            rank in (3, 4)
            and self.shape[0] == 1
            and all(s.rank == rank or s.shape[:-1] == (1,) * (rank - 1) for s in self.run_time)
        )

    def needs(self, operand: int, window: Window) -> Window:
        """The window of run-time operand ``operand`` that ``window`` of the output reads."""
        _, rows, columns = _grid(self.run_time[operand].shape)
        y0, y1 = (0, 1) if rows == 1 else (window.y0, window.y1)
        x0, x1 = (0, 1) if columns == 1 else (window.x0, window.x1)
        return Window(y0, y1, x0, x1)

    def arrays(self, inputs: Sequence[np.ndarray], window: Window) -> list[np.ndarray]:
        """What ``window`` reads of every source, in the output's rank, for NumPy to broadcast."""
        fed = iter(inputs)
        rank = len(self.shape)
        arrays: list[np.ndarray] = []
        for source in self.sources:
            if source.constant is not None:
                arrays.append(self._part(source.constant, window))
                continue
            given = next(fed)
            arrays.append(given if given.ndim == rank else given.reshape(source.shape))
        return arrays

    def _part(self, constant: np.ndarray, window: Window) -> np.ndarray:
        if not self.windowed:
            return constant
        _, rows, columns = _grid(constant.shape)
        part = constant if rows == 1 else constant[:, window.y0 : window.y1]
        return part if columns == 1 else part[:, :, window.x0 : window.x1]

    def spread(self, values: np.ndarray, window: Window) -> np.ndarray:
        """``values`` over the whole of the output, or over ``window`` of it."""
        if not self.windowed:
            return np.broadcast_to(values, self.shape)
        if len(self.shape) == 4:
            return np.broadcast_to(values, (1, window.height, window.width, self.shape[3]))
        return np.broadcast_to(values, (1, window.height, self.shape[2]))

    def elements(self, window: Window) -> int:
        """Elements of the output in ``window``."""
        return window.pixels * self.shape[-1] if self.windowed else prod(self.shape)


def _grid(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Samples, rows and columns of a shape of rank 3 or 4."""
    return shape[0], shape[1], shape[2] if len(shape) == 4 else 1


def _source(out: Tensor, operand: Tensor | np.ndarray) -> Source:
    rank = len(out.shape)
    full = (1,) * (rank - len(operand.shape)) + tuple(operand.shape)
    shape = tuple(full[axis] for axis in out.order) or (1,)
    if isinstance(operand, Tensor):
        return Source(shape, len(operand.shape), operand.dtype)
    ordered = np.ascontiguousarray(operand.reshape(full).transpose(out.order)).reshape(shape)
    return Source(shape, rank, DType.of(ordered.dtype), ordered)


@dataclass(frozen=True, eq=False)
class Broadcasting(Kernel):
    """A kernel that makes each element of its output of one element of every operand."""

    broadcast: Broadcast
    dtype: DType
    """Type of the output."""

    @abstractmethod
    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        """The result for arrays that broadcast against each other; of any type that holds it."""

    @property
    def windowed(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.broadcast.windowed

    def needs(self, operand: int, window: Window) -> Window:
        return self.broadcast.needs(operand, window)

    def constants(self) -> Mapping[str, np.ndarray]:
        return self.broadcast.constants

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.broadcast.elements(window))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        with np.errstate(all="ignore"):
            values = self.combine(self.broadcast.arrays(inputs, window))
        return (self.broadcast.spread(values.astype(self.dtype.numpy), window),)

    def in_place(self) -> tuple[int, ...]:
        """Run-time operands that have the output's shape, and elements no smaller than its (larger ones where
        these are bytes, which may alias anything in C)."""
        return tuple(
            n
            for n, source in enumerate(self.broadcast.run_time)
            if source.shape == self.broadcast.shape and self.dtype.size in (1, source.dtype.size)
        )
