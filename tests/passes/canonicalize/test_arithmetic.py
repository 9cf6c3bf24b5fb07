"""Split and Slice; sums, differences, quotients; reductions."""

from __future__ import annotations

import numpy as np
import pytest

from ..onnx_text import build, canonical, normal, only, operand, operators, positive, stored

CASES = {
    "split in equal parts": (
        "float[2,6] x", """a, b, c = Split<axis=-1>(x) d = Sub(a, c) y = Mul(d, b)""",
        {}, "Slice Slice Slice Sub Mul",
    ),
    "split by sizes, one part unused": (
        "float[2,6] x", "s = Constant<value_ints=[1,2,3]>() a, b, y = Split<axis=1>(x, s) z = Relu(a)", {},
        "Slice",
    ),
    "sum of three": ("float[2,6] x", "a = Exp(x) b = Neg(x) y = Sum(x, a, b)", {}, "Exp Neg Add Add"),
    "mean of three": ("float[2,6] x", "a = Exp(x) b = Neg(x) y = Mean(x, a, b)", {}, "Exp Neg Add Add Mul"),
    "max of three": ("float[2,6] x", "a = Exp(x) b = Neg(x) y = Max(x, a, b)", {}, "Exp Neg Max Max"),
    "sub of a constant": ("float[2,6] x", "y = Sub(x, w)", {"w": normal(6)}, "Add"),
    "sub from a constant stays": ("float[2,6] x", "y = Sub(w, x)", {"w": normal(6)}, "Sub"),
    "sub of an unsigned constant stays": (
        "uint8[6] x", "y = Sub(x, w)", {"w": np.arange(6, dtype=np.uint8)}, "Sub",
    ),
    "sub of a signed constant wraps alike": (
        "int8[6] x", "y = Sub(x, w)", {"w": np.array([-128, -1, 0, 1, 100, 127], np.int8)}, "Add",
    ),
    "div by a constant": ("float[2,6] x", "y = Div(x, w)", {"w": positive(6)}, "Mul"),
    "div by zero stays": (
        "float[2,6] x", "a = Exp(x) y = Div(a, w)", {"w": np.zeros(1, np.float32)}, "Exp Div",
    ),
    "div by a tiny number stays": (
        "float[2,6] x", "y = Div(x, w)", {"w": np.array(1e-39, np.float32)}, "Div",
    ),
    "integer div stays": ("int32[6] x", "y = Div(x, w)", {"w": np.array(3, np.int32)}, "Div"),
    "constant moves to the right": ("float[2,6] x", "y = Mul(w, x)", {"w": normal(6)}, "Mul"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_remaining_operators(name: str) -> None:
    inputs, body, weights, expected = CASES[name]
    model = canonical(build(inputs, body, weights, opset=17))
    assert operators(model) == expected
    for node in model.graph:
        if node.op_type in ("Add", "Mul"):
            assert not operand(node, 0).is_initializer()


SLICES = {
    # starts, ends, axes, steps of the model; then as they are afterwards, for the shape (5, 7)
    "negative axis, open end": ([1], [2**63 - 1], [-1], [1], ([1], [7], [1], [1])),
    "negative bounds": ([-3], [-1], [0], [1], ([2], [4], [0], [1])),
    "unordered axes": ([1, 2], [5, 4], [1, 0], [2, 1], ([2, 1], [4, 5], [0, 1], [1, 2])),
    "backwards": ([-1], [-(2**63)], [1], [-2], ([6], [-8], [1], [-2])),
    "backwards to an element": ([4], [1], [0], [-1], ([4], [1], [0], [-1])),
    "one of two takes all": ([0, 1], [9, 3], [0, 1], [1, 1], ([1], [3], [1], [1])),
}


@pytest.mark.parametrize("name", SLICES)
def test_slices_are_explicit(name: str) -> None:
    *numbers, expected = SLICES[name]
    named = zip(("starts", "ends", "axes", "steps"), numbers, strict=True)
    weights = {key: np.array(value, np.int64) for key, value in named}
    model = canonical(build("float[5,7] x", "y = Slice(x, starts, ends, axes, steps)", weights))
    found = [stored(only(model, "Slice"), index).tolist() for index in range(1, 5)]
    assert found == list(expected)


def test_slice_without_axes_and_steps() -> None:
    weights = {"starts": np.array([1, 0], np.int32), "ends": np.array([3, 2], np.int32)}
    model = canonical(build("float[5,7] x", "y = Slice(x, starts, ends)", weights))
    found = [stored(only(model, "Slice"), index).tolist() for index in range(1, 5)]
    assert found == [[1, 0], [3, 2], [0, 1], [1, 1]]


REDUCTIONS = ("L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize(
    ("opset", "attribute", "operand"), [(11, "axes=[-1,1],", ""), (18, "", ", axes"), (18, "", "")]
)
def test_reductions_have_constant_axes(
    kind: str, keep: int, opset: int, attribute: str, operand: str
) -> None:
    weights = {"axes": np.array([-1, 1], np.int64)} if operand else {}
    text = f"y = Reduce{kind}<{attribute} keepdims={keep}>(x{operand})"
    model = canonical(build("float[2,3,4] x", text, weights, opset=opset))
    node = only(model, f"Reduce{kind}")
    assert stored(node, 1).tolist() == ([1, 2] if attribute or operand else [0, 1, 2])
    assert {key: value.value for key, value in node.attributes.items()} == {"keepdims": keep}


def test_inexact_quotient_in_front_of_a_quantizer_stays() -> None:
    weights = {
        "c": np.array(3.0, np.float32),
        "d": np.array(4.0, np.float32),
        "s": np.array(0.05, np.float32),
        "z": np.array(0, np.int8),
    }
    text = """a = Div(x, c) b = QuantizeLinear(a, s, z) e = Div(x, d) f = QuantizeLinear(e, s, z)
    y = Concat<axis=0>(b, f)"""
    model = canonical(build("float[2,6] x", text, weights), exact=True)
    assert sorted(operators(model).split()) == ["Concat", "Div", "Mul", "QuantizeLinear", "QuantizeLinear"]
