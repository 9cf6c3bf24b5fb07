"""Resize (ONNX Resize-19) to the nearest element or linearly; sizes are known at compile time.

Coordinates are computed in float32 in the order of operations that ONNX Runtime uses, so that ties between
two elements fall the same way.
"""

from __future__ import annotations

import numpy as np

from ..ir.kernel import Kernel
from .axis_map import FILL
from .interpolate import resolve_linear
from .node import Node
from .recode import quantized
from .remap import remap

_ONE, _HALF = np.float32(1), np.float32(0.5)


def resolve(node: Node) -> Kernel | None:
    """Resize in modes nearest and linear; ModelError for cubic, antialiased or with run-time sizes."""
    mode = node.attribute("mode", "nearest")
    if node.attribute("antialias", 0):
        raise node.refuse("it filters against aliasing (antialias = 1)", "export it with antialias = 0")
    scales = _scales(node)
    coordinates = {axis: _coordinates(node, axis, scale) for axis, scale in enumerate(scales) if scale != 1}
    outside = {axis: _outside(node, axis, where) for axis, where in coordinates.items()}
    if mode == "nearest":
        taken = {
            axis: _nearest(node, where, node.input(0).shape[axis]) for axis, where in coordinates.items()
        }
        taken = {axis: np.where(outside[axis], FILL, indices) for axis, indices in taken.items()}
        return remap(node, taken, _extrapolation(node))
    if mode == "linear":
        if any(beyond.any() for beyond in outside.values()):
            raise node.refuse(
                "it extrapolates beyond the tensor", "use mode nearest, or a roi inside the tensor"
            )
        return resolve_linear(node, coordinates)
    raise node.refuse(f"its mode is {mode!r}", "use mode nearest or linear")


def _scales(node: Node) -> list[float]:
    """Output length / input length of every axis, as the coordinate formulas take it."""
    x, out = node.input(0).shape, node.outputs[0].shape
    axes = [int(axis) % len(x) for axis in node.attribute("axes", range(len(x)))]
    scales = [1.0] * len(x)
    given = _given(node, 2, "scales")
    if given is not None:
        for axis, scale in zip(axes, given.tolist(), strict=True):
            scales[axis] = scale
        return scales
    sizes = _given(node, 3, "sizes")
    if sizes is None:
        raise node.refuse("it has neither scales nor sizes", "give one of them")
    ratios = [np.float32(size) / np.float32(x[axis]) for axis, size in zip(axes, sizes.tolist(), strict=True)]
    policy = node.attribute("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        ratios = [min(ratios) if policy == "not_larger" else max(ratios)] * len(ratios)
    for axis, ratio in zip(axes, ratios, strict=True):
        scales[axis] = float(ratio) if x[axis] != out[axis] or policy != "stretch" else 1.0
    return scales


def _given(node: Node, index: int, what: str) -> np.ndarray | None:
    constant = node.optional_constant(index, what)
    return None if constant is None or constant.values.size == 0 else constant.values


def _coordinates(node: Node, axis: int, scale: float) -> np.ndarray:
    """Where each index of the output's axis lies on the input's axis, float32."""
    length, resized = np.float32(node.input(0).shape[axis]), np.float32(node.outputs[0].shape[axis])
    i, ratio = np.arange(int(resized)).astype(np.float32), np.float32(scale)
    mode = node.attribute("coordinate_transformation_mode", "half_pixel")
    match mode:
        case "half_pixel":
            return (i + _HALF) / ratio - _HALF
        case "half_pixel_symmetric":
            offset = length / np.float32(2) * (_ONE - resized / (ratio * length))
            return offset + (i + _HALF) / ratio - _HALF
        case "pytorch_half_pixel":
            return (i + _HALF) / ratio - _HALF if resized > 1 else i * 0
        case "align_corners":
            return i * (length - _ONE) / (resized - _ONE) if resized > 1 else i * 0
        case "asymmetric":
            return i / ratio
        case "tf_crop_and_resize":
            start, end = _region(node, axis)
            if resized > 1:
                return start * (length - _ONE) + i * (end - start) * (length - _ONE) / (resized - _ONE)
            return _HALF * (start + end) * (length - _ONE) + i
        case _:
            raise node.refuse(
                f"its coordinate_transformation_mode is {mode!r}",
                "use half_pixel, align_corners or asymmetric",
            )


def _region(node: Node, axis: int) -> tuple[np.float32, np.float32]:
    """Begin and end of the region of interest along ``axis``, in units of its length."""
    roi, axes = _given(node, 1, "roi"), list(node.attribute("axes", range(len(node.input(0).shape))))
    if roi is None or axis not in axes:
        return np.float32(0), _ONE
    begins, ends = roi.astype(np.float32).reshape(2, -1)
    return begins[axes.index(axis)], ends[axes.index(axis)]


def _outside(node: Node, axis: int, where: np.ndarray) -> np.ndarray:
    """Which coordinates take the extrapolation value: tf_crop_and_resize only."""
    if node.attribute("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize":
        return np.zeros(where.shape, bool)
    return (where < 0) | (where > node.input(0).shape[axis] - 1)


def _extrapolation(node: Node) -> float:
    value, out = float(node.attribute("extrapolation_value", 0.0)), node.outputs[0]
    return value if out.quant is None else int(quantized(np.array(value), out.quant, out.dtype))


def _nearest(node: Node, where: np.ndarray, length: int) -> np.ndarray:
    mode = node.attribute("nearest_mode", "round_prefer_floor")
    match mode:
        case "round_prefer_floor":
            found = np.ceil(where - _HALF)
        case "round_prefer_ceil":
            found = np.floor(where + _HALF)
        case "floor":
            found = np.floor(where)
        case "ceil":
            found = np.ceil(where)
        case _:
            raise node.refuse(
                f"its nearest_mode is {mode!r}", "use round_prefer_floor, round_prefer_ceil, floor or ceil"
            )
    return np.clip(found, 0, length - 1).astype(np.int64)
