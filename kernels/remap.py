"""Movement along axes: out[i, j, …] = in[map0[i], map1[j], …], or a fill value where a map reads nothing.

Slice-13, Pad-25, Expand-13, Tile-13, Gather with constant indices and Resize to the nearest element are all
of this kind; they differ in their maps only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .axis_map import FILL, AxisMap, Form
from .nest import Axis, Nest, nest_of
from .node import Node
from .recode import can_move, recoding


@dataclass(frozen=True, eq=False)
class Remap(Kernel):
    """``axes`` are the output's in memory order (Gather may split or drop some in ``shape``); ``table``
    recodes 8-bit elements as they move; ``fill`` is an element of the output."""

    template: ClassVar[str] = "remap"

    source: tuple[int, ...]
    shape: tuple[int, ...]
    axes: tuple[Axis, ...]
    dtype: DType
    table: np.ndarray | None = None
    fill: float = 0

    @cached_property
    def windowed(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True for images and series of one sample whose axes keep their order."""
        rank = len(self.shape)
        natural = tuple(prod(self.source[axis + 1 :]) for axis in range(len(self.source)))
        same_order = natural == tuple(axis.stride for axis in self.axes)
        return (
            rank in (3, 4)
            and rank == len(self.source)
            and same_order
            and self.source[0] == self.shape[0] == 1
        )

    @cached_property
    def nest(self) -> Nest:
        """The loops of a run over the whole tensor."""
        return nest_of(self.axes)

    @property
    def contiguous_from(self) -> int | None:
        """The element of the input where the output lies as it is, in one piece; None where it does not."""
        return self.nest.base if not self.nest.loops and self.table is None else None

    @property
    def pixel(self) -> tuple[AxisMap, AxisMap, AxisMap]:
        """Maps of rows, columns and channels, for windowed runs."""
        rows, channels = self.axes[1].map, self.axes[-1].map
        return rows, self.axes[2].map if len(self.axes) == 4 else AxisMap.identity(1), channels

    def needs(self, operand: int, window: Window) -> Window:
        rows, columns, _ = self.pixel
        return Window(*rows.hull(window.y0, window.y1), *columns.hull(window.x0, window.x1))

    def constants(self) -> Mapping[str, np.ndarray]:
        found = {
            f"axis{number}": axis.map.table
            for number, axis in enumerate(self.axes)
            if axis.map.formula.form is Form.TABLE
        }
        return found if self.table is None else found | {"table": self.table}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=window.pixels * self.shape[-1] if self.windowed else prod(self.shape))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x, indices = inputs[0], [axis.map.indices for axis in self.axes]
        strides = [axis.stride for axis in self.axes]
        if self.windowed:
            rows, columns, _ = self.pixel
            needed = self.needs(0, window)
            indices[1] = _shifted(rows.indices[window.y0 : window.y1], needed.y0)
            if len(self.axes) == 4:
                indices[2] = _shifted(columns.indices[window.x0 : window.x1], needed.x0)
            strides = [prod(x.shape[axis + 1 :]) for axis in range(x.ndim)]
        places = np.ix_(*indices)
        inside = np.logical_and.reduce(np.broadcast_arrays(*(p != FILL for p in places)))
        flat = sum(np.maximum(p, 0) * stride for p, stride in zip(places, strides, strict=True))
        out = np.full(inside.shape, self.fill, self.dtype.numpy)
        moved = x.reshape(-1)[np.broadcast_to(flat, inside.shape)[inside]]
        out[inside] = moved if self.table is None else self.table[moved.view(np.uint8)]
        return (out if self.windowed else out.reshape(self.shape),)


def _shifted(indices: np.ndarray, origin: int) -> np.ndarray:
    return np.where(indices == FILL, FILL, indices - origin)


def remap(node: Node, indices: Mapping[int, np.ndarray], fill: float = 0) -> Kernel | None:
    """The kernel that takes ``indices[axis]`` along each axis of the output's model order, and every index of
    the axes that are not named. Axes that the input lacks in front are repeated (ONNX broadcasting).

    None where input and output are quantized differently and not in 8 bits.
    """
    x, out = node.input(0), node.outputs[0]
    if not can_move(x, out):
        return None
    missing = len(out.shape) - len(x.shape)
    axes: list[Axis] = []
    for axis in out.order:
        if axis < missing:
            axes.append(Axis(AxisMap(np.zeros(out.shape[axis], np.int64), 1), 0))
            continue
        length = x.shape[axis - missing]
        stride = prod(x.physical[x.position(axis - missing) + 1 :])
        axes.append(Axis(AxisMap(indices.get(axis, np.arange(length)), length), stride))
    return Remap(x.physical, out.physical, tuple(axes), out.dtype, recoding(x, out), fill)
