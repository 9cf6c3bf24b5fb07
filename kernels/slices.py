"""Slice (ONNX Slice-13): any axes, any steps."""

from __future__ import annotations

import numpy as np

from ..ir.kernel import Kernel
from .node import Node
from .remap import remap


def resolve(node: Node) -> Kernel | None:
    """Slice with constant starts, ends, axes and steps; ModelError where they are computed at run time or
    leave nothing."""
    x = node.input(0)
    starts = node.constant(1, "starts").values.tolist()
    ends = node.constant(2, "ends").values.tolist()
    axes, steps = node.optional_constant(3, "axes"), node.optional_constant(4, "steps")
    along = range(len(starts)) if axes is None else axes.values.tolist()
    by = [1] * len(starts) if steps is None else steps.values.tolist()
    taken: dict[int, np.ndarray] = {}
    for start, end, axis, step in zip(starts, ends, along, by, strict=True):
        axis %= len(x.shape)
        taken[axis] = np.arange(x.shape[axis])[start:end:step]  # ONNX clamps as Python does
        if taken[axis].size == 0:
            raise node.refuse(f"[{start}:{end}:{step}] of axis {axis} is empty", "remove what reads nothing")
    return remap(node, taken)
