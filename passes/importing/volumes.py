"""Pools and convolutions of volumes [N, C, D, H, W], by those of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as oir

from ..onnx_graph import attributes_of, input_at, shape_of
from ..onnx_infer import infer
from .body import Body, operand

_PER_AXIS = {"kernel_shape": 1, "strides": 1, "dilations": 1, "pads": 0}
"""Attributes with a number for each axis, and that of an axis which stays as it is."""


def pool(node: oir.Node, body: Body) -> oir.Value | None:
    """MaxPool and AveragePool of volumes: pools of all slices, then of all columns. What a window has inside
    of the volume is a box, and the mean of a box is the mean of the means of its slices."""
    x = operand(node, 0)
    shape, several = shape_of(x), any(output.name for output in node.outputs[1:])
    if len(shape) != 5 or several:
        return None
    attributes, (height, width) = attributes_of(node), _result(node)
    slices = body.reshape(x, [shape[0], shape[1] * shape[2], *shape[3:]])
    flat = body.op(node.op_type, slices, **_for_axes(attributes, (1, 2)))
    columns = body.reshape(flat, [shape[0], shape[1], shape[2], -1])
    pooled = body.op(node.op_type, columns, **_for_axes(attributes, (0, None)))
    return body.reshape(pooled, [shape[0], shape[1], -1, height, width])


def _result(node: oir.Node) -> tuple[int, ...]:
    """The height and width of the node's result, as the body's opset counts windows. Raises ModelError for
    attributes that do not fit."""
    infer(node)
    return shape_of(node.outputs[0])[3:]


def _for_axes(attributes: dict[str, Any], axes: Sequence[int | None]) -> dict[str, Any]:
    """The attributes of a pool that works along these of three axes; along None it does nothing."""
    found = {name: value for name, value in attributes.items() if name not in _PER_AXIS}
    for name, neutral in _PER_AXIS.items():
        if name in attributes:
            values = attributes[name]
            halves = (values[:3], values[3:]) if name == "pads" else (values,)
            found[name] = [neutral if a is None else half[a] for half in halves for a in axes]
    return found


def convolution(node: oir.Node, body: Body) -> oir.Value | None:
    """Conv of volumes: each slice of the result is a convolution of an image whose channels are those of all
    slices that it depends on."""
    x, weights = operand(node, 0), operand(node, 1)
    shape, kernel = shape_of(x), shape_of(weights)
    if len(shape) != 5:
        return None
    height, width = _result(node)
    attributes = attributes_of(node) | {"kernel_shape": list(kernel[2:])}
    first, last, stride, dilation = _depth(attributes, shape[2], kernel[2])
    depth = (shape[2] + first + last - (kernel[2] - 1) * dilation - 1) // stride + 1
    ends = np.array([0, 0, first, 0, 0, 0, 0, last, 0, 0], np.int64)
    padded = body.op("Pad", x, body.constant(ends)) if ends.any() else x
    taken = np.arange(depth)[:, None] * stride + np.arange(kernel[2]) * dilation
    stacks = body.op("Gather", padded, body.constant(taken.astype(np.int64)), axis=2)
    images = body.reshape(
        body.op("Transpose", stacks, perm=[0, 2, 1, 3, 4, 5]),
        [shape[0] * depth, shape[1] * kernel[2], *shape[3:]],
    )
    filters = body.reshape(weights, [kernel[0], kernel[1] * kernel[2], *kernel[3:]])
    found = body.op("Conv", images, filters, input_at(node, 2), **_for_axes(attributes, (1, 2)))
    slices = body.reshape(found, [shape[0], depth, kernel[0], height, width])
    return body.op("Transpose", slices, perm=[0, 2, 1, 3, 4])


def _depth(attributes: dict[str, Any], length: int, kernel: int) -> tuple[int, int, int, int]:
    """Padding before and behind, stride and dilation along the first axis."""
    stride, dilation = (attributes.get(name, (1,))[0] for name in ("strides", "dilations"))
    auto = attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        total = max((-(-length // stride) - 1) * stride + (kernel - 1) * dilation + 1 - length, 0)
        less, more = total // 2, total - total // 2
        return (less, more, stride, dilation) if auto == "SAME_UPPER" else (more, less, stride, dilation)
    pads = attributes.get("pads", (0,) * 6) if auto == "NOTSET" else (0,) * 6
    return pads[0], pads[3], stride, dilation
