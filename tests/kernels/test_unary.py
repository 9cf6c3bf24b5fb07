"""Functions of one element: tables on 8-bit data, formulas on float32, wrap-around arithmetic on integers."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from tinyc.ir.errors import ModelError
from tinyc.kernels.table import Table
from tinyc.kernels.unary import Unary

from .checks import agree, check, float_model, lowered, qdq_model, samples_of

# operator, attributes, output scale and zero point that suit inputs between -6 and 6
FUNCTIONS: dict[str, tuple[str, dict, tuple[float, int]]] = {
    "Abs": ("Abs", {}, (0.05, -128)),
    "Asinh": ("Asinh", {}, (0.02, 0)),
    "Atan": ("Atan", {}, (0.012, 0)),
    "Ceil": ("Ceil", {}, (0.06, 3)),
    "Celu": ("Celu", {"alpha": 0.7}, (0.05, -100)),
    "Celu, default": ("Celu", {}, (0.05, -100)),
    "Cos": ("Cos", {}, (0.008, 1)),
    "Cosh": ("Cosh", {}, (0.8, -128)),
    "Elu": ("Elu", {"alpha": 1.3}, (0.05, -100)),
    "Erf": ("Erf", {}, (0.008, -2)),
    "Exp": ("Exp", {}, (1.7, -128)),
    "Floor": ("Floor", {}, (0.06, 3)),
    "Gelu": ("Gelu", {}, (0.03, -120)),
    "Gelu by tanh": ("Gelu", {"approximate": "tanh"}, (0.03, -120)),
    "HardSigmoid": ("HardSigmoid", {}, (0.004, -128)),
    "HardSigmoid, steep": ("HardSigmoid", {"alpha": 1.0, "beta": 0.4}, (0.004, -128)),
    "HardSwish": ("HardSwish", {}, (0.03, -110)),
    "LeakyRelu": ("LeakyRelu", {}, (0.05, -100)),
    "LeakyRelu, negative": ("LeakyRelu", {"alpha": -0.3}, (0.05, -100)),
    "Log": ("Log", {}, (0.03, 10)),
    "Mish": ("Mish", {}, (0.03, -110)),
    "Neg": ("Neg", {}, (0.05, 3)),
    "Reciprocal": ("Reciprocal", {}, (0.1, 0)),
    "Relu": ("Relu", {}, (0.05, -128)),
    "Round": ("Round", {}, (0.06, 3)),
    "Selu": ("Selu", {}, (0.05, -70)),
    "Selu, own": ("Selu", {"alpha": 1.5, "gamma": 1.1}, (0.05, -70)),
    "Shrink": ("Shrink", {"bias": 0.25, "lambd": 0.75}, (0.05, 0)),
    "Sigmoid": ("Sigmoid", {}, (1 / 256, -128)),
    "Sign": ("Sign", {}, (0.01, 5)),
    "Sin": ("Sin", {}, (0.008, 1)),
    "Sinh": ("Sinh", {}, (1.0, 0)),
    "Softplus": ("Softplus", {}, (0.03, -128)),
    "Softsign": ("Softsign", {}, (0.008, 0)),
    "Sqrt": ("Sqrt", {}, (0.01, -128)),
    "Tan": ("Tan", {}, (0.5, 0)),
    "Tanh": ("Tanh", {}, (1 / 128, 0)),
    "ThresholdedRelu": ("ThresholdedRelu", {"alpha": 0.9}, (0.03, -128)),
}
POSITIVE = ("Log", "Sqrt")
WITHIN_ONE = {"Acos": (0.013, -128), "Asin": (0.013, 0), "Atanh": (0.02, 0)}
"""Functions of numbers between -1 and 1, with output scale and zero point."""


def _bounds(low: object, high: object) -> tuple[list[str], dict[str, np.ndarray]]:
    names = ["" if low is None else "low", "" if high is None else "high"]
    return names, {n: np.asarray(v) for n, v in (("low", low), ("high", high)) if v is not None}


def test_int8() -> None:
    """All functions of one tensor at once; each is one table."""
    nodes, quants = [], {"x": (0.047, 7)}
    for index, (operator, attributes, quant) in enumerate(FUNCTIONS.values()):
        nodes.append(helper.make_node(operator, ["x"], [f"y{index}"], f"f{index}", **attributes))
        quants[f"y{index}"] = quant
    outputs = [f"y{index}" for index in range(len(FUNCTIONS))]
    samples = [{"x_q": np.arange(-128, 128).reshape(2, 128).astype(np.int8)}]
    program = check(qdq_model(nodes, {"x": (2, 128)}, outputs, quants), samples=samples)
    assert len(program.steps) == len(FUNCTIONS)
    assert all(isinstance(step.kernel, Table) for step in program.steps)


def test_int8_between_bounds() -> None:
    nodes = [helper.make_node(operator, ["x"], [operator]) for operator in WITHIN_ONE]
    samples = [{"x_q": np.arange(-127, 128).reshape(5, 51).astype(np.int8)}]
    check(
        qdq_model(nodes, {"x": (5, 51)}, list(WITHIN_ONE), {"x": (0.0078, 0), **WITHIN_ONE}), samples=samples
    )


def test_float_between_bounds() -> None:
    """Also at the ends, where some are infinite, and beyond, where there are no results."""
    nodes = [helper.make_node(operator, ["x"], [operator]) for operator in WITHIN_ONE]
    nodes.append(helper.make_node("Acosh", ["w"], ["Acosh"]))
    x = np.linspace(-1, 1, 255, dtype=np.float32).reshape(5, 51)
    w = np.geomspace(1, 1e38, 255, dtype=np.float32).reshape(5, 51)
    model = float_model(nodes, {"x": x.shape, "w": w.shape}, [*WITHIN_ONE, "Acosh"])
    check(model, samples=[{"x": x, "w": w}])


@pytest.mark.parametrize("shape", [(1, 3, 5, 4), (1, 4, 7)])
def test_a_chain_of_functions_is_one_table(shape: tuple[int, ...]) -> None:
    names, constants = _bounds(np.float32(-0.4), np.float32(0.9))
    nodes = [
        helper.make_node("Tanh", ["x"], ["t"], "tanh"),
        helper.make_node("Clip", ["t", *names], ["c"], "clip"),
        helper.make_node("Neg", ["c"], ["n"], "neg"),
        helper.make_node("Exp", ["n"], ["y"], "exp"),
    ]
    quants = {"x": (0.02, 11), "y": (0.007, -128)}
    program = check(qdq_model(nodes, {"x": shape}, ["y"], quants, constants, stage=True))
    assert [step.operator for step in program.steps if step.source == "tanh"] == ["Tanh + Clip + Neg + Exp"]
    assert len(program.steps) == 3


def test_a_value_that_others_read_ends_the_chain() -> None:
    nodes = [
        helper.make_node("Tanh", ["x"], ["t"], "tanh"),
        helper.make_node("Exp", ["t"], ["y"], "exp"),
        helper.make_node("Neg", ["t"], ["z"], "neg"),
    ]
    check(qdq_model(nodes, {"x": (3, 5)}, ["y", "z"], {"x": (0.02, 1), "y": (0.02, -100), "z": (0.01, 0)}))


@pytest.mark.parametrize("wide", [False, True])
def test_float(wide: bool) -> None:
    """All functions at once, near 0 and from far off to the edges of float32."""
    nodes = [
        helper.make_node(operator, ["p" if operator in POSITIVE else "x"], [f"y{i}"], f"f{i}", **attributes)
        for i, (operator, attributes, _) in enumerate(FUNCTIONS.values())
        if not (wide and operator in ("Sin", "Cos", "Tan"))
    ]
    outputs = [node.output[0] for node in nodes]
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4, 60)).astype(np.float32) * (30 if wide else 2)
    x[0, :7] = (0.0, 0.5, -1.5, 2.5, 88.0, -100.0, 1e-30) if wide else (0.0, 0.5, -1.5, 2.5, 1e-5, -0.9, 1.1)
    p = np.abs(x) + np.float32(1e-3)
    check(float_model(nodes, {"x": x.shape, "p": x.shape}, outputs), samples=[{"x": x, "p": p}])


@pytest.mark.parametrize("attributes", [{}, {"alpha": 1.7}])
def test_swish(attributes: dict) -> None:
    """ONNX Runtime has no Swish: ONNX's own evaluator is the reference."""
    nodes = [helper.make_node("Swish", ["x"], ["y"], **attributes)]
    for model in (
        float_model(nodes, {"x": (3, 50)}, ["y"]),
        qdq_model(nodes, {"x": (3, 50)}, ["y"], {"x": (0.03, 5), "y": (0.02, -110)}),
    ):
        samples = samples_of(model)
        evaluator = ReferenceEvaluator(model)
        expected = [[np.asarray(y) for y in evaluator.run(None, sample)] for sample in samples]
        agree(lowered(model), samples, expected)


