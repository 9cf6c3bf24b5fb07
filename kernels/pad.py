"""Pad (ONNX Pad-25): constant, edge, reflect, wrap; negative pads crop."""

from __future__ import annotations

import numpy as np

from ..ir.kernel import Kernel
from .axis_map import FILL
from .node import Node, Tensor
from .recode import stored
from .remap import remap


def resolve(node: Node) -> Kernel | None:
    """Pad with constant pads, axes and value; ModelError for what is computed at run time, an unknown mode,
    or a mirror that is longer than the axis."""
    x, out = node.input(0), node.outputs[0]
    pads, axes = node.constant(1, "pads").values, node.optional_constant(3, "axes")
    along = np.arange(len(x.shape)) if axes is None else axes.values % len(x.shape)
    begins, ends = pads.reshape(2, -1).tolist()
    mode = _text(node.attribute("mode", "constant"))
    taken = {
        axis: _indices(node, x.shape[axis], begin, end, mode)
        for axis, begin, end in zip(along.tolist(), begins, ends, strict=True)
        if begin or end
    }
    return remap(node, taken, _value(node, out) if mode == "constant" else 0)


def _indices(node: Node, length: int, begin: int, end: int, mode: str) -> np.ndarray:
    """Source indices along one axis: cropped first, then padded."""
    kept = np.arange(length)[max(-begin, 0) : length - max(-end, 0)]
    pads = (max(begin, 0), max(end, 0))
    if kept.size == 0 and mode != "constant":
        raise node.refuse(f"pads {begin} and {end} leave nothing of {length} elements", "crop less")
    match mode:
        case "constant":
            return np.pad(kept, pads, constant_values=FILL)
        case "edge" | "wrap":
            return np.pad(kept, pads, mode=mode)
        case "reflect":
            if max(pads) >= kept.size > 1 or (kept.size == 1 and max(pads)):
                raise node.refuse(
                    f"it mirrors {max(pads)} elements of an axis that has {kept.size}",
                    "pad by less than the axis's length",
                )
            return np.pad(kept, pads, mode="reflect")
        case _:
            raise node.refuse(f"its mode is {mode!r}", "use constant, edge, reflect or wrap")


def _value(node: Node, out: Tensor) -> float:
    """The padding as an element of the output: zero (its zero point) where none is given."""
    constant = node.optional_constant(2, "the padding value")
    if constant is None:
        return 0 if out.quant is None else out.quant.zero_point
    return stored(constant, out).reshape(-1)[0].item()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
