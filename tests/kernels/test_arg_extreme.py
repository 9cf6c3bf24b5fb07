"""ArgMax and ArgMin: any axis, ties, any type; int64 out."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError

from .checks import check, float_model, lowered

CASES = {
    "last": ((3, 7), 1, 1),
    "last, dropped": ((3, 7), -1, 0),
    "first": ((5, 4), 0, 0),
    "channels": ((2, 5, 3, 4), 1, 1),
    "vector": ((9,), 0, 0),
    "one element": ((3, 1), 1, 0),
}


def _arg(operator: str, axis: int, keep: int, last: int = 0):
    return [helper.make_node(operator, ["x"], ["y"], "arg", axis=axis, keepdims=keep, select_last_index=last)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("operator", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
def test_ties_and_axes(case: str, operator: str, last: int) -> None:
    shape, axis, keep = CASES[case]
    nodes = _arg(operator, axis, keep, last)
    model = float_model(nodes, {"x": shape}, ["y"], dtypes={"y": TensorProto.INT64})
    ties = np.random.default_rng(3).integers(0, 3, shape).astype(np.float32)
    check(model, samples=[{"x": ties}, {"x": np.zeros(shape, np.float32)}], lsb=0)


@pytest.mark.parametrize("keep", [0, 1])
def test_on_quantized_data(keep: int) -> None:
    """The order of elements is the order of their integers: nothing is dequantized."""
    dequantize = helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["x"], "dequantize")
    constants = {"scale": np.float32(0.1), "zero": np.int8(4)}
    model = float_model(
        [dequantize, *_arg("ArgMax", 1, keep)], {"q": (2, 9)}, ["y"], constants,
        {"q": TensorProto.INT8, "y": TensorProto.INT64},
    )  # fmt: skip
    program = check(model, lsb=0)
    assert [step.kernel.template for step in program.steps] == ["arg_extreme"]


def test_class_of_each_pixel_where_the_channels_lie() -> None:
    weights = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    conv = helper.make_node("Conv", ["i", "w"], ["x"], "conv", pads=[1, 1, 1, 1])
    model = float_model(
        [conv, *_arg("ArgMax", 1, 0)], {"i": (1, 3, 5, 6)}, ["y"], {"w": weights}, {"y": TensorProto.INT64}
    )
    program = check(model, lsb=0)
    assert [step.kernel.template for step in program.steps] == ["conv2d", "arg_extreme"]


def test_an_axis_that_does_not_exist_is_refused() -> None:
    model = float_model(_arg("ArgMax", 1, 1), {"x": (3, 4)}, ["y"], dtypes={"y": TensorProto.INT64})
    (axis,) = [a for a in model.graph.node[0].attribute if a.name == "axis"]
    axis.i = 2
    with pytest.raises(ModelError, match="axis 2 does not exist"):
        lowered(model)
