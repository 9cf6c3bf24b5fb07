"""Activations of 16 bits: every kernel that has a form for them, over odd shapes and mixed with 8 bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.ir.dtype import DType
from tinyc.kernels.concat import Concat
from tinyc.kernels.conv2d import Conv2D
from tinyc.kernels.dense import Dense
from tinyc.kernels.depthwise import DepthwiseConv2D
from tinyc.kernels.epilogue import Requantize
from tinyc.kernels.interpolated import Interpolated
from tinyc.kernels.rescale import Rescale

from .boards import sampled
from .checks import Quant, check, qdq_model

INT8, INT16 = np.dtype(np.int8), np.dtype(np.int16)
QUANTS: dict[tuple[str, np.dtype], Quant] = {
    ("x", INT8): (0.05, 9), ("x", INT16): (0.0002, 1234),
    ("z", INT8): (0.031, -40), ("z", INT16): (0.00013, -17),
    ("y", INT8): (0.11, -3), ("y", INT16): (0.0004, -3000),
}  # fmt: skip
WIDTHS = [(INT16, INT16), (INT16, INT8), (INT8, INT16)]
"""Of inputs, and of the output."""
MIXED = [WIDTHS[0], *(pytest.param(widths, marks=pytest.mark.slow) for widths in WIDTHS[1:])]
"""The same, of which the last are for a day with more time."""


def _model(
    nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, Sequence[int]], widths: tuple[np.dtype, np.dtype],
    quants: Mapping[str, Quant] | None = None, **more: Any,
) -> onnx.ModelProto:  # fmt: skip
    types = {**dict.fromkeys(inputs, widths[0]), "y": widths[1]}
    known = {name: QUANTS[name, dtype] for name, dtype in types.items()} | dict(quants or {})
    return qdq_model(nodes, inputs, ["y"], known, types=types, **more)


def _weights(shape: tuple[int, ...], channels: int, axis: int = 0) -> tuple[np.ndarray, np.ndarray, int]:
    rng = np.random.default_rng(0)
    return rng.integers(-127, 128, shape).astype(np.int8), rng.uniform(0.002, 0.02, channels), axis


CONVOLUTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "pointwise": ((1, 5, 4, 7), (6, 5, 1, 1), {}),
    "3×3, padded": ((1, 3, 7, 5), (4, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "one-sided padding": ((1, 3, 7, 6), (4, 3, 3, 2), {"pads": [0, 1, 2, 0]}),
    "strides": ((1, 2, 9, 7), (3, 2, 3, 3), {"strides": [2, 3], "pads": [1, 0, 0, 1]}),
    "dilation": ((1, 2, 9, 8), (3, 2, 3, 2), {"dilations": [2, 3], "pads": [2, 1, 2, 0]}),
    "groups": ((1, 6, 5, 4), (4, 3, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    "depthwise": ((1, 5, 6, 7), (5, 1, 3, 3), {"group": 5, "pads": [1, 0, 1, 2]}),
    "depthwise, strides": ((1, 3, 9, 8), (3, 1, 3, 2), {"group": 3, "strides": [2, 1], "dilations": [1, 2]}),
    "series": ((1, 4, 11), (5, 4, 3), {"pads": [2, 0]}),
    "batch": ((3, 2, 4, 5), (3, 2, 3, 3), {"pads": [1, 1, 1, 1]}),
}  # fmt: skip


@pytest.mark.parametrize("name", sampled(CONVOLUTIONS, "one-sided padding", "groups", "depthwise", "batch"))
@pytest.mark.parametrize("widths", MIXED)
def test_convolution(name: str, widths: tuple[np.dtype, np.dtype]) -> None:
    shape, weights, attributes = CONVOLUTIONS[name]
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], "conv", **attributes)
    constants = {"b": np.random.default_rng(1).normal(size=weights[0]).astype(np.float32)}
    one_sample = shape[0] == 1
    model = _model(
        [node], {"x": shape}, widths, constants=constants, stage=one_sample,
        dequantized={"w": _weights(weights, weights[0])},
    )  # fmt: skip
    program = check(model, lsb=2 if one_sample else 1)  # the last requantization adds its own
    kernels = [step.kernel for step in program.steps if isinstance(step.kernel, Conv2D | DepthwiseConv2D)]
    assert [kernel.epilogue.dtype for kernel in kernels] == [DType.of(widths[1])]
    assert one_sample == any(isinstance(step.kernel, Rescale) for step in program.steps)


@pytest.mark.parametrize("widths", WIDTHS)
def test_transposed_convolution(widths: tuple[np.dtype, np.dtype]) -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up", strides=[2, 3], pads=[1, 0, 0, 1])
    weights = {"w": _weights((3, 5, 3, 2), 5, axis=1)}
    program = check(_model([node], {"x": (2, 3, 4, 5)}, widths, dequantized=weights))
    assert len(program.steps) == 1


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("rows", [1, 3])
def test_dense(rows: int, widths: tuple[np.dtype, np.dtype]) -> None:
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "fc", transB=1)
    constants = {"b": np.random.default_rng(1).normal(size=5).astype(np.float32)}
    weights = {"w": _weights((5, 13), 5)}
    program = check(_model([node], {"x": (rows, 13)}, widths, constants=constants, dequantized=weights))
    assert [type(step.kernel) for step in program.steps] == [Dense]


@pytest.mark.parametrize("scale", [0.0002, 0.02])
def test_sums_beyond_32_bits(scale: float) -> None:
    """They are formed in 64 bits where no proof excludes it; the largest there are come out right. With the
    second scale most outputs saturate: accumulators are clamped first."""
    weights = np.full((2, 600), 127, np.int8)
    weights[1, ::2] = -127
    node = helper.make_node("Gemm", ["x", "w"], ["y"], "fc", transB=1)
    x = np.random.default_rng(0).integers(-32768, 32768, (5, 1, 600)).astype(np.int16)
    x[1], x[2], x[3] = 32767, -32768, np.where(weights[1] > 0, 32767, -32768)
    model = _model(
        [node], {"x": (1, 600)}, WIDTHS[0], {"x": (1.0, -5), "y": (1e4, 7)},
        dequantized={"w": (weights, np.float32(scale), 0)},
    )  # fmt: skip
    (step,) = check(model, samples=[{"x_q": row} for row in x]).steps
    assert isinstance(step.kernel, Dense)
    assert step.kernel.bias.dtype == np.int64
    assert isinstance(step.kernel.epilogue, Requantize) and step.kernel.epilogue.wide


ARITHMETIC = [(INT16, INT16, INT16), (INT16, INT8, INT16), (INT8, INT16, INT8), (INT8, INT8, INT16)]
"""Widths of both operands and of the result."""


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("widths", ARITHMETIC)
def test_arithmetic(operator: str, widths: tuple[np.dtype, np.dtype, np.dtype]) -> None:
    types = dict(zip(("x", "z", "y"), widths, strict=True))
    quants = {name: QUANTS[name, dtype] for name, dtype in types.items()}
    node = helper.make_node(operator, ["x", "z"], ["y"], "op")
    batch = 1 if widths == ARITHMETIC[0] else 2  # several samples have one schedule
    shapes = {"x": (batch, 3, 5, 4), "z": (batch, 1, 5, 4)}
    program = check(qdq_model([node], shapes, ["y"], quants, types=types))
    assert len(program.steps) == 1


@pytest.mark.parametrize("widths", ARITHMETIC)
def test_product_of_matrices(widths: tuple[np.dtype, np.dtype, np.dtype]) -> None:
    types = dict(zip(("x", "z", "y"), widths, strict=True))
    quants = {name: QUANTS[name, dtype] for name, dtype in types.items()}
    node = helper.make_node("MatMul", ["x", "z"], ["y"], "op")
    program = check(qdq_model([node], {"x": (2, 3, 7), "z": (2, 7, 5)}, ["y"], quants, types=types))
    assert len(program.steps) == 1


def test_maximum_of_one_quantization() -> None:
    node = helper.make_node("Max", ["x", "z"], ["y"], "op")
    quants = dict.fromkeys("xzy", QUANTS["x", INT16])
    program = check(_model([node], {"x": (2, 3, 5), "z": (2, 3, 5)}, WIDTHS[0], quants), lsb=0)
    assert len(program.steps) == 1


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("widths", MIXED)
@pytest.mark.parametrize("shape", [(1, 3, 1, 1), ()])
def test_arithmetic_with_constants(
    operator: str, widths: tuple[np.dtype, np.dtype], shape: tuple[int, ...]
) -> None:
    constants = {"c": np.random.default_rng(3).uniform(0.4, 1.9, shape).astype(np.float32)}
    node = helper.make_node(operator, ["x", "c"], ["y"], "op")
    program = check(_model([node], {"x": (2, 3, 5, 4)}, widths, constants=constants))
    assert len(program.steps) == 1


FUNCTIONS: dict[str, tuple[str, Quant, Quant]] = {
    "sigmoid": ("Sigmoid", (2.0**-12, 0), (2.0**-16, -32768)),
    "sigmoid of a wide range": ("Sigmoid", (0.001, 4000), (2.0**-16, -32768)),
    "tanh": ("Tanh", (2.0**-13, 11), (2.0**-15, 0)),
    "elu": ("Elu", (2.0**-12, -3000), (2.0**-12, -20000)),
    "leaky relu": ("LeakyRelu", (0.0003, 77), (0.0002, -30000)),
    "abs": ("Abs", (0.0003, 77), (0.0003, -32768)),
    "exp": ("Exp", (2.0**-13, 0), (2.0**-9, -32768)),
    "hard swish, to 8 bits": ("HardSwish", (0.0003, 0), (0.05, -120)),
}


@pytest.mark.parametrize("name", sampled(FUNCTIONS, "sigmoid", "tanh", "leaky relu", "hard swish, to 8 bits"))
def test_functions(name: str) -> None:
    """All 2^16 elements, within 1 LSB of ONNX Runtime."""
    operator, before, after = FUNCTIONS[name]
    width = INT8 if "8 bits" in name else INT16
    every = np.arange(-32768, 32768).astype(np.int16).reshape(256, 256)
    node = helper.make_node(operator, ["x"], ["y"], "f")
    model = _model([node], {"x": every.shape}, (INT16, width), {"x": before, "y": after})
    (step,) = check(model, samples=[{"x_q": every}]).steps
    assert isinstance(step.kernel, Interpolated)
    assert step.kernel.points.nbytes <= 8200


def test_a_function_that_no_table_follows_is_computed_in_float() -> None:
    """It bends where the table has no point."""
    node = helper.make_node("HardSigmoid", ["x"], ["y"], "f", alpha=1.7, beta=0.4)
    check(_model([node], {"x": (1, 2, 9, 7)}, WIDTHS[0], {"x": (0.0003, 5), "y": (2.0**-16, -32768)}))


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("bounds", [(None, None), (0.0, None), (-0.3, 1.1)])
def test_requantization(widths: tuple[np.dtype, np.dtype], bounds: tuple[float | None, float | None]) -> None:
    constants = {name: np.float32(v) for name, v in zip("ab", bounds, strict=True) if v is not None}
    names = ["a", "b"] if "b" in constants else list(constants)
    node = helper.make_node("Clip", ["x", *names], ["y"], "clip")
    program = check(_model([node], {"x": (2, 3, 5, 4)}, widths, constants=constants))
    assert [type(step.kernel) for step in program.steps] == [Rescale]


@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ((1, 5, 7, 6), {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 0, 1]}),
        ((1, 3, 5, 4), {"kernel_shape": [5, 4]}),
        ((2, 3, 9), {"kernel_shape": [4], "strides": [3]}),
    ],
)
@pytest.mark.parametrize("widths", MIXED[:2])
def test_pools(
    operator: str, shape: tuple[int, ...], attributes: dict[str, Any], widths: tuple[np.dtype, np.dtype]
) -> None:
    quants = {"y": QUANTS["x", INT16]} if operator == "MaxPool" and widths[1] is INT16 else {}
    node = helper.make_node(operator, ["x"], ["y"], "pool", **attributes)
    check(_model([node], {"x": shape}, widths, quants, stage=len(shape) == 4 and shape[0] == 1), lsb=2)


MOVEMENTS: dict[str, tuple[str, dict[str, Any], dict[str, np.ndarray | np.generic]]] = {
    "transpose": ("Transpose", {"perm": [0, 2, 3, 1]}, {}),
    "reshape": ("Reshape", {}, {"shape": np.array([1, 5, 12])}),
    "pad": ("Pad", {}, {"pads": np.array([0, 0, 1, 2, 0, 1, 0, 3]), "value": np.float32(0.05)}),
    "slice": ("Slice", {}, {"starts": np.array([1, 0]), "ends": np.array([4, 3]), "axes": np.array([2, 3])}),
    "upsampling": (
        "Resize",
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"roi": np.array([], np.float32), "scales": np.float32([1, 1, 2, 3])},
    ),
    "maximum of an axis": ("ReduceMax", {}, {"axes": np.array([2])}),
}  # fmt: skip


@pytest.mark.parametrize("name", sampled(MOVEMENTS, "transpose", "pad", "upsampling"))
def test_movement(name: str) -> None:
    operator, attributes, constants = MOVEMENTS[name]
    node = helper.make_node(operator, ["x", *constants], ["y"], "move", **attributes)
    quants = {"y": QUANTS["x", INT16]}
    model = _model([node], {"x": (1, 3, 5, 4)}, WIDTHS[0], quants, constants=constants)
    program = check(model, lsb=0)
    assert not any(program.buffers[name].dtype.is_float for step in program.steps for name in step.outputs)


@pytest.mark.parametrize("operator", ["ReduceMean", "ReduceSum"])
def test_reduction(operator: str) -> None:
    node = helper.make_node(operator, ["x", "axes"], ["y"], "sum", keepdims=0)
    program = check(_model([node], {"x": (1, 3, 5, 4)}, WIDTHS[0], constants={"axes": np.array([1, 3])}))
    assert len(program.steps) == 1


@pytest.mark.parametrize("widths", ARITHMETIC)
def test_concat_of_different_widths(widths: tuple[np.dtype, np.dtype, np.dtype]) -> None:
    """Operands that the result's quantization does not suit are requantized first."""
    node = helper.make_node("Concat", ["x", "z"], ["y"], "join", axis=1)
    types = dict(zip(("x", "z", "y"), widths, strict=True))
    quants = {name: QUANTS[name, dtype] for name, dtype in types.items()}
    program = check(qdq_model([node], {"x": (2, 3, 5), "z": (2, 4, 5)}, ["y"], quants, types=types))
    assert {type(step.kernel) for step in program.steps} == {Rescale, Concat}


def test_concat_of_one_quantization_and_constants() -> None:
    node = helper.make_node("Concat", ["x", "c", "z"], ["y"], "join", axis=2)
    constants = {"c": np.random.default_rng(3).normal(size=(1, 3, 2, 4)).astype(np.float32)}
    quants = dict.fromkeys("xzy", QUANTS["x", INT16])
    model = _model([node], {"x": (1, 3, 5, 4), "z": (1, 3, 1, 4)}, WIDTHS[0], quants, constants=constants)
    assert len(check(model, lsb=0).steps) == 1
