"""Models of a single layer for the tests of the micro-kernels, and the shapes that every family is held
against; a family adds its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from .checks import Quant, float_model, qdq_model

Convolution = tuple[Sequence[int], Sequence[int], dict[str, Any]]
"""Shape of the input (NCHW), of the weights (OIHW), attributes."""
Filter = tuple[Sequence[int], Sequence[int], dict[str, Any]]
"""Depthwise: shape of the input (NCHW), of the kernel, attributes."""
Matrix = tuple[int, int, int]
"""Rows, inputs, outputs."""

CONVOLUTIONS: dict[str, Convolution] = {
    "pointwise": ((1, 8, 5, 7), (8, 8, 1, 1), {}),
    "pointwise, odd": ((1, 5, 3, 7), (7, 5, 1, 1), {}),
    "pointwise, one channel": ((1, 1, 4, 3), (1, 1, 1, 1), {}),
    "pointwise, one pixel": ((1, 13, 1, 2), (3, 13, 1, 1), {"strides": [1, 2]}),
    "pointwise, padding behind": ((1, 6, 3, 4), (6, 6, 1, 1), {"pads": [0, 0, 1, 2]}),
    "pointwise, stride 2": ((1, 12, 7, 6), (9, 12, 1, 1), {"strides": [2, 2]}),
    "3x3": ((1, 4, 6, 11), (6, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "3x3, odd": ((1, 3, 5, 8), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "3x3, 13 channels": ((1, 13, 4, 6), (4, 13, 3, 3), {"pads": [1, 1, 1, 1]}),
    "padding on one side, stride 2": ((1, 3, 7, 9), (5, 3, 3, 3), {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
    "tall kernel": ((1, 1, 13, 5), (4, 1, 7, 2), {"pads": [3, 0, 3, 1], "strides": [2, 1]}),
    "10x4, stride 2": ((1, 1, 13, 10), (6, 1, 10, 4), {"pads": [4, 1, 5, 1], "strides": [2, 2]}),
    "stride 3, wide": ((1, 2, 8, 14), (3, 2, 2, 5), {"strides": [3, 3]}),
    "rows dilated": ((1, 4, 9, 8), (3, 4, 3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}),
    "kernel larger than input": ((1, 2, 2, 3), (3, 2, 5, 5), {"pads": [2, 2, 2, 2]}),
    "width 1": ((1, 6, 5, 1), (4, 6, 3, 1), {"pads": [1, 0, 1, 0]}),
    "1-D": ((1, 3, 11), (4, 3, 4), {"pads": [2, 1], "strides": [2]}),
    "batch of 2": ((2, 4, 4, 5), (4, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "batch of 2, pointwise": ((2, 4, 4, 5), (4, 4, 1, 1), {}),
}
SCATTERED: dict[str, Convolution] = {
    "two groups": ((1, 8, 5, 7), (6, 4, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    "odd groups": ((1, 9, 4, 6), (15, 3, 3, 2), {"group": 3, "pads": [1, 0, 1, 1], "strides": [2, 2]}),
    "more outputs than inputs": ((1, 4, 5, 5), (8, 1, 3, 3), {"group": 4}),
    "pointwise groups": ((1, 12, 3, 4), (6, 6, 1, 1), {"group": 2}),
    "columns dilated": ((1, 5, 7, 10), (4, 5, 3, 3), {"dilations": [1, 2], "pads": [1, 2, 1, 2]}),
    "both dilated, one side": ((1, 4, 9, 9), (3, 4, 2, 3), {"dilations": [3, 3], "pads": [0, 0, 3, 4]}),
    "kernel larger than input": ((1, 4, 2, 3), (4, 2, 5, 5), {"group": 2, "pads": [2, 2, 2, 2]}),
    "one tap and channel": ((1, 2, 3, 4), (4, 1, 1, 1), {"group": 2, "strides": [1, 2]}),
    "width 1": ((1, 6, 5, 1), (4, 3, 3, 1), {"group": 2, "pads": [1, 0, 1, 0]}),
    "1-D": ((1, 4, 11), (4, 2, 3), {"group": 2, "dilations": [2], "pads": [2, 1]}),
    "batch of 2": ((2, 4, 4, 5), (4, 2, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
}
DEPTHWISE: dict[str, Filter] = {
    "same": ((1, 8, 5, 6), (3, 3), {"pads": [1, 1, 1, 1]}),
    "odd channels": ((1, 7, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
    "no padding": ((1, 4, 5, 7), (3, 3), {}),
    "stride 2, one side": ((1, 5, 6, 9), (3, 3), {"pads": [0, 1, 1, 0], "strides": [2, 2]}),
    "stride 2, other side": ((1, 12, 7, 8), (3, 3), {"pads": [1, 0, 0, 1], "strides": [1, 2]}),
    "wide": ((1, 4, 4, 55), (3, 3), {"pads": [1, 1, 1, 1]}),
    "wide, stride 2": ((1, 4, 5, 55), (3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "width 1": ((1, 6, 5, 1), (3, 3), {"pads": [1, 1, 1, 1]}),
    "much padding": ((1, 6, 2, 2), (3, 3), {"pads": [3, 3, 3, 3]}),
    "rows dilated": ((1, 4, 8, 5), (3, 3), {"pads": [2, 1, 2, 1], "dilations": [2, 1]}),
    "batch of 2": ((2, 4, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
}
MATRICES: dict[str, Matrix] = {
    "128 to 24": (1, 128, 24),
    "one of each": (1, 1, 1),
    "odd": (1, 13, 7),
    "12 to 5": (1, 12, 5),
    "rows": (5, 9, 6),
    "long": (1, 264, 8),
    "long, odd": (1, 272, 7),
    "long, rows": (2, 264, 5),
    "long, not of eights": (1, 300, 6),
}


def windowed(cases: Mapping[str, tuple[Any, ...]]) -> list[str]:
    """The cases that have other schedules: windows are of one image."""
    return [name for name, (shape, *_) in cases.items() if shape[0] == 1]


def grouped(case: Filter) -> Convolution:
    """The depthwise convolution as one of as many groups as channels."""
    shape, kernel, attributes = case
    return shape, (shape[1], 1, *kernel), attributes | {"group": shape[1]}


def int8_convolution(case: Convolution, activation: str | None = None, **values: Any) -> onnx.ModelProto:
    """See ``int8_layer`` for ``values``."""
    return int8_layer("Conv", *case, activation, **values)


def int8_matrix(case: Matrix, activation: str | None = None, **values: Any) -> onnx.ModelProto:
    """See ``int8_layer`` for ``values``."""
    rows, inputs, outputs = case
    return int8_layer("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}, activation, **values)


def int8_layer(
    operator: str, shape: Sequence[int], weights: Sequence[int], attributes: dict[str, Any],
    activation: str | None = None, *, apart: bool = False, y_scale: float = 0.11, largest: int = 127,
) -> onnx.ModelProto:  # fmt: skip
    """The operator on int8, between two requantizations. Weights that have to stay ``apart`` hold a pair that
    is no 16-bit number; others are ``largest`` at most."""
    rng = np.random.default_rng(sum(weights))
    integers = rng.integers(-largest, largest + 1, weights).astype(np.int8)
    if apart:
        integers[0], integers[1] = -1, -128
    scales, x_scale = rng.uniform(0.002, 0.02, weights[0]), 0.05
    most = 16 * largest
    bias = (rng.integers(-most, most, weights[0]).astype(np.int32), x_scale * scales.astype(np.float32), 0)
    return int8_node(
        helper.make_node(operator, ["x", "w", "b"], ["y"], "op", **attributes),
        {"x": shape}, {"x": (x_scale, 9), "y": (y_scale, -3)}, activation,
        {"w": (integers, scales, 0), "b": bias},
    )  # fmt: skip


def int8_node(
    node: onnx.NodeProto, inputs: Mapping[str, Sequence[int]], quants: Mapping[str, Quant],
    activation: str | None = None,
    dequantized: Mapping[str, tuple[np.ndarray, np.ndarray | np.generic, int]] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """A node that makes y, and its activation, on int8 between two requantizations; see ``qdq_model``."""
    nodes, constants = _activated(node, activation, (-1.5, 4.0))
    return qdq_model(nodes, inputs, ["y"], quants, constants, dequantized, stage=True)


def float_convolution(case: Convolution, activation: str | None = None) -> onnx.ModelProto:
    return float_layer("Conv", *case, activation)


def float_matrix(case: Matrix, activation: str | None = None) -> onnx.ModelProto:
    rows, inputs, outputs = case
    return float_layer("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}, activation)


def float_layer(
    operator: str, shape: Sequence[int], weights: Sequence[int], attributes: dict[str, Any],
    activation: str | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """The operator between two others, so that streamed schedules have a producer and a consumer."""
    rng = np.random.default_rng(sum(weights))
    values = {
        "w": rng.normal(size=weights).astype(np.float32),
        "b": rng.normal(size=weights[0]).astype(np.float32),
    }
    node = helper.make_node(operator, ["before", "w", "b"], ["y"], "op", **attributes)
    nodes, bounds = _activated(node, activation, (-0.5, 1.5))
    nodes[-1].output[0] = "inner"
    nodes = [
        helper.make_node("Neg", ["x"], ["before"], "before"),
        *nodes,
        helper.make_node("Neg", ["inner"], ["y"], "after"),
    ]
    return float_model(nodes, {"x": shape}, ["y"], {**values, **bounds})


def _activated(
    node: onnx.NodeProto, activation: str | None, bounds: tuple[float, float]
) -> tuple[list[onnx.NodeProto], dict[str, np.float32]]:
    """The node and, if any, its activation, which then takes the output's name; the bounds of a Clip."""
    if activation is None:
        return [node], {}
    limits = dict(zip(("low", "high"), map(np.float32, bounds), strict=True)) if activation == "Clip" else {}
    output, node.output[0] = node.output[0], "sum"
    return [node, helper.make_node(activation, ["sum", *limits], [output], "activation")], limits
