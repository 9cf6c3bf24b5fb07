"""Second moments of what a layer's weights are multiplied with: what makes rounding errors matter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .units import Unit

MAX_TERMS = 2048
"""Layers with longer sums are not measured: the matrices would grow too large."""


def weight_matrix(unit: Unit, weight: np.ndarray) -> np.ndarray:
    """``weight`` as [groups, output channels of a group, terms of a sum]."""
    node = unit.operator
    if node.op_type == "Conv":
        groups = node.attributes.get_int("group", 1)
        return weight.reshape(groups, weight.shape[0] // groups, -1)
    if node.op_type == "ConvTranspose":
        groups = node.attributes.get_int("group", 1)
        split = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
        return np.swapaxes(split, 1, 2).reshape(groups, weight.shape[1], -1)
    return (weight if unit.rule.weight_axis == 0 else weight.T)[np.newaxis]


def from_matrix(unit: Unit, matrix: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The inverse of ``weight_matrix``: ``matrix`` as a weight of ``shape``."""
    if unit.operator.op_type == "Conv":
        return matrix.reshape(shape)
    if unit.operator.op_type == "ConvTranspose":
        groups, channels, _ = matrix.shape
        split = matrix.reshape(groups, channels, shape[0] // groups, -1)
        return np.swapaxes(split, 1, 2).reshape(shape)
    return matrix[0] if unit.rule.weight_axis == 0 else np.ascontiguousarray(matrix[0].T)


def rows(unit: Unit, weight_shape: Sequence[int], activation: np.ndarray, most: int) -> np.ndarray:
    """The vectors that each output channel's weights are multiplied with, [groups, rows, terms].

    For Conv they are the padded, strided and dilated windows of ``activation``; for Gemm and MatMul its
    rows. At most ``most`` of them, evenly spread.
    """
    node = unit.operator
    if node.op_type != "Conv":
        matrix = activation.reshape(-1, activation.shape[-1])
        return matrix[_picks(len(matrix), most)][np.newaxis]
    kernel = tuple(weight_shape[2:])
    rank = len(kernel)
    strides = tuple(node.attributes.get_ints("strides", [1] * rank))
    dilations = tuple(node.attributes.get_ints("dilations", [1] * rank))
    extent = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
    pads = tuple(node.attributes.get_ints("pads", [0] * (2 * rank)))
    padded = np.pad(activation, ((0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)))
    axes = tuple(range(2, 2 + rank))
    windows = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=axes)
    steps = tuple(slice(None, None, step) for step in (*strides, *dilations))
    windows = windows[(slice(None), slice(None), *steps)]
    places = (windows.shape[0], *windows.shape[2 : 2 + rank])
    sample, *place = np.unravel_index(_picks(math.prod(places), most), places)
    positions = windows[(sample, slice(None), *place)]  # copies these alone: [rows, channels, *kernel]
    groups = node.attributes.get_int("group", 1)
    return np.ascontiguousarray(np.moveaxis(positions.reshape(len(positions), groups, -1), 1, 0))


def _picks(count: int, most: int) -> np.ndarray:
    """Indices below ``count``: all, or ``most`` of them, evenly spread."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(int)


@dataclass(frozen=True, eq=False)
class Moments:
    """Of the vectors that weights are multiplied with: the ``covariance`` of quantized ones, and the
    ``cross`` covariance of float ones (rows) with them (columns); each [groups, terms, terms]."""

    covariance: np.ndarray
    cross: np.ndarray

    @classmethod
    def of(cls, floats: np.ndarray, quantized: np.ndarray) -> Moments:
        """From matching [groups, rows, terms] of each."""
        count = quantized.shape[1]
        f = np.swapaxes(floats - floats.mean(axis=1, keepdims=True), 1, 2)
        q = quantized - quantized.mean(axis=1, keepdims=True)
        covariance = np.matmul(np.swapaxes(q, 1, 2), q).astype(np.float64) / count
        return cls(covariance, np.matmul(f, q).astype(np.float64) / count)
