"""Softmax along any axis: float32 and integers, against ONNX Runtime and against real arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from tinyc.ir.dtype import DType, Quant
from tinyc.ir.window import Window
from tinyc.kernels.lanes import Lanes
from tinyc.kernels.softmax import QuantizedSoftmax

from .checks import check, float_model, lowered, qdq_model

CASES = {
    "vector": ((12,), -1),
    "one row": ((1, 10), 1),
    "rows": ((5, 7), -1),
    "along rows": ((5, 7), 0),
    "middle axis": ((2, 3, 5), 1),
    "four axes, first spatial": ((2, 3, 4, 5), -2),
    "outermost": ((3, 2, 4), 0),
    "one element": ((4, 1), 1),
    "pixels": ((1, 4, 5, 6), -1),
    "samples of pixels": ((2, 4, 5, 6), -1),
}


def _softmax(axis: int):
    return [helper.make_node("Softmax", ["x"], ["y"], "softmax", axis=axis)]


@pytest.mark.parametrize("case", CASES)
def test_float(case: str) -> None:
    shape, axis = CASES[case]
    check(float_model(_softmax(axis), {"x": shape}, ["y"]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("x, y", [((0.1, 5), (1 / 256, -128)), ((0.7, -128), (0.00312, 7))])
def test_int8(case: str, x: tuple[float, int], y: tuple[float, int]) -> None:
    shape, axis = CASES[case]
    check(qdq_model(_softmax(axis), {"x": shape}, ["y"], {"x": x, "y": y}))


def test_channels_behind_a_convolution_stay_channel_last_and_stream() -> None:
    """Softmax over channels needs no transposition, and its pixels can be computed window by window."""
    integers = np.random.default_rng(0).integers(-127, 128, (5, 3, 3, 3)).astype(np.int8)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "c_scale", "c_zero"], ["c_q"], "quantize"),
        helper.make_node("DequantizeLinear", ["c_q", "c_scale", "c_zero"], ["c_r"], "dequantize"),
        helper.make_node("Softmax", ["c_r"], ["y"], "softmax", axis=1),
    ]
    model = qdq_model(
        nodes, {"x": (1, 3, 6, 7)}, ["y"], {"x": (0.05, 3), "y": (1 / 256, -128)},
        constants={"c_scale": np.float32(0.06), "c_zero": np.int8(-4)},
        dequantized={"w": (integers, np.full(5, 0.004), 0)}, stage=True,
    )  # fmt: skip
    program = check(model)
    kernels = [step.kernel.template for step in program.steps]
    assert kernels == ["table", "conv2d", "quantized_softmax", "table"]


def test_float_extremes() -> None:
    """Values that overflow exp on their own; far negative ones count nothing."""
    rows = [[1e30, -1e30, 0], [300, 299, -300], [-3e38, -3e38, -3e38], [1e-40, 0, -104]]
    check(float_model(_softmax(1), {"x": (4, 3)}, ["y"]), samples=[{"x": np.array(rows, np.float32)}])


@pytest.mark.parametrize("length", [1, 2, 1000, 10_000])
def test_long_axes(length: int) -> None:
    model = qdq_model(_softmax(1), {"x": (1, length)}, ["y"], {"x": (0.02, 0), "y": (0.5 / length, -128)})
    x = np.full((1, length), -128, np.int8)
    x[0, : length // 3 + 1] = 127
    random = np.random.default_rng(length).integers(-128, 128, x.shape).astype(np.int8)
    check(model, samples=[{"x_q": x}, {"x_q": np.zeros_like(x)}, {"x_q": random}])


@settings(max_examples=300, deadline=None)
@given(
    scale=st.floats(1e-6, 10), out_scale=st.floats(2.0**-24, 100), zero=st.integers(-128, 127),
    length=st.sampled_from([1, 2, 3, 10, 257, 10_000]), spread=st.integers(0, 128),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_within_one_lsb_of_real_arithmetic(
    scale: float, out_scale: float, zero: int, length: int, spread: int, seed: int
) -> None:
    x = np.random.default_rng(seed).integers(-spread, max(spread, 1), (1, length)).astype(np.int8)
    kernel = QuantizedSoftmax.of(Lanes.of((1, length), [1]), scale, Quant(out_scale, zero), DType.INT8)
    (got,) = kernel.compute([x], Window(0, 1, 0, 1))
    powers = np.exp((x.astype(np.float64) - x.max()) * scale)
    real = np.clip(powers / powers.sum() / out_scale + zero, -128, 127)
    assert np.abs(got - real).max() <= 0.51


def test_outputs_too_fine_for_the_integer_form_are_computed_as_floats() -> None:
    model = qdq_model(_softmax(1), {"x": (2, 5)}, ["y"], {"x": (0.1, 0), "y": (1e-9, 0)})
    assert "softmax" in [step.kernel.template for step in lowered(model).steps]
