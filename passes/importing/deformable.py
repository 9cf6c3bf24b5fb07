"""DeformConv: a convolution of pixels that lie where offsets put them, sampled between their neighbours."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import describe, input_at, shape_of
from .body import Body, operand
from .sampling import Axis, sampled


def deform_conv(node: oir.Node, body: Body) -> oir.Value:
    """x [N, C, H, W] under a kernel whose every tap is moved by offsets [N, groups · taps · 2, height, width]
    and weighed by a mask [N, groups · taps, height, width], if there is one; as a 1×1 convolution of all taps
    (DeformConv-22)."""
    x, weights, offsets = (operand(node, index) for index in range(3))
    shape, kernel, size = shape_of(x), shape_of(weights), shape_of(offsets)[2:]
    if len(shape) != 4:
        raise ModelError(
            "DeformConv is compiled for images",
            where=describe(node),
            why=f"its input has the shape {list(shape)}",
            remedy="use an input of four dimensions, [N, C, H, W]",
        )
    groups, taps, points = node.attributes.get_int("offset_group", 1), prod(kernel[2:]), prod(size)
    moves = body.reshape(offsets, [shape[0], groups, taps, 2, points])
    mask = input_at(node, 4)
    factors = None if mask is None else body.reshape(mask, [shape[0], groups, taps * points, 1])
    axes = [Axis("zeros", aligned=False, length=length) for length in shape[2:]]
    columns: list[oir.Value] = []
    for group in range(groups):
        mine = body.op("Gather", moves, body.constant(np.int64(group)), axis=1)
        channels = body.constant(np.arange(shape[1] // groups, dtype=np.int64) + group * (shape[1] // groups))
        part = body.op("Gather", x, channels, axis=1) if groups > 1 else x
        places = [_places(node, body, mine, axis) for axis in range(2)]
        found = sampled(body, part, (shape[0], shape[1] // groups, *shape[2:]), axes, places, "linear")
        if factors is not None:
            found = body.op("Mul", found, body.op("Gather", factors, body.constant(np.int64(group)), axis=1))
        rows = body.reshape(found, [shape[0], taps, points, shape[1] // groups])
        columns.append(body.op("Transpose", rows, perm=[0, 3, 1, 2]))
    image = body.reshape(body.op("Concat", *columns, axis=1), [shape[0], shape[1] * taps, *size])
    filters = body.reshape(weights, [kernel[0], kernel[1] * taps, 1, 1])
    return body.op("Conv", image, filters, input_at(node, 3), group=node.attributes.get_int("group", 1))


def _places(node: oir.Node, body: Body, moves: oir.Value, axis: int) -> oir.Value:
    """[N, taps · points] along an axis, in pixels, of ``moves`` [N, taps, 2, points]."""
    attributes, size, kernel = node.attributes, shape_of(node.inputs[2])[2:], shape_of(node.inputs[1])[2:]
    strides, dilations = (attributes.get_ints(name) or (1, 1) for name in ("strides", "dilations"))
    before = (attributes.get_ints("pads") or (0,) * 4)[axis]
    grid = np.indices((*kernel, *size))
    start = grid[axis] * dilations[axis] + grid[axis + 2] * strides[axis] - before
    moved = body.op("Gather", moves, body.constant(np.int64(axis)), axis=2)
    flat = body.reshape(moved, [-1, start.size])
    return body.op("Add", flat, body.constant(start.reshape(1, -1), oir.DataType.FLOAT))
