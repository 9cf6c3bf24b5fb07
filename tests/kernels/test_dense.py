"""Rows times a constant matrix: Gemm and MatMul, every quantization of weights, scales above 1/4."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError
from tinyc.kernels.dense import Dense
from tinyc.kernels.epilogue import Requantize

from .checks import check, float_model, lowered, qdq_model

QUANTS = {"x": (0.05, 9), "y": (0.11, -3)}


def _gemm(transposed: int, bias: bool = True) -> list[onnx.NodeProto]:
    return [helper.make_node("Gemm", ["x", "w", "b"] if bias else ["x", "w"], ["y"], "fc", transB=transposed)]


def _weights(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("per_channel", [False, True])
def test_int8(transposed: int, bias: bool, rows: int, per_channel: bool) -> None:
    weights = _weights((6, 7) if transposed else (7, 6))
    scales = np.random.default_rng(1).uniform(0.002, 0.02, 6) if per_channel else np.float32(0.01)
    constants = {"w": (weights, scales, 0 if transposed else 1)}
    if bias:
        integers = np.random.default_rng(2).integers(-3000, 3000, 6).astype(np.int32)
        constants["b"] = (integers, np.float32(0.05) * np.asarray(scales, np.float32), 0)
    model = qdq_model(_gemm(transposed, bias), {"x": (rows, 7)}, ["y"], QUANTS, dequantized=constants)
    program = check(model)
    (step,) = program.steps
    assert isinstance(step.kernel, Dense)
    assert isinstance(step.kernel.epilogue, Requantize)
    assert step.kernel.epilogue.per_channel == per_channel


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("rows", [1, 4])
def test_float(transposed: int, rows: int) -> None:
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(6, 300) if transposed else (300, 6)).astype(np.float32),
        "b": rng.normal(size=6).astype(np.float32),
    }
    check(float_model(_gemm(transposed), {"x": (rows, 300)}, ["y"], constants))


def test_a_float_bias_behind_integer_weights() -> None:
    """Exporters leave biases unquantized: they are rounded to units of the accumulator."""
    constants = {"b": np.random.default_rng(2).normal(size=6).astype(np.float32)}
    weights = {"w": (_weights((7, 6)), np.full(6, 0.01), 1)}
    check(qdq_model(_gemm(0), {"x": (3, 7)}, ["y"], QUANTS, constants, dequantized=weights))


@pytest.mark.parametrize("scale", [0.6, 3.0, 90.0])
def test_scales_above_a_quarter(scale: float) -> None:
    """The accumulator is shifted up before it is multiplied, and clamped first where that could overflow."""
    weights = _weights((900, 3))
    model = qdq_model(
        _gemm(0, bias=False), {"x": (1, 900)}, ["y"], {"x": (1.0, 0), "y": (1.0, 0)},
        dequantized={"w": (weights, np.float32(scale), 1)},
    )  # fmt: skip
    x = np.zeros((4, 1, 900), np.int8)
    x[0, 0, 0] = 1  # small sums
    x[1, 0, :2] = [1, -1]
    x[2, 0] = np.where(weights[:, 0] > 0, 127, -128)  # the largest sum of column 0
    x[3, 0] = -x[2, 0] - 1
    program = check(model, samples=[{"x_q": row} for row in x])
    (step,) = program.steps
    assert isinstance(step.kernel, Dense)
    assert isinstance(step.kernel.epilogue, Requantize)
    assert step.kernel.epilogue.pre_shift > 0
    assert (step.kernel.epilogue.limit is not None) == (scale == 90.0)


@pytest.mark.parametrize("zero, stored", [(128, np.int8), (3, np.int16)])
def test_unsigned_weights(zero: int, stored: type) -> None:
    """Weights minus their zero point: in 8 bits where they fit, else in 16."""
    weights = np.random.default_rng(0).integers(0, 256, (7, 6)).astype(np.uint8)
    weights[0, 0] = 255
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["x"], "dequantize"),
        helper.make_node("DequantizeLinear", ["wi", "ws", "wz"], ["w"], "dequantize_w"),
        *_gemm(0, bias=False),
        helper.make_node("QuantizeLinear", ["y", "t", "z"], ["r"], "quantize"),
    ]
    constants = {
        "s": np.float32(0.05), "z": np.uint8(131), "t": np.float32(0.4),
        "wi": weights, "ws": np.float32(0.01), "wz": np.uint8(zero),
    }  # fmt: skip
    kinds = {"q": TensorProto.UINT8, "r": TensorProto.UINT8}
    program = check(float_model(nodes, {"q": (2, 7)}, ["r"], constants, kinds))
    (step,) = program.steps
    assert isinstance(step.kernel, Dense)
    assert step.kernel.weights.dtype == stored


@pytest.mark.parametrize("activation", ["Relu", "Clip"])
def test_a_fused_activation(activation: str) -> None:
    (gemm,) = _gemm(1)
    gemm.output[0] = "s"
    bounds = ["low", "high"] if activation == "Clip" else []
    nodes = [gemm, helper.make_node(activation, ["s", *bounds], ["y"], "activation")]
    constants = {"low": np.float32(-1.5), "high": np.float32(4.0)} if bounds else {}
    weights = {
        "w": (_weights((6, 7)), np.full(6, 0.01), 0),
        "b": (np.arange(6, dtype=np.int32) * 500, np.full(6, 0.0005), 0),
    }
    program = check(qdq_model(nodes, {"x": (3, 7)}, ["y"], QUANTS, constants, dequantized=weights))
    assert len(program.steps) == 1


@pytest.mark.parametrize(
    ("shape", "template"),
    [
        ((2, 3, 7), "conv2d"), ((1, 2, 3, 7), "conv2d"), ((1, 2, 1, 3, 7), "dense"), ((1, 1, 7), "dense"),
        ((7,), "dense"),
    ],
)
def test_matmul_with_a_constant_matrix(shape: tuple[int, ...], template: str) -> None:
    """Rows of a series or an image are its pixels."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "fc")]
    weights = {"w": (_weights((7, 6)), np.full(6, 0.01), 1)}
    program = check(qdq_model(nodes, {"x": shape}, ["y"], QUANTS, dequantized=weights))
    assert [step.kernel.template for step in program.steps] == [template]


