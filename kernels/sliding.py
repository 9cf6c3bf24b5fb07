"""Geometry of a kernel that slides over rows and columns: convolutions and pools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.window import Window
from .node import Node


@dataclass(frozen=True)
class Sliding:
    """(rows, columns) of everything; 1-D operators have one column. ``pads`` is top and left: what lies
    beyond bottom and right follows from the sizes."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int]
    input: tuple[int, int]
    output: tuple[int, int]
    batch: int = 1

    @classmethod
    def of(cls, node: Node, kernel: tuple[int, ...]) -> Sliding:
        """From a Conv or pool node (attributes strides, dilations, pads) and its spatial ``kernel``."""
        spatial = len(kernel)
        if spatial not in (1, 2):
            raise node.refuse(f"it has {spatial} spatial dimensions", "use a 1-D or 2-D operator")
        source, target = node.input(0), node.outputs[0]
        pads = node.attribute("pads", [0] * (2 * spatial))
        if node.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
            raise node.refuse("auto_pad was not resolved", "give explicit pads")

        def pair(values: tuple[int, ...] | list[int], missing: int) -> tuple[int, int]:
            return (int(values[0]), int(values[1]) if spatial == 2 else missing)

        return cls(
            kernel=pair(kernel, 1),
            stride=pair(node.attribute("strides", [1] * spatial), 1),
            dilation=pair(node.attribute("dilations", [1] * spatial), 1),
            pads=pair(pads[:spatial], 0),
            input=pair(source.shape[2:], 1),
            output=pair(target.shape[2:], 1),
            batch=source.shape[0],
        )

    @classmethod
    def pointwise(cls, grid: tuple[int, int], batch: int) -> Sliding:
        """One tap, and as many rows and columns of the output as of the input."""
        return cls((1, 1), (1, 1), (1, 1), (0, 0), grid, grid, batch)

    def needs(self, window: Window) -> Window:
        """Input rows and columns under ``window`` of the output, not clipped."""
        (kh, kw), (sh, sw), (dh, dw), (top, left) = self.kernel, self.stride, self.dilation, self.pads
        return Window(
            window.y0 * sh - top, (window.y1 - 1) * sh - top + (kh - 1) * dh + 1,
            window.x0 * sw - left, (window.x1 - 1) * sw - left + (kw - 1) * dw + 1,
        )  # fmt: skip

    def patches(self, x: np.ndarray, window: Window, fill: float) -> np.ndarray:
        """[n, rows, columns, kernel rows, kernel columns, channels] for ``window`` of the output.

        ``x`` is the clipped input window in any physical rank; what lies outside the tensor is ``fill``.
        """
        needed = self.needs(window)
        inside = needed.clip(*self.input)
        grid = x.reshape(x.shape[0], inside.height, inside.width, x.shape[-1])
        rows = _outside(needed.y0, needed.y1, self.input[0])
        columns = _outside(needed.x0, needed.x1, self.input[1])
        padded = np.pad(grid, ((0, 0), rows, columns, (0, 0)), constant_values=fill)
        view = np.lib.stride_tricks.sliding_window_view(
            padded, (self.extent(0), self.extent(1)), axis=(1, 2)
        )
        view = view[:, :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]
        return view.transpose(0, 1, 2, 4, 5, 3)

    def extent(self, axis: int) -> int:
        """Rows (axis 0) or columns (1) from the first tap to the last."""
        return (self.kernel[axis] - 1) * self.dilation[axis] + 1

    @property
    def is_whole(self) -> bool:
        """Whether the one pixel of the output is made of all pixels of the input, each once."""
        side_by_side = (self.extent(0), self.extent(1)) == self.kernel == self.input
        return side_by_side and self.output == (1, 1) and self.pads == (0, 0) and self.batch == 1

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]

    def overhang(self, axis: int) -> tuple[bool, bool]:
        """Whether some output reads before the first, and beyond the last, row (axis 0) or column (1)."""
        last = (self.output[axis] - 1) * self.stride[axis] - self.pads[axis] + self.extent(axis)
        return self.pads[axis] > 0, last > self.input[axis]

    @property
    def taps_inside(self) -> float:
        """The mean number of an output's taps that are not padding."""
        mean = 1.0
        for axis in (0, 1):
            firsts = np.arange(self.output[axis]) * self.stride[axis] - self.pads[axis]
            places = firsts[:, None] + np.arange(self.kernel[axis]) * self.dilation[axis]
            mean *= float(((places >= 0) & (places < self.input[axis])).sum(axis=1).mean())
        return mean

    @property
    def is_padded(self) -> bool:
        """Whether some output reads padding."""
        return any((*self.overhang(0), *self.overhang(1)))

    @property
    def is_pointwise(self) -> bool:
        """One tap, and one output for each input pixel."""
        return self.taps == 1 and self.stride == (1, 1) and not self.is_padded


def _outside(begin: int, end: int, length: int) -> tuple[int, int]:
    """How much of [begin, end) lies before 0, and from ``length`` on."""
    return max(min(end, 0) - begin, 0), max(end - max(begin, length), 0)
