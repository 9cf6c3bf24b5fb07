"""Blocks of pixels to channels and back (ONNX DepthToSpace-13, SpaceToDepth-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node
from .recode import can_move, recoding


@dataclass(frozen=True, eq=False)
class DepthToSpace(Kernel):
    """Output pixel (y, x) takes ``channels`` channels of input pixel (y / block, x / block): those of its
    place in the block, side by side (``depth_first``: ONNX DCR) or every block²-th (CRD)."""

    template: ClassVar[str] = "depth_to_space"
    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    """Of the output: (N, H, W, C)."""
    block: int
    depth_first: bool
    table: np.ndarray | None = None

    @property
    def channels(self) -> int:
        return self.shape[-1]

    def needs(self, operand: int, window: Window) -> Window:
        b = self.block
        return Window(window.y0 // b, -(-window.y1 // b), window.x0 // b, -(-window.x1 // b))

    def constants(self) -> Mapping[str, np.ndarray]:
        return {} if self.table is None else {"table": self.table}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.shape[0] * window.pixels * self.channels)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x, b = inputs[0], self.block
        n, rows, columns, _ = x.shape
        if self.depth_first:
            blocks = x.reshape(n, rows, columns, b, b, self.channels).transpose(0, 1, 3, 2, 4, 5)
        else:
            blocks = x.reshape(n, rows, columns, self.channels, b, b).transpose(0, 1, 4, 2, 5, 3)
        grid = blocks.reshape(n, rows * b, columns * b, self.channels)
        top, left = window.y0 % b, window.x0 % b
        out = np.ascontiguousarray(grid[:, top : top + window.height, left : left + window.width])
        return (out if self.table is None else self.table[out.view(np.uint8)],)


@dataclass(frozen=True, eq=False)
class SpaceToDepth(Kernel):
    """Output pixel (y, x) holds the channels of the ``block`` x ``block`` pixels under it, row by row."""

    template: ClassVar[str] = "space_to_depth"
    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    """Of the output: (N, H, W, C)."""
    block: int
    table: np.ndarray | None = None

    def needs(self, operand: int, window: Window) -> Window:
        return Window(*(edge * self.block for edge in (window.y0, window.y1, window.x0, window.x1)))

    def constants(self) -> Mapping[str, np.ndarray]:
        return {} if self.table is None else {"table": self.table}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.shape[0] * window.pixels * self.shape[-1])

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x, b = inputs[0], self.block
        blocks = x.reshape(x.shape[0], window.height, b, window.width, b, -1).transpose(0, 1, 3, 2, 4, 5)
        out = np.ascontiguousarray(blocks).reshape(x.shape[0], window.height, window.width, -1)
        return (out if self.table is None else self.table[out.view(np.uint8)],)


def resolve_depth_to_space(node: Node) -> Kernel | None:
    """DepthToSpace of (N, C, H, W), mode DCR or CRD."""
    x, out = node.input(0), node.outputs[0]
    if not can_move(x, out):
        return None
    mode = node.attribute("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise node.refuse(f"its mode is {mode!r}", "use DCR or CRD")
    return DepthToSpace(out.physical, int(node.attribute("blocksize", 1)), mode == "DCR", recoding(x, out))


def resolve_space_to_depth(node: Node) -> Kernel | None:
    """SpaceToDepth of (N, C, H, W)."""
    x, out = node.input(0), node.outputs[0]
    if not can_move(x, out):
        return None
    return SpaceToDepth(out.physical, int(node.attribute("blocksize", 1)), recoding(x, out))