@pytest.mark.parametrize("bounds", [(None, None), (-0.5, None), (None, 0.7), (-0.5, 0.7), (0.9, -0.9)])
def test_clip(bounds: tuple[float | None, float | None]) -> None:
    low, high = (None if b is None else np.float32(b) for b in bounds)
    names, constants = _bounds(low, high)
    nodes = [helper.make_node("Clip", ["x", *names], ["y"], "clip")]
    check(float_model(nodes, {"x": (1, 3, 4, 5)}, ["y"], constants))
    check(qdq_model(nodes, {"x": (3, 7)}, ["y"], {"x": (0.01, -3), "y": (0.01, 9)}, constants))


def test_special_floats() -> None:
    nodes = [
        helper.make_node("IsNaN", ["x"], ["nan"]),
        helper.make_node("IsInf", ["x"], ["both"]),
        helper.make_node("IsInf", ["x"], ["plus"], detect_negative=0),
        helper.make_node("IsInf", ["x"], ["minus"], detect_positive=0),
        helper.make_node("IsInf", ["x"], ["none"], detect_positive=0, detect_negative=0),
        helper.make_node("Not", ["nan"], ["number"]),
    ]
    outputs = ["nan", "both", "plus", "minus", "none", "number"]
    kinds = dict.fromkeys(outputs, TensorProto.BOOL)
    x = np.array([[0.0, np.nan, np.inf, -np.inf, 3.4e38, -3.4e38]], np.float32)
    check(float_model(nodes, {"x": x.shape}, outputs, dtypes=kinds), lsb=0, samples=[{"x": x}])


