"""GridSample: weighted pixels of an image around real coordinates, as Gathers of pixels.

Everything about coordinates is written as operators on the grid, so that a constant grid leaves constant
indices and weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import product
from math import prod

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import describe, shape_of
from .body import Body, operand

_INT, _FLOAT = oir.DataType.INT32, oir.DataType.FLOAT
_MODES = {"bilinear": "linear", "bicubic": "cubic"}
"""What opset 16 called two of the modes."""
_CUBIC = -0.75
"""The coefficient of cubic convolution (Keys, 1981)."""
_Neighbour = tuple[oir.Value, oir.Value | None]
"""Indices of pixels along an axis, int32 [N, points], and their weights; None for 1."""


def _real(body: Body, number: float) -> oir.Value:
    return body.constant(np.float32(number))


def _whole(body: Body, number: int) -> oir.Value:
    return body.constant(np.int32(number))


@dataclass(frozen=True)
class Axis:
    """``length`` pixels. ``outside`` of them lie ``zeros``, copies of the ``border`` or a ``reflection`` at
    the ends, which are the centres of the outermost pixels where ``aligned``, else their outer borders."""

    outside: str
    aligned: bool
    length: int

    def coordinate(self, body: Body, x: oir.Value) -> oir.Value:
        """Coordinates [N, points] in pixels, of those in −1 … 1."""
        moved = body.op("Mul", body.op("Add", x, _real(body, 1)), _real(body, self.length - self.aligned))
        edge = moved if self.aligned else body.op("Sub", moved, _real(body, 1))
        return body.op("Mul", edge, _real(body, 0.5))

    def settled(self, body: Body, x: oir.Value) -> oir.Value:
        """Coordinates far outside brought to others for which the padding means the same, so that integers
        hold them."""
        low, high = (0.0, self.length - 1.0) if self.aligned else (-0.5, self.length - 0.5)
        if self.outside != "reflection" or high == low:
            return body.op("Clip", x, _real(body, -3), _real(body, self.length + 2))
        distance = body.op("Abs", body.op("Sub", x, _real(body, low)))
        along = body.op("Mod", distance, _real(body, 2 * (high - low)), fmod=1)
        fold = body.op("Abs", body.op("Sub", along, _real(body, high - low)))
        return body.op("Sub", _real(body, high), fold)

    def pixel(self, body: Body, index: oir.Value) -> _Neighbour:
        """The pixels that indices mean, and what to multiply them with: 0 where padding by zeros is meant."""
        clipped = body.op("Clip", index, _whole(body, 0), _whole(body, self.length - 1))
        if self.outside == "zeros":
            return clipped, body.op("Cast", body.op("Equal", clipped, index), to=int(_FLOAT))
        period = 2 * (self.length - self.aligned)
        if self.outside == "border" or period == 0:
            return clipped, None
        forth = body.op("Mod", index, _whole(body, period))
        back = body.op("Sub", _whole(body, period - (not self.aligned)), forth)
        return body.op("Min", forth, back), None


def grid_sample(node: oir.Node, body: Body) -> oir.Value:
    """[N, C, out…] of x [N, C, in…] at a grid [N, out…, axes], whose last axis has x's axes in reverse."""
    x, grid = operand(node, 0), operand(node, 1)
    shape, wanted = shape_of(x), shape_of(grid)[1:-1]
    spatial, mode = shape[2:], node.attributes.get_string("mode", "linear")
    mode = _MODES.get(mode, mode)
    if mode == "cubic" and len(spatial) > 2:
        raise _too_many_axes(node, len(spatial))
    aligned = bool(node.attributes.get_int("align_corners", 0))
    outside = node.attributes.get_string("padding_mode", "zeros")
    axes = [Axis(outside, aligned, length) for length in spatial]
    columns = [_column(body, grid, len(spatial) - 1 - axis) for axis in range(len(spatial))]
    places = [axis.coordinate(body, column) for axis, column in zip(axes, columns, strict=True)]
    image = body.reshape(sampled(body, x, shape, axes, places, mode), [shape[0], *wanted, shape[1]])
    return body.op("Transpose", image, perm=[0, len(shape) - 1, *range(1, len(shape) - 1)])


