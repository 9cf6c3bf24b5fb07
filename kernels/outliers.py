"""Which patches of an image hold outliers: values that are not within two bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node, Tensor


@dataclass(frozen=True)
class Outliers(Kernel):
    """Output pixel (y, x) tells whether the patch of rows [rows[y], rows[y + 1]) and columns [columns[x],
    columns[x + 1]) of the image, with all of its ``channels``, holds a stored value below ``low`` or above
    ``high``. ``shares`` is how often each patch is expected to: [rows, columns] of the output.
    """

    template: ClassVar[str] = "outliers"
    windowed: ClassVar[bool] = True

    low: int
    high: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    channels: int
    rank: int
    """Of the output: 3 of a series, whose patches are one column, else 4."""
    shares: tuple[tuple[float, ...], ...]

    def needs(self, operand: int, window: Window) -> Window:
        rows, columns = self.rows, self.columns
        return Window(rows[window.y0], rows[window.y1], columns[window.x0], columns[window.x1])

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"rows": np.array(self.rows, np.int32), "columns": np.array(self.columns, np.int32)}

    def cost(self, window: Window) -> Cost:
        """Of patches that hold none: otherwise the first outlier ends it."""
        return Cost(operations=self.needs(0, window).pixels * self.channels)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        need = self.needs(0, window)
        image = inputs[0].reshape(need.height, need.width, self.channels).astype(np.int64)
        beyond = ((image < self.low) | (image > self.high)).any(axis=2)
        rows = np.array(self.rows[window.y0 : window.y1]) - need.y0
        columns = np.array(self.columns[window.x0 : window.x1]) - need.x0
        found = np.logical_or.reduceat(np.logical_or.reduceat(beyond, rows, axis=0), columns, axis=1)
        across = (window.width,) if self.rank == 4 else ()
        return (found.reshape(1, window.height, *across, 1),)


def resolve(node: Node) -> Kernel | None:
    """Of an image or series of one sample in 8 bits. Attributes are those of ``HasOutliers`` in
    ``passes/patch_functions.py``."""
    image, out = node.input(0), node.outputs[0]
    if image.quant is None or image.dtype.bits != 8:
        return None
    if image.order != tuple(node.attribute("order", ())):
        raise node.refuse(
            f"{image.name} lies in another order of axes than patches were cut in",
            "compile the model with --io-layout nhwc",
        )
    rows, columns = (_cuts(node, name) for name in ("rows", "columns"))
    low, high = _stored(image, node.attribute("low", 0.0), node.attribute("high", 0.0))
    shares = tuple(map(float, node.attribute("shares", ())))
    across = len(columns) - 1
    by_row = tuple(shares[begin : begin + across] for begin in range(0, len(shares), across))
    return Outliers(low, high, rows, columns, image.physical[-1], len(out.shape), by_row)


def result_order(node: Node) -> tuple[int, ...]:
    """Flags lie as the image does that they are selected for."""
    return (0, *range(2, len(node.outputs[0].shape)), 1)


def _cuts(node: Node, axis: str) -> tuple[int, ...]:
    """Where patches begin along an axis, of which the attribute gives each position's patch, and the end."""
    patches = np.array(node.attribute(axis, ()), np.int64)
    steps = np.diff(patches, prepend=-1)
    if not (patches.size and steps[0] == 1 and np.isin(steps, (0, 1)).all()):
        raise node.refuse(f"its {axis} do not belong to patch 0, 1, … in turn", "let tinyc write the node")
    return (*np.flatnonzero(steps).tolist(), len(patches))


def _stored(image: Tensor, low: float, high: float) -> tuple[int, int]:
    """The least and the greatest stored value that ONNX Runtime finds between two real ones; where there are
    none, such as no value is between."""
    assert image.quant is not None
    values = np.arange(int(image.dtype.lowest), int(image.dtype.highest) + 1)
    real = (values - image.quant.zero_point).astype(np.float32) * np.float32(image.quant.scale)
    inside = values[(real >= np.float32(low)) & (real <= np.float32(high))]
    return (int(inside[0]), int(inside[-1])) if inside.size else (int(values[-1]) + 1, int(values[-1]))
