"""Convolutions over odd shapes, one-sided padding, strides, dilation, groups; every schedule and storage."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from .checks import check, float_model, qdq_model

# input NCHW, weights OIHW, attributes
CASES = {
    "pointwise": ((1, 5, 3, 7), (6, 5, 1, 1), {}),
    "3x3 same": ((1, 3, 5, 4), (4, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "padding on one side, stride 2": ((1, 3, 7, 6), (5, 3, 3, 3), {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
    "tall kernel": ((1, 1, 13, 5), (4, 1, 7, 2), {"pads": [3, 0, 3, 1], "strides": [2, 1]}),
    "stride 3, wide": ((1, 2, 8, 11), (3, 2, 2, 5), {"strides": [3, 3]}),
    "one row high, rows left out": ((1, 2, 7, 5), (3, 2, 1, 4), {"strides": [2, 1], "pads": [0, 1, 0, 0]}),
    "depthwise, one row high": ((1, 3, 7, 5), (3, 1, 1, 3), {"group": 3, "pads": [0, 1, 0, 1]}),
    "dilated": ((1, 2, 9, 8), (3, 2, 3, 3), {"dilations": [2, 3], "pads": [2, 3, 2, 3]}),
    "grouped": ((1, 6, 4, 5), (9, 2, 3, 2), {"group": 3, "pads": [1, 0, 1, 1]}),
    "depthwise": ((1, 7, 5, 6), (7, 1, 3, 3), {"group": 7, "pads": [1, 1, 1, 1]}),
    "depthwise, stride 2, one side": (
        (1, 5, 6, 7),
        (5, 1, 3, 3),
        {"group": 5, "pads": [0, 1, 1, 0], "strides": [2, 2]},
    ),
    "depthwise, multiplier 2": ((1, 3, 5, 4), (6, 1, 3, 3), {"group": 3, "pads": [1, 1, 1, 1]}),
    "kernel larger than input": ((1, 2, 2, 3), (3, 2, 5, 5), {"pads": [2, 2, 2, 2]}),
    "rows of one byte": ((1, 1, 9, 1), (1, 1, 3, 1), {"pads": [1, 0, 1, 0]}),
    "as many taps as pixels, one of them beyond the end": (
        (1, 3, 2, 2), (4, 3, 2, 2), {"dilations": [2, 1], "pads": [0, 0, 1, 0]},
    ),
    "1-D": ((1, 3, 11), (4, 3, 4), {"pads": [2, 1], "strides": [2]}),
    "1-D depthwise, dilated": ((1, 4, 12), (4, 1, 3), {"group": 4, "dilations": [3], "pads": [6, 0]}),
    "batch of 2": ((2, 3, 4, 5), (4, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "batch of 2, depthwise": ((2, 4, 4, 5), (4, 1, 3, 3), {"group": 4}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("activation", [None, "Relu", "Clip"])
def test_int8(case: str, activation: str | None) -> None:
    shape, weights, attributes = CASES[case]
    rng = np.random.default_rng(len(case))
    integers = rng.integers(-127, 128, weights).astype(np.int8)
    scales = rng.uniform(0.002, 0.02, weights[0])
    x_scale = 0.05
    bias = (rng.integers(-2000, 2000, weights[0]).astype(np.int32), x_scale * scales.astype(np.float32), 0)
    model = qdq_model(
        _nodes(attributes, activation), {"x": shape}, ["y"], {"x": (x_scale, 9), "y": (0.11, -3)},
        constants={"low": np.float32(-1.5), "high": np.float32(4.0)} if activation == "Clip" else {},
        dequantized={"w": (integers, scales, 0), "b": bias}, stage=True,
    )  # fmt: skip
    program = check(model)
    assert len(program.steps) == 3


@pytest.mark.parametrize("case", CASES)
def test_float(case: str) -> None:
    shape, weights, attributes = CASES[case]
    rng = np.random.default_rng(len(case))
    constants = {
        "w": rng.normal(size=weights).astype(np.float32),
        "b": rng.normal(size=weights[0]).astype(np.float32),
    }
    check(float_model(_nodes(attributes, "Relu"), {"x": shape}, ["y"], constants))


def _nodes(attributes: dict, activation: str | None):
    conv = helper.make_node(
        "Conv", ["x", "w", "b"], ["y" if activation is None else "sum"], "conv", **attributes
    )
    if activation is None:
        return [conv]
    bounds = ["low", "high"] if activation == "Clip" else []
    return [conv, helper.make_node(activation, ["sum", *bounds], ["y"], "activation")]
