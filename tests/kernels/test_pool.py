"""Pools: odd shapes, padding, strides, dilation, ceil_mode; float32, int8, raw integers; every schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError

from .checks import check, float_model, lowered, qdq_model

# input NCHW, attributes
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "2x2, stride 2": ((1, 3, 6, 8), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "padded all round": ((1, 2, 5, 4), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "padding on one side": ((1, 3, 7, 6), {"kernel_shape": [3, 2], "pads": [0, 0, 2, 1], "strides": [2, 1]}),
    "rows left out": ((1, 2, 7, 5), {"kernel_shape": [1, 3], "strides": [3, 2]}),
    "wide": ((1, 1, 4, 11), {"kernel_shape": [1, 5], "strides": [1, 3], "pads": [0, 2, 0, 2]}),
    "dilated": ((1, 2, 9, 8), {"kernel_shape": [3, 2], "dilations": [2, 3], "pads": [2, 1, 2, 1]}),
    "ceil": ((1, 2, 6, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    "ceil, padded": (
        (1, 2, 6, 7),
        {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 1, 1], "ceil_mode": 1},
    ),
    "global": ((1, 5, 4, 3), {"kernel_shape": [4, 3]}),
    "one column": ((1, 2, 7, 1), {"kernel_shape": [3, 1], "pads": [1, 0, 1, 0]}),
    "1-D": ((1, 3, 11), {"kernel_shape": [4], "strides": [3], "pads": [2, 1]}),
    "1-D, ceil, dilated": (
        (1, 3, 10),
        {"kernel_shape": [3], "strides": [2], "dilations": [2], "ceil_mode": 1},
    ),
    "1-D, global": ((1, 3, 9), {"kernel_shape": [9]}),
    "batch of 2": ((2, 3, 4, 5), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "batch of 3, 1-D": ((3, 2, 7), {"kernel_shape": [3], "pads": [1, 1]}),
}


def _pool(operator: str, attributes: dict[str, Any], relu: bool = False):
    nodes = [helper.make_node(operator, ["x"], ["p" if relu else "y"], "pool", **attributes)]
    return [*nodes, helper.make_node("Relu", ["p"], ["y"], "relu")] if relu else nodes


@pytest.mark.parametrize("case", CASES)
def test_max_int8(case: str) -> None:
    shape, attributes = CASES[case]
    same = {"x": (0.05, 9), "y": (0.05, 9)}
    program = check(qdq_model(_pool("MaxPool", attributes), {"x": shape}, ["y"], same, stage=True), lsb=0)
    assert len(program.steps) == 3


@pytest.mark.parametrize(
    "case, counted",
    [(c, n) for c in CASES for n in (0, 1) if n == 0 or {"pads", "ceil_mode"} & CASES[c][1].keys()],
)
def test_average_int8(case: str, counted: int) -> None:
    shape, attributes = CASES[case]
    nodes = _pool("AveragePool", {**attributes, "count_include_pad": counted})
    quants = {"x": (0.05, 9), "y": (0.031, -5)}
    program = check(qdq_model(nodes, {"x": shape}, ["y"], quants, stage=True))
    assert len(program.steps) == 3


@pytest.mark.parametrize("case", CASES)
def test_float(case: str) -> None:
    shape, attributes = CASES[case]
    check(float_model(_pool("MaxPool", attributes), {"x": shape}, ["y"]))
    for counted in (0, 1):
        nodes = _pool("AveragePool", {**attributes, "count_include_pad": counted})
        check(float_model(nodes, {"x": shape}, ["y"]))


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
def test_relu_is_part_of_the_kernel(operator: str) -> None:
    shape, attributes = CASES["padded all round"]
    nodes = _pool(operator, attributes, relu=True)
    assert len(check(float_model(nodes, {"x": shape}, ["y"])).steps) == 1
    quants = {"x": (0.05, 9), "y": (0.05, 9)}
    assert len(check(qdq_model(nodes, {"x": shape}, ["y"], quants)).steps) == 1


def test_max_to_another_scale() -> None:
    shape, attributes = CASES["padding on one side"]
    quants = {"x": (0.05, 9), "y": (0.08, -60)}
    for relu in (False, True):
        program = check(qdq_model(_pool("MaxPool", attributes, relu), {"x": shape}, ["y"], quants))
        assert [step.kernel.template for step in program.steps] == ["max_pool"]


@pytest.mark.parametrize("dtype", [TensorProto.INT8, TensorProto.UINT8])
def test_max_of_raw_integers(dtype: int) -> None:
    shape, attributes = CASES["padded all round"]
    model = float_model(_pool("MaxPool", attributes), {"x": shape}, ["y"], dtypes={"x": dtype, "y": dtype})
    check(model, lsb=0)


def test_average_from_unsigned_to_signed() -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "u"], ["x"], "dequantize"),
        *_pool("AveragePool", CASES["padded all round"][1]),
        helper.make_node("QuantizeLinear", ["y", "t", "i"], ["z"], "quantize"),
    ]
    constants = {"s": np.float32(0.05), "u": np.uint8(100), "t": np.float32(0.04), "i": np.int8(-20)}
    model = float_model(
        nodes, {"q": CASES["padded all round"][0]}, ["z"], constants,
        {"q": TensorProto.UINT8, "z": TensorProto.INT8},
    )  # fmt: skip
    program = check(model)
    assert [step.kernel.template for step in program.steps] == ["average_pool"]


def test_a_window_in_padding_only_is_the_least_value_to_max() -> None:
    """Taps 4 apart on 3 rows: the middle output reads padding only."""
    attributes = {"kernel_shape": [2, 1], "dilations": [4, 1], "pads": [1, 0, 1, 0]}
    model = float_model(_pool("MaxPool", attributes), {"x": (1, 2, 3, 2)}, ["y"])
    program = check(model)
    assert program.buffers["y"].shape == (1, 1, 2, 2)


def test_a_mean_over_padding_only_is_refused() -> None:
    attributes = {"kernel_shape": [2, 1], "dilations": [4, 1], "pads": [1, 0, 1, 0]}
    with pytest.raises(ModelError, match="row 0 is over padding only"):
        lowered(float_model(_pool("AveragePool", attributes), {"x": (1, 2, 3, 2)}, ["y"]))


def test_a_large_global_mean_is_exact() -> None:
    """96 x 96 of the extreme values: the sum is far from 32 bits, and rounds once."""
    x = np.full((1, 2, 96, 96), -128, np.int8)
    x[0, 1] = 127
    x[0, 1, ::2] = np.random.default_rng(0).integers(-128, 128, (48, 96))
    quants = {"x": (0.05, -128), "y": (0.05, -128)}
    nodes = _pool("AveragePool", {"kernel_shape": [96, 96]})
    check(qdq_model(nodes, {"x": x.shape}, ["y"], quants), samples=[{"x_q": x}])


def test_refusals() -> None:
    with pytest.raises(ModelError, match="3 spatial dimensions"):
        lowered(float_model(_pool("MaxPool", {"kernel_shape": [2, 2, 2]}), {"x": (1, 1, 4, 4, 4)}, ["y"]))
    node = helper.make_node("MaxPool", ["x"], ["y", "places"], "pool", kernel_shape=[2, 2])
    model = float_model([node], {"x": (1, 1, 4, 4)}, ["y", "places"], dtypes={"places": TensorProto.INT64})
    with pytest.raises(ModelError, match="drop the second output"):
        lowered(model)
