"""Reductions over any axes of tensors in any layout: float32, int8 and plain integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError

from .checks import check, float_model, lowered, qdq_model

# shape, axes, keepdims
CASES = {
    "last, kept": ((2, 3, 5), (2,), 1),
    "last, dropped": ((2, 3, 5), (-1,), 0),
    "middle": ((2, 3, 5), (1,), 0),
    "first and last": ((2, 3, 4, 5), (0, 3), 0),
    "two neighbours, kept": ((2, 3, 4, 5), (1, 2), 1),
    "every other axis": ((2, 3, 4, 5, 2), (1, 3), 0),
    "all": ((3, 4), None, 0),
    "all, kept": ((3, 4), None, 1),
    "one element": ((3, 1, 4), (1,), 0),
    "vector": ((7,), (0,), 0),
}
SUMS = ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceMean", "ReduceSum", "ReduceSumSquare"]
FLOAT = [*SUMS, "ReduceLogSumExp", "ReduceMax", "ReduceMin", "ReduceProd"]


def _reduce(operator: str, axes: tuple[int, ...] | None, keep: int, **attributes: Any):
    inputs = ["x"] if axes is None else ["x", "axes"]
    node = helper.make_node(operator, inputs, ["y"], "reduce", keepdims=keep, **attributes)
    return [node], {} if axes is None else {"axes": np.array(axes, np.int64)}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMean"])
def test_float_axes(case: str, operator: str) -> None:
    shape, axes, keep = CASES[case]
    nodes, constants = _reduce(operator, axes, keep)
    check(float_model(nodes, {"x": shape}, ["y"], constants))


@pytest.mark.parametrize("operator", FLOAT)
def test_float_operators(operator: str) -> None:
    nodes, constants = _reduce(operator, (0, 2), 0)
    model = float_model(nodes, {"x": (3, 4, 5)}, ["y"], constants)
    positive = np.random.default_rng(1).uniform(0.1, 2.0, (3, 4, 5)).astype(np.float32)
    signed = {"x": positive - np.float32(0.5 if operator != "ReduceLogSum" else 0.0)}
    check(model, samples=[{"x": positive}, signed])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum"])
def test_int8_axes(case: str, operator: str) -> None:
    shape, axes, keep = CASES[case]
    nodes, constants = _reduce(operator, axes, keep)
    program = check(qdq_model(nodes, {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.11, -3)}, constants))
    assert len(program.steps) == 1


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMean", "ReduceSum"])
def test_int8_with_a_fused_relu(operator: str) -> None:
    nodes, constants = _reduce(operator, (1,), 1)
    nodes[0].output[0] = "r"
    nodes.append(helper.make_node("Relu", ["r"], ["y"], "relu"))
    program = check(qdq_model(nodes, {"x": (3, 7)}, ["y"], {"x": (0.05, 9), "y": (0.05, 9)}, constants))
    assert len(program.steps) == 1


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMean"])
def test_channels_of_pixels_stream(operator: str) -> None:
    """Behind a convolution the channels lie last: no transposition, and pixels can be computed in windows."""
    integers = np.random.default_rng(0).integers(-127, 128, (5, 3, 3, 3)).astype(np.int8)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "c_scale", "c_zero"], ["c_q"], "quantize"),
        helper.make_node("DequantizeLinear", ["c_q", "c_scale", "c_zero"], ["c_r"], "dequantize"),
        helper.make_node(operator, ["c_r", "axes"], ["y"], "reduce", keepdims=1),
    ]
    program = check(qdq_model(
        nodes, {"x": (1, 3, 6, 7)}, ["y"], {"x": (0.05, 3), "y": (0.02, 5)},
        constants={"c_scale": np.float32(0.06), "c_zero": np.int8(-4), "axes": np.array([1])},
        dequantized={"w": (integers, np.full(5, 0.004), 0)}, stage=True,
    ))  # fmt: skip
    assert len(program.steps) == 4
    assert all(step.kernel.windowed for step in program.steps)


@pytest.mark.parametrize("axes, keep", [((2, 3), 0), ((1,), 0), ((3,), 0), ((2,), 1), ((1, 2), 0)])
def test_channel_last_operands_are_reduced_where_they_lie(axes: tuple[int, ...], keep: int) -> None:
    weights = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)
    nodes, constants = _reduce("ReduceSum", axes, keep)
    nodes[0].input[0] = "c"
    nodes.insert(0, helper.make_node("Conv", ["x", "w"], ["c"], "conv"))
    model = float_model(nodes, {"x": (2, 3, 5, 6)}, ["y"], {**constants, "w": weights})
    program = check(model)
    assert [step.kernel.template for step in program.steps] == ["conv2d", "float_sum"]


@pytest.mark.parametrize("operator", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceL1"])
def test_noop_with_empty_axes(operator: str) -> None:
    for constants in ({}, {"axes": np.zeros(0, np.int64)}):
        inputs = ["x", *constants]
        node = helper.make_node(operator, inputs, ["y"], "reduce", keepdims=0, noop_with_empty_axes=1)
        check(float_model([node], {"x": (3, 4)}, ["y"], constants))


@pytest.mark.parametrize("dtype", [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64])
def test_extremes_of_integers(dtype: int) -> None:
    nodes, constants = _reduce("ReduceMin", (1,), 0)
    check(float_model(nodes, {"x": (3, 4, 5)}, ["y"], constants, {"x": dtype, "y": dtype}))


def test_log_sum_exp_of_infinite_and_large_elements() -> None:
    nodes, constants = _reduce("ReduceLogSumExp", (1,), 0)
    rows = [[300.0, 299, 1], [-1e30, -1e30, -1e30], [-np.inf, 1, 2], [-np.inf] * 3, [np.inf, 1, 2]]
    model = float_model(nodes, {"x": (5, 3)}, ["y"], constants)
    check(model, samples=[{"x": np.array(rows, np.float32)}])


def test_long_float_sums_keep_their_order() -> None:
    nodes, constants = _reduce("ReduceMean", (1,), 0)
    x = np.random.default_rng(0).uniform(0.0, 1.0, (2, 5_000)).astype(np.float32)
    check(float_model(nodes, {"x": x.shape}, ["y"], constants), samples=[{"x": x}])


def test_long_integer_sums_are_exact() -> None:
    nodes, constants = _reduce("ReduceMean", (1,), 0)
    model = qdq_model(nodes, {"x": (2, 30_000)}, ["y"], {"x": (0.05, -128), "y": (0.05, -128)}, constants)
    rng = np.random.default_rng(0)
    rows = np.stack([np.full(30_000, 127), rng.integers(-128, 128, 30_000)]).astype(np.int8)
    check(model, samples=[{"x_q": rows}])


def test_operators_without_an_integer_form_are_computed_as_floats() -> None:
    nodes, constants = _reduce("ReduceL2", (1,), 0)
    program = check(qdq_model(nodes, {"x": (3, 7)}, ["y"], {"x": (0.05, 9), "y": (0.11, -3)}, constants))
    assert [step.kernel.template for step in program.steps] == ["dequantize", "float_sum", "quantize"]


def test_axes_computed_at_run_time_are_refused() -> None:
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], "total")
    model = float_model([node], {"x": (3, 4), "axes": (1,)}, ["y"], dtypes={"axes": TensorProto.INT64})
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4)))
    with pytest.raises(ModelError, match="axes operand"):
        lowered(model)
    node = helper.make_node("ReduceSum", ["x"], ["y"], "total")
    model = float_model([node], {"x": (3, 4)}, ["y"], dtypes={"x": TensorProto.INT32, "y": TensorProto.INT32})
    with pytest.raises(ModelError, match="cast its operands to float32"):
        lowered(model)
