"""RoiAlign of constant regions: one Gather of the pixels that count, their weights, and a reduction."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import Array, describe, shape_of
from .body import Body, known, operand

MOST_SAMPLES = 1 << 20
"""Points at which all regions are looked at."""


@dataclass(frozen=True)
class _Samples:
    """``bins`` of a region along one axis, each sampled at ``count`` points between two pixels: ``pixels``
    and ``weights`` are [bins, count, 2]; points outside of the image weigh nothing."""

    pixels: Array
    weights: Array

    @classmethod
    def of(cls, start: float, end: float, bins: int, count: int, length: int) -> _Samples:
        points = start + (np.arange(bins * count) + 0.5) * (end - start) / (bins * count)
        inside = (points >= -1.0) & (points <= length)
        near = np.clip(points, 0.0, length - 1.0)
        low = np.floor(near).astype(np.int64)
        pixels = np.stack([low, np.minimum(low + 1, length - 1)], -1)
        weights = np.stack([1.0 - (near - low), near - low], -1) * inside[:, None]
        return cls(pixels.reshape(bins, count, 2), weights.reshape(bins, count, 2))


def roi_align(node: oir.Node, body: Body) -> oir.Value:
    """[regions, C, height, width] of x [N, C, H, W]; the mean, or the largest, of what the four pixels around
    each point in a bin add to it (RoiAlign-16)."""
    x, regions, batches = operand(node, 0), known(node, 1).astype(np.float64), known(node, 2)
    shape, attributes = shape_of(x), node.attributes
    size = [attributes.get_int(name, 1) for name in ("output_height", "output_width")]
    _check(node, regions, batches, shape)
    bins = [_weighted(node, region, shape, size) for region in regions]
    widest = max(weights.shape[-1] for _, weights in bins)
    largest = attributes.get_string("mode", "avg") == "max"
    mode = "edge" if largest else "constant"  # narrow regions have a pixel again, or others of no weight
    spread = [((0, 0), (0, widest - weights.shape[-1])) for _, weights in bins]
    weights = np.concatenate([np.pad(one[1], by, mode) for one, by in zip(bins, spread, strict=True)])
    offsets = batches.astype(np.int64) * shape[2] * shape[3]
    numbers = np.concatenate(
        [np.pad(one[0], by, mode) + at for one, by, at in zip(bins, spread, offsets, strict=True)]
    )
    pixels = body.reshape(body.op("Transpose", x, perm=[0, 2, 3, 1]), [-1, shape[1]])
    found = body.op("Gather", pixels, body.constant(numbers.astype(np.int32)), axis=0)
    scaled = body.op("Mul", found, body.constant(weights[..., None], oir.DataType.FLOAT))
    axis = body.constant(np.array([1], np.int64))
    reduced = body.op("ReduceMax" if largest else "ReduceSum", scaled, axis, keepdims=0)
    image = body.reshape(reduced, [len(regions), *size, shape[1]])
    return body.op("Transpose", image, perm=[0, 3, 1, 2])


def _check(node: oir.Node, regions: Array, batches: Array, shape: tuple[int, ...]) -> None:
    """Refuse regions that are none, or so large that sampling them would take much memory."""
    extent = float(np.abs(regions).max(initial=0.0)) * node.attributes.get_float("spatial_scale", 1.0)
    bins = max(node.attributes.get_int(f"output_{side}", 1) for side in ("height", "width"))
    samples = max(extent, bins * max(node.attributes.get_int("sampling_ratio", 0), 1)) ** 2 * len(regions)
    exist = regions.size and ((batches >= 0) & (batches < shape[0])).all()
    if not exist or regions.shape != (batches.size, 4):
        images = batches.reshape(-1)[:8].tolist()
        why = f"its regions have the shape {list(regions.shape)}, for images {images}"
    elif samples > MOST_SAMPLES:
        why = f"its regions reach {extent:g} pixels far, which takes more than {MOST_SAMPLES} samples"
    else:
        return
    raise ModelError(
        "RoiAlign has regions that cannot be sampled",
        where=describe(node),
        why=why,
        remedy="give regions [n, 4] inside of the image, one image for each, and a sampling_ratio",
    )


def _weighted(node: oir.Node, region: Array, shape: tuple[int, ...], size: list[int]) -> tuple[Array, Array]:
    """[bins, points · 4] each: which pixels of the image count in each bin of a region, and their weights."""
    attributes = node.attributes
    half = attributes.get_string("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    corners = region * attributes.get_float("spatial_scale", 1.0) - (0.5 if half else 0.0)
    ratio, samples = attributes.get_int("sampling_ratio", 0), list[_Samples]()
    for axis, (start, end) in enumerate(((corners[1], corners[3]), (corners[0], corners[2]))):
        extent = end - start if half else max(end - start, 1.0)
        count = ratio or max(ceil(extent / size[axis]), 1)
        samples.append(_Samples.of(start, start + extent, size[axis], count, shape[2 + axis]))
    rows, columns = samples
    largest = attributes.get_string("mode", "avg") == "max"
    count = 1 if largest else rows.pixels.shape[1] * columns.pixels.shape[1]
    numbers = rows.pixels[:, None, :, None, :, None] * shape[3] + columns.pixels[None, :, None, :, None, :]
    weights = rows.weights[:, None, :, None, :, None] * columns.weights[None, :, None, :, None, :] / count
    return numbers.reshape(size[0] * size[1], -1), weights.reshape(size[0] * size[1], -1)
