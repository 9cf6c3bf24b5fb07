"""Operators of two operands on float32 and on raw integers, in every way to broadcast."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError
from tinyc.kernels.elementwise import Elementwise
from tinyc.kernels.unary import Unary

from .broadcasts import CONSTANT, RUN_TIME
from .checks import agree, check, float_model, lowered

ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "PRelu", "Mod")


def _node(operator: str, inputs: list[str], output: str, **attributes):
    if operator == "Mod":
        attributes["fmod"] = 1
    return helper.make_node(operator, inputs, [output], f"{operator}_{output}", **attributes)


def _operands(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(sum(map(len, shapes)))
    return [np.asarray(rng.normal(size=shape) * 2, np.float32) for shape in shapes]


@pytest.mark.parametrize("case", RUN_TIME)
def test_float(case: str) -> None:
    shapes = RUN_TIME[case]
    a, b = _operands(*shapes)
    model = float_model([_node("Sub", ["a", "b"], "y")], {"a": shapes[0], "b": shapes[1]}, ["y"])
    check(model, samples=[{"a": a, "b": b}])


@pytest.mark.parametrize("case", CONSTANT)
def test_float_with_a_constant(case: str) -> None:
    shape, constant = CONSTANT[case]
    x, c = _operands(shape, constant)
    model = float_model([_node("Mul", ["c", "x"], "y")], {"x": shape}, ["y"], {"c": c})
    check(model, samples=[{"x": x}])


def test_all_operators() -> None:
    """The bases of powers are made positive, so that NaN does not hide differences."""
    nodes = [_node("Abs", ["a"], "p")]
    nodes += [_node(op, ["p" if op == "Pow" else "a", "b"], f"y{n}") for n, op in enumerate(ARITHMETIC)]
    a, b = _operands((3, 40), (3, 40))
    outputs = [f"y{n}" for n in range(len(ARITHMETIC))]
    program = check(float_model(nodes, {"a": a.shape, "b": b.shape}, outputs), samples=[{"a": a, "b": b}])
    assert len(program.steps) == len(ARITHMETIC) + 1


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5, -1.0, -0.5, 1.7, -2.0, np.int64(2), np.int32(-3)])
def test_constant_exponents(exponent: float) -> None:
    x = np.abs(_operands((2, 30))[0]) + np.float32(0.05)
    model = float_model(
        [_node("Pow", ["x", "e"], "y")],
        {"x": x.shape},
        ["y"],
        {"e": np.asarray(exponent, getattr(exponent, "dtype", np.float32))},
    )
    program = check(model, samples=[{"x": x}])
    assert isinstance(program.steps[0].kernel, Unary if exponent in (2, 3, 0.5, -1, -0.5) else Elementwise)


def test_operator_and_activation_are_one_step() -> None:
    nodes = [
        _node("Add", ["a", "b"], "s"),
        helper.make_node("Clip", ["s", "low", "high"], ["y"], "clip"),
    ]
    constants = {"low": np.float32(-0.5), "high": np.float32(1.25)}
    program = check(float_model(nodes, {"a": (1, 3, 4, 5), "b": (1, 3, 4, 5)}, ["y"], constants))
    assert [step.operator for step in program.steps] == ["Add + Clip"]


def test_infinite_constants() -> None:
    """Attention masks hold minus infinity."""
    mask = np.where(np.arange(12).reshape(3, 4) % 3 == 0, -np.inf, 0.0).astype(np.float32)
    nodes = [_node("Add", ["x", "mask"], "y"), _node("Max", ["x", "infinity"], "z")]
    constants = {"mask": mask, "infinity": np.float32(-np.inf)}
    check(float_model(nodes, {"x": (3, 4)}, ["y", "z"], constants))


def test_an_operand_with_itself() -> None:
    check(float_model([_node("Mul", ["x", "x"], "y")], {"x": (1, 2, 3, 4)}, ["y"]))


def test_channel_last_operands_of_lower_rank() -> None:
    """Between convolutions tensors lie channel-last, also what broadcasts along their rows."""
    w = np.random.default_rng(0).normal(size=(3, 3, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["a", "w"], ["c"]),
        _node("Add", ["c", "b"], "s"),
        helper.make_node("Conv", ["s", "w"], ["y"]),
    ]
    check(float_model(nodes, {"a": (1, 3, 4, 5), "b": (3, 4, 5)}, ["y"], {"w": w}))


INTEGERS = ("Add", "Sub", "Mul", "Div", "Min", "Max", "Mod", "BitwiseAnd", "BitwiseOr", "BitwiseXor")


@pytest.mark.parametrize("kind", ["INT32", "INT64"])
def test_integers(kind: str) -> None:
    number: int = getattr(TensorProto, kind)
    dtype = helper.tensor_dtype_to_np_dtype(number)
    info = np.iinfo(dtype)
    edges = [info.min, info.max, -7, 7, 1, -1, 3]
    a, b = (np.asarray(g, dtype).reshape(7, 7) for g in np.meshgrid(edges, [5, -3, 1, 2, info.max, -2, 100]))
    nodes = [helper.make_node(op, ["a", "b"], [f"y{n}"], op) for n, op in enumerate(INTEGERS)]
    if kind == "INT32":  # ONNX Runtime forms this remainder in double, which has too few bits for INT64
        nodes.append(helper.make_node("Mod", ["a", "b"], ["r"], "remainder", fmod=1))
    outputs = [node.output[0] for node in nodes]
    model = float_model(
        nodes, {"a": a.shape, "b": b.shape}, outputs, {}, dict.fromkeys(["a", "b", *outputs], number)
    )
    check(model, lsb=0, samples=[{"a": a, "b": b}])


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32])
def test_division_is_defined_for_all_integers(dtype: type) -> None:
    """ONNX Runtime stops at division by 0: emulator and C are held against each other."""
    number = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [helper.make_node(op, ["a", "b"], [op]) for op in ("Div", "Mod")]
    model = float_model(
        nodes, {"a": (36,), "b": (36,)}, ["Div", "Mod"], {}, dict.fromkeys(["a", "b", "Div", "Mod"], number)
    )
    edges = np.array(
        [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1, 7, -1 if np.iinfo(dtype).min else 5], dtype
    )
    a, b = (g.reshape(-1) for g in np.meshgrid(edges, edges))
    special = (b == 0) | (b == -1)
    wide, divisor = a.astype(object), np.where(special, 1, b.astype(object))
    quotient = np.array(
        [
            int(abs(x) // abs(y)) * (1 if (x < 0) == (y < 0) else -1)
            for x, y in zip(wide, divisor, strict=True)
        ]
    )
    minus = np.array([int(np.negative(x)) for x in a])
    expected = [
        np.where(b == 0, 0, np.where(special, minus, quotient)).astype(dtype),
        np.where(special, 0, wide % divisor).astype(dtype),
    ]
    agree(lowered(model), [{"a": a, "b": b}], [expected], lsb=0)


@pytest.mark.parametrize("case", ["same shape", "one value per channel", "scalar"])
def test_booleans(case: str) -> None:
    a, b = RUN_TIME[case]
    kinds = dict.fromkeys(["a", "b", "y"], TensorProto.BOOL)
    for operator in ("And", "Or", "Xor"):
        nodes = [helper.make_node(operator, ["a", "b"], ["t"]), helper.make_node("Not", ["t"], ["y"])]
        check(float_model(nodes, {"a": a, "b": b}, ["y"], dtypes=kinds), lsb=0)


def test_remainder_of_floats_needs_fmod() -> None:
    model = float_model(
        [helper.make_node("Mod", ["a", "b"], ["y"], "mod", fmod=1)], {"a": (3,), "b": (3,)}, ["y"]
    )
    del model.graph.node[0].attribute[:]
    with pytest.raises(ModelError, match="Cannot compile Mod") as caught:
        lowered(model)
    assert "fmod is 0 for float operands" in caught.value.why


def test_integer_powers_are_refused() -> None:
    kinds = dict.fromkeys(["x", "e", "y"], TensorProto.INT32)
    model = float_model([_node("Pow", ["x", "e"], "y")], {"x": (3,), "e": (3,)}, ["y"], dtypes=kinds)
    with pytest.raises(ModelError, match="Cannot compile Pow") as caught:
        lowered(model)
    assert "int32 and int32" in caught.value.why
    assert "cast both to float32" in caught.value.remedy


def test_long_chains_are_for_the_canonical_model() -> None:
    model = float_model([_node("Max", ["a", "a", "a"], "y")], {"a": (3,)}, ["y"])
    with pytest.raises(ModelError) as caught:
        lowered(model)
    assert "it has 3 operands" in caught.value.why