def sampled(
    body: Body, x: oir.Value, shape: tuple[int, ...], axes: Sequence[Axis], places: Sequence[oir.Value],
    mode: str,
) -> oir.Value:  # fmt: skip
    """[N, points, C] of x, whose ``shape`` is [N, C, in…], at ``places``, which for each axis are [N, points]
    in pixels. ``mode`` is ``linear``, ``cubic`` or ``nearest``."""
    spatial = shape[2:]
    batch = np.arange(shape[0], dtype=np.int32).reshape(-1, 1) * np.int32(prod(spatial))
    pixels = body.reshape(body.op("Transpose", x, perm=[0, *range(2, len(shape)), 1]), [-1, shape[1]])
    around = [_neighbours(axis, mode, place, body) for axis, place in zip(axes, places, strict=True)]
    terms = [_weighted(corner, spatial, batch, pixels, body) for corner in product(*around)]
    return reduce(partial(body.op, "Add"), terms)


def _column(body: Body, grid: oir.Value, index: int) -> oir.Value:
    """[N, points]: one coordinate of each point."""
    shape = shape_of(grid)
    column = body.op("Gather", grid, body.constant(np.int64(index)), axis=-1)
    return body.reshape(column, [shape[0], prod(shape[1:-1])])


def _neighbours(axis: Axis, mode: str, x: oir.Value, body: Body) -> list[_Neighbour]:
    """The pixels along one axis that count for each coordinate."""
    if mode == "nearest":
        nearest = axis.settled(body, body.op("Round", x))
        return [axis.pixel(body, body.op("Cast", nearest, to=int(_INT)))]
    x = axis.settled(body, x)
    floor = body.op("Floor", x)
    part, first = body.op("Sub", x, floor), body.op("Cast", floor, to=int(_INT))
    weights = _linear(part, body) if mode == "linear" else _cubic(part, body)
    found: list[_Neighbour] = []
    for step, weight in enumerate(weights, start=0 if mode == "linear" else -1):
        pixel, inside = axis.pixel(body, body.op("Add", first, _whole(body, step)))
        found.append((pixel, weight if inside is None else body.op("Mul", weight, inside)))
    return found


def _linear(part: oir.Value, body: Body) -> list[oir.Value]:
    return [body.op("Sub", _real(body, 1), part), part]


def _cubic(part: oir.Value, body: Body) -> list[oir.Value]:
    other = body.op("Sub", _real(body, 1), part)
    near = (_CUBIC + 2, -(_CUBIC + 3), 0.0, 1.0)
    far = (_CUBIC, -5 * _CUBIC, 8 * _CUBIC, -4 * _CUBIC)
    one = _real(body, 1)
    return [
        _polynomial(far, body.op("Add", part, one), body), _polynomial(near, part, body),
        _polynomial(near, other, body), _polynomial(far, body.op("Add", other, one), body),
    ]  # fmt: skip


def _polynomial(coefficients: tuple[float, ...], x: oir.Value, body: Body) -> oir.Value:
    value = body.op("Mul", x, _real(body, coefficients[0]))
    for coefficient in coefficients[1:-1]:
        value = body.op("Mul", body.op("Add", value, _real(body, coefficient)), x)
    return body.op("Add", value, _real(body, coefficients[-1]))


def _weighted(
    corner: tuple[_Neighbour, ...], spatial: tuple[int, ...], batch: np.ndarray, pixels: oir.Value, body: Body
) -> oir.Value:
    """[N, points, C]: the pixels at one corner of each point's neighbourhood times their weights."""
    number: oir.Value = body.constant(batch)
    weight: oir.Value | None = None
    for axis, (index, factor) in enumerate(corner):
        stride = prod(spatial[axis + 1 :])
        number = body.op("Add", number, body.op("Mul", index, _whole(body, stride)))
        weight = factor if weight is None or factor is None else body.op("Mul", weight, factor)
    found = body.op("Gather", pixels, number, axis=0)
    if weight is None:
        return found
    return body.op("Mul", found, body.op("Unsqueeze", weight, body.constant(np.array([-1], np.int64))))


def _too_many_axes(node: oir.Node, count: int) -> ModelError:
    return ModelError(
        "GridSample interpolates cubically along too many axes",
        where=describe(node),
        why=f"it has {count} spatial dimensions; 1 or 2 are computed by cubic interpolation",
        remedy="export the model with mode linear or nearest",
    )
