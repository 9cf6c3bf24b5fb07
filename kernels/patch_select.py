"""Selection by patches: each pixel of one of two tensors, as a flag says that is computed at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node


@dataclass(frozen=True)
class PatchSelect(Kernel):
    """Input 0 has a flag for each patch, pixel (y, x) belongs to patch (rows[y], columns[x]). It is input 1's
    where the flag is set, else input 2's."""

    template: ClassVar[str] = "patch_select"
    windowed: ClassVar[bool] = True

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    channels: int

    @property
    def cells(self) -> np.ndarray:
        """[rows, columns] a number for the patch of each pixel."""
        rows, columns = np.array(self.rows), np.array(self.columns)
        return rows[:, None] * (columns[-1] + 1) + columns

    def patch(self, window: Window) -> tuple[int, int] | None:
        """The patch, by row and column, that all of ``window`` lies in; None where there are several."""
        need = self.needs(0, window)
        return (need.y0, need.x0) if need.pixels == 1 else None

    def needs(self, operand: int, window: Window) -> Window:
        if operand > 0 or not window.pixels:
            return window
        rows, columns = self.rows[window.y0 : window.y1], self.columns[window.x0 : window.x1]
        return Window(rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"rows": np.array(self.rows, np.int32), "columns": np.array(self.columns, np.int32)}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=window.pixels * self.channels)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        need = self.needs(0, window)
        rows, columns = self.rows[window.y0 : window.y1], self.columns[window.x0 : window.x1]
        flags = inputs[0].reshape(need.height, need.width).astype(bool)
        taken = flags[np.ix_(np.array(rows) - need.y0, np.array(columns) - need.x0)]
        one, other = inputs[1], inputs[2]
        return (np.where(taken.reshape(*one.shape[:-1], 1), one, other),)


def resolve(node: Node) -> Kernel | None:
    """Of images or series of one sample, which pass as they are. Attributes are those of ``SelectPatches`` in
    ``passes/patch_functions.py``."""
    flags, one, other = (node.input(index) for index in range(3))
    out = node.outputs[0]
    kinds = {(t.physical, t.dtype, t.quant, t.constant) for t in (one, other, out)}
    if len(kinds) > 1 or len(out.shape) not in (3, 4) or out.shape[0] != 1:
        return None
    rows, columns = (tuple(map(int, node.attribute(name, ()))) for name in ("rows", "columns"))
    columns = columns if len(out.shape) == 4 else (0,)
    kernel = PatchSelect(rows, columns, out.physical[-1])
    fits = (len(rows), len(columns)) == (*out.physical[1:-1], 1)[:2]
    if not fits or flags.physical[1:-1] != (max(rows) + 1, max(columns) + 1)[: len(out.shape) - 2]:
        raise node.refuse("its rows and columns are not those of its operands", "let tinyc write the node")
    return kernel