@pytest.mark.parametrize("kind", ["INT8", "INT32", "INT64", "UINT8"])
def test_integers(kind: str) -> None:
    """Raw integers, the least of the type among them."""
    number: int = getattr(TensorProto, kind)
    dtype = helper.tensor_dtype_to_np_dtype(number)
    info = np.iinfo(dtype)
    names, constants = _bounds(dtype.type(3), dtype.type(90))
    signed = ["Neg", "Abs", "Sign"] if info.min < 0 else ["Abs", "Sign"]
    operators = signed + (["Relu"] if kind in ("INT8", "INT32") else [])
    nodes = [helper.make_node(operator, ["x"], [operator]) for operator in operators]
    nodes += [
        helper.make_node("Clip", ["x", *names], ["Clip"]),
        helper.make_node("Clip", ["x", "", "high"], ["Clip high"]),
        helper.make_node("BitwiseNot", ["x"], ["BitwiseNot"]),
    ]
    outputs = [node.output[0] for node in nodes]
    x = np.array([[info.min, info.min + 1, 0, 1, 3, 4, 89, 90, 91, info.max]], dtype)
    model = float_model(nodes, {"x": x.shape}, outputs, constants, dict.fromkeys(["x", *outputs], number))
    program = check(model, lsb=0, samples=[{"x": x}])
    assert all(isinstance(step.kernel, Unary) for step in program.steps)


def test_windows_of_floats() -> None:
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["a"]),
        helper.make_node("Sqrt", ["a"], ["b"]),
        helper.make_node("LeakyRelu", ["b"], ["y"], alpha=0.2),
    ]
    check(float_model(nodes, {"x": (1, 3, 5, 7)}, ["y"]))


@pytest.mark.parametrize("bounds", ["low", "high", "both"])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.INT32])
def test_clip_between_computed_bounds(bounds: str, kind: int) -> None:
    names = ["" if bounds == "high" else "low", "" if bounds == "low" else "high"]
    nodes = [helper.make_node("Clip", ["x", *names], ["y"])]
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    x = np.arange(-30, 30).reshape(1, 3, 4, 5).astype(dtype)
    inputs = {"x": x.shape} | {name: () for name in names if name}
    limits = {"low": -7, "high": 11}, {"low": 11, "high": -7}
    samples = [{"x": x} | {n: np.asarray(pair[n], dtype) for n in inputs if n != "x"} for pair in limits]
    model = float_model(nodes, inputs, ["y"], dtypes=dict.fromkeys([*inputs, "y"], kind))
    check(model, lsb=0, samples=samples)


def test_float_functions_of_integers_are_refused() -> None:
    model = float_model(
        [helper.make_node("Round", ["x"], ["y"], "round")],
        {"x": (2, 3)},
        ["y"],
        dtypes={"x": TensorProto.FLOAT},
    )
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT32
    with pytest.raises(ModelError, match="Cannot compile Round") as caught:
        lowered(model)
    assert "cast its operands to float32" in caught.value.remedy
