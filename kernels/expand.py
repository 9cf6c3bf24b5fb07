"""Repetition along axes: Expand (ONNX Expand-13) and Tile (Tile-13)."""

from __future__ import annotations

import numpy as np

from ..ir.kernel import Kernel
from .node import Node
from .remap import remap


def resolve_expand(node: Node) -> Kernel | None:
    """Axes of one element are repeated up to the output's shape, axes in front are added."""
    x, out = node.input(0), node.outputs[0]
    missing = len(out.shape) - len(x.shape)
    repeated = {
        missing + axis: np.zeros(out.shape[missing + axis], np.int64)
        for axis, length in enumerate(x.shape)
        if length == 1
    }
    return remap(node, repeated)


def resolve_tile(node: Node) -> Kernel | None:
    """Every axis is repeated as a whole, as often as the output's shape says."""
    x, out = node.input(0), node.outputs[0]
    return remap(node, {axis: np.arange(out.shape[axis]) % length for axis, length in enumerate(x.shape)})
