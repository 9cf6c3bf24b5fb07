"""Bad calibration data and bad models: what the user reads."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.ir.errors import ModelError, UsageError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize import quantize

from ..onnx_text import build, normal
from .nets import quantized

_TWO = build("float[1,4] x, float[1,4] z", "y = Add(x, z)")


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        ({"x": normal(3, 4)}, ["lacks a graph input", "z", "'x'"]),
        ({}, ["lacks a graph input", "nothing"]),
        ({"x": normal(3, 4), "z": normal(2, 4)}, ["different numbers", "x: 3, z: 2"]),
        ({"x": normal(3, 5), "z": normal(3, 4)}, ["wrong shape", "[1, 4]", "[3, 5]"]),
        ({"x": np.array(1.0), "z": normal(3, 4)}, ["wrong shape", "[]"]),
        ({"x": normal(0, 4), "z": normal(0, 4)}, ["no sample"]),
    ],
)
def test_calibration_that_does_not_fit(calibration: dict[str, np.ndarray], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        quantized(_TWO, calibration)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_calibration_with_numbers_that_are_none(bad: float) -> None:
    x = normal(5, 4)
    x[3, 2] = bad
    with pytest.raises(UsageError, match=r"NaN or infinity[\s\S]*x, sample 3"):
        quantized(_TWO, {"x": x, "z": normal(5, 4)})


@pytest.mark.parametrize(
    ("body", "why"), [("t = Log(x) y = Add(t, t)", "NaN"), ("t = Exp(x) y = MatMul(t, w)", "infinity")]
)
def test_activations_that_are_not_finite_are_named(body: str, why: str) -> None:
    proto = build("float[1,4] x", body, {"w": normal(4, 4)} if "w" in body else {})
    with pytest.raises(ModelError, match=rf"not finite[\s\S]*'(t|y)'[\s\S]*{why}"):
        quantized(proto, {"x": np.array([[-1, 200, 1, 2]], np.float32)})


def test_a_quantized_model_is_refused() -> None:
    model = quantized(build("float[1,4] x", "y = Erf(x)"))
    with pytest.raises(ModelError, match="quantized already"):
        quantize(model, {"x": normal(3, 4)})


def test_a_model_that_onnx_runtime_does_not_know() -> None:
    proto = build("float[1,4] x", "t = Relu(x) y = nobody.Knows(t)", imports=', "nobody": 1')
    with pytest.raises(ModelError, match=r"cannot run the model[\s\S]*Knows"):
        quantize(canonicalize(import_model(proto)), {"x": normal(3, 4)})


def test_samples_may_carry_the_leading_one_or_leave_it_out() -> None:
    proto = build("float[1,4] x", "y = Erf(x)")
    model = canonicalize(import_model(proto))
    short, full = (quantize(model, {"x": normal(6, 4).reshape(shape)}) for shape in ((6, 4), (6, 1, 4)))
    assert [n.op_type for n in short.graph] == [n.op_type for n in full.graph]
    assert short.metadata_props == full.metadata_props
