"""LogSoftmax along any axis: float32 and integers, against ONNX Runtime and against real arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from tinyc.ir.dtype import DType, Quant
from tinyc.ir.window import Window
from tinyc.kernels.lanes import Lanes
from tinyc.kernels.log_softmax import QuantizedLogSoftmax, fixed_log2

from .checks import check, float_model, lowered, qdq_model

CASES = {
    "vector": ((12,), -1),
    "along rows": ((5, 7), 0),
    "middle axis": ((2, 3, 5), 1),
    "one element": ((4, 1), 1),
    "pixels": ((1, 4, 5, 6), -1),
    "long": ((1, 10_000), 1),
}


def _log_softmax(axis: int):
    return [helper.make_node("LogSoftmax", ["x"], ["y"], "log_softmax", axis=axis)]


@pytest.mark.parametrize("case", CASES)
def test_float(case: str) -> None:
    shape, axis = CASES[case]
    check(float_model(_log_softmax(axis), {"x": shape}, ["y"]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("x, y", [((0.1, 5), (0.12, 127)), ((0.7, -128), (0.031, 90))])
def test_int8(case: str, x: tuple[float, int], y: tuple[float, int]) -> None:
    shape, axis = CASES[case]
    program = check(qdq_model(_log_softmax(axis), {"x": shape}, ["y"], {"x": x, "y": y}))
    assert [step.kernel.template for step in program.steps] == ["quantized_log_softmax"]


def test_float_extremes() -> None:
    rows = [[1e30, -1e30, 0], [300, 299, -300], [-3e38, -3e38, -3e38], [1e-40, 0, -104]]
    check(float_model(_log_softmax(1), {"x": (4, 3)}, ["y"]), samples=[{"x": np.array(rows, np.float32)}])


@settings(max_examples=300, deadline=None)
@given(
    scale=st.floats(1e-6, 10), out_scale=st.floats(2e-4, 100), zero=st.integers(-128, 127),
    length=st.sampled_from([1, 2, 3, 10, 257, 10_000]), spread=st.integers(1, 128),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_within_one_lsb_of_real_arithmetic(
    scale: float, out_scale: float, zero: int, length: int, spread: int, seed: int
) -> None:
    x = np.random.default_rng(seed).integers(-spread, spread, (1, length)).astype(np.int8)
    kernel = QuantizedLogSoftmax.of(Lanes.of((1, length), [1]), scale, Quant(out_scale, zero), DType.INT8)
    if kernel is None:
        assert scale / out_scale > 2**8 or out_scale < 4e-4
        return
    (got,) = kernel.compute([x], Window(0, 1, 0, 1))
    shifted = (x.astype(np.float64) - x.max()) * scale
    real = (shifted - np.log(np.exp(shifted).sum())) / out_scale + zero
    assert np.abs(got - np.clip(real, -128, 127)).max() <= 0.55


@given(st.integers(2**31, 2**63 - 1))
def test_the_integer_logarithm(value: int) -> None:
    (got,) = fixed_log2(np.array([value], np.uint64))
    assert -4 <= got - np.log2(np.longdouble(value)) * 2**24 <= 0.01


def test_outputs_too_fine_for_the_integer_form_are_computed_as_floats() -> None:
    model = qdq_model(_log_softmax(1), {"x": (2, 5)}, ["y"], {"x": (0.1, 0), "y": (1e-5, 0)})
    assert "log_softmax" in [step.kernel.template for step in lowered(model).steps]
