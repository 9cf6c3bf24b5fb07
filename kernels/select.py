"""Selection: each pixel of one of two tensors, as a constant mask over rows and columns says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node, Tensor


@dataclass(frozen=True, eq=False)
class Select(Kernel):
    """``mask`` is bool [rows, columns]: True where a pixel is input 0's, else it is input 1's.

    A window needs of an input only the pixels that it takes, so that a region on one side of the mask calls
    for one of the two tensors alone.
    """

    template: ClassVar[str] = "select"
    windowed: ClassVar[bool] = True
    separable: ClassVar[bool] = False

    mask: np.ndarray
    channels: int

    @property
    def cells(self) -> np.ndarray:
        """[rows, columns] a number for the input that each pixel is of."""
        return self.mask

    def taken(self, operand: int, window: Window) -> np.ndarray:
        """Bool [rows, columns] of ``window``: which pixels are those of input ``operand``."""
        inside = self.mask[window.y0 : window.y1, window.x0 : window.x1]
        return ~inside if operand else inside

    def needs(self, operand: int, window: Window) -> Window:
        taken = self.taken(operand, window)
        rows, columns = np.flatnonzero(taken.any(axis=1)), np.flatnonzero(taken.any(axis=0))
        if not rows.size:
            return Window(0, 0, 0, 0)
        y, x = window.y0, window.x0
        return Window(y + int(rows[0]), y + int(rows[-1]) + 1, x + int(columns[0]), x + int(columns[-1]) + 1)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"mask": self.mask.astype(np.uint8)}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=window.pixels * self.channels)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        out = np.zeros((window.height, window.width, self.channels), inputs[0].dtype)
        for operand, part in enumerate(inputs):
            need = self.needs(operand, window)
            rows = slice(need.y0 - window.y0, need.y1 - window.y0)
            columns = slice(need.x0 - window.x0, need.x1 - window.x0)
            if need.pixels:
                place, mine = out[rows, columns], self.taken(operand, need)
                place[mine] = part.reshape(place.shape)[mine]
        across = (window.width,) if inputs[0].ndim == 4 else ()
        return (out.reshape(1, window.height, *across, self.channels),)


def of_mask(node: Node, condition: np.ndarray) -> Select | None:
    """The kernel for a Where of two images or series of one sample with the constant ``condition`` (in the
    model's order of axes); None where this is not the same in all channels of a pixel, or the same in all
    pixels, or where operands are constant, of other shapes, or stored otherwise than the result."""
    out = node.outputs[0]
    shape = out.physical
    if len(shape) not in (3, 4) or shape[0] != 1 or not all(_alike(node.input(n), out) for n in (1, 2)):
        return None
    given = condition.reshape((1,) * (len(shape) - condition.ndim) + condition.shape).transpose(out.order)
    if given.shape[-1] != 1 or given.all() or not given.any():
        return None
    mask = np.broadcast_to(given[0, ..., 0], shape[1:-1])
    return Select(mask.reshape(shape[1], -1), shape[-1])


def _alike(operand: Tensor, out: Tensor) -> bool:
    same = (operand.shape, operand.dtype, operand.quant) == (out.shape, out.dtype, out.quant)
    return operand.constant is None and same