def test_rows_of_a_sequence_can_be_streamed() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "fc")]
    weights = {"w": (_weights((7, 6)), np.full(6, 0.01), 1)}
    program = check(qdq_model(nodes, {"x": (1, 9, 7)}, ["y"], QUANTS, dequantized=weights, stage=True))
    assert [step.kernel.windowed for step in program.steps] == [True] * 3


def test_rows_that_were_transposed_stay_where_they_are() -> None:
    """Only the rows are permuted: no copy, and the result's axes lie as the operand's do."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], "swap", perm=[1, 0, 2]),
        helper.make_node("MatMul", ["t", "w"], ["y"], "fc"),
        helper.make_node("Transpose", ["y"], ["z"], "back", perm=[1, 0, 2]),
    ]
    weights = {"w": np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)}
    program = check(float_model(nodes, {"x": (2, 3, 7)}, ["z"], weights))
    assert [step.kernel.template for step in program.steps] == ["conv2d"]


def test_refusals() -> None:
    weights = {"w": (np.full((140_000, 1), 127, np.int8), np.float32(0.01), 1)}
    with pytest.raises(ModelError, match="output channel 0 can reach 2,4"):
        lowered(qdq_model(_gemm(0, False), {"x": (1, 140_000)}, ["y"], QUANTS, dequantized=weights))
    weights = {"w": (_weights((7, 6)), np.full(7, 0.01), 0)}
    with pytest.raises(ModelError, match="quantize per tensor or per output channel"):
        lowered(qdq_model(_gemm(0, False), {"x": (1, 7)}, ["y"], QUANTS, dequantized=weights))
