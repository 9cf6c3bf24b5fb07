"""Transposes and Reshapes around layout-agnostic operators meet and vanish."""

from __future__ import annotations

import numpy as np
import pytest

from ..onnx_text import build, canonical, normal, operators

NHWC = "float[1,6,5,4] x"
TO_NCHW, TO_NHWC = "Transpose<perm=[0,3,1,2]>", "Transpose<perm=[0,2,3,1]>"

SUNK = {
    # name: (what lies between the two Transposes, weights, what remains)
    "unary": ("b = Relu(a)", {}, "Relu"),
    "chain": ("c = Exp(a) d = Clip(c) b = LeakyRelu(d)", {}, "Exp Clip LeakyRelu"),
    "scalar": ("b = Mul(a, k)", {"k": normal(1)}, "Mul"),
    "constant per channel": ("b = Add(a, k)", {"k": normal(4, 1, 1)}, "Add"),
    "constant per column, on the left": ("b = Sub(k, a)", {"k": normal(5)}, "Sub"),
    "whole constant": ("b = Mul(a, k)", {"k": normal(1, 4, 6, 5)}, "Mul"),
    "slope": ("b = PRelu(a, k)", {"k": normal(4, 1, 1)}, "PRelu"),
    "softmax over channels": ("b = Softmax<axis=1>(a)", {}, "Softmax"),
    "log softmax over the last axis": ("b = LogSoftmax(a)", {}, "LogSoftmax"),
    "slice": (
        "b = Slice(a, k, l, i, k)",
        {key: np.array([n], np.int64) for key, n in (("k", 1), ("l", 3), ("i", -3))},
        "Slice",
    ),
    "pad": ("b = Pad(a, k)", {"k": np.array([0, 1, 0, 0, 0, 0, 2, 0], np.int64)}, "Pad"),
    "reduction": ("b = ReduceMax<axes=[1]>(a)", {}, "ReduceMax"),
    "quantizers": (
        "q = QuantizeLinear(a, s, z) r = Neg(a) d = DequantizeLinear(q, s, z) b = Relu(d)",
        {"s": np.array(0.1, np.float32), "z": np.array(3, np.int8)},
        "QuantizeLinear DequantizeLinear Relu",
    ),
    "quantizers per channel": (
        "q = QuantizeLinear<axis=1>(a, s, z) d = DequantizeLinear<axis=1>(q, s, z) b = Relu(d)",
        {"s": np.array([0.1, 0.2, 0.3, 0.4], np.float32), "z": np.array([0, 1, 2, 3], np.int8)},
        "Mul Round Add Clip Cast Cast Add Mul Relu",
    ),
    "branches": (
        "c = Relu(a) d = Exp(c) e = Sigmoid(c) f = Add(d, e) b = Concat<axis=1>(f, c)", {},
        "Relu Exp Sigmoid Add Concat",
    ),
    "choice": ("c = Greater(a, k) d = Neg(a) b = Where(c, a, d)", {"k": normal(1)}, "Greater Neg Where"),
}  # fmt: skip


@pytest.mark.parametrize("name", SUNK)
def test_nothing_is_left_of_a_pair(name: str) -> None:
    body, weights, expected = SUNK[name]
    model = canonical(build(NHWC, f"t = {TO_NCHW}(x) a = Identity(t) {body} y = {TO_NHWC}(b)", weights))
    assert operators(model) == expected


def test_convolutions_of_a_naive_tensorflow_converter() -> None:
    """Each convolution in its own pair of Transposes, with a residual sum and a head on NHWC."""
    weights = {
        "v": normal(4, 4, 3, 3),
        "w": normal(4, 4, 3, 3),
        "k": normal(4),
        "h": normal(4, 3),
        "b": normal(3),
    }
    body = f"""a = {TO_NCHW}(x) c = Conv<pads=[1,1,1,1]>(a, v) d = {TO_NHWC}(c) e = Add(d, k) f = Relu(e)
    g = {TO_NCHW}(f) i = Conv<pads=[1,1,1,1]>(g, w) j = {TO_NHWC}(i) l = Add(j, f) m = Relu(l)
    n = ReduceMean<axes=[1,2], keepdims=0>(m) o = MatMul(n, h) y = Add(o, b)"""
    model = canonical(build(NHWC, body, weights))
    assert operators(model) == "Transpose Conv Relu Conv Add Relu AveragePool Reshape Gemm"


def test_reduction_that_drops_axes_keeps_the_rest_in_order() -> None:
    model = canonical(
        build(NHWC, f"a = {TO_NCHW}(x) y = ReduceSum<keepdims=0>(a, i)", {"i": np.array([2], np.int64)})
    )
    assert operators(model) == "ReduceSum Transpose"
    model = canonical(
        build(NHWC, f"a = {TO_NCHW}(x) y = ReduceSum<keepdims=0>(a, i)", {"i": np.array([1], np.int64)})
    )
    assert operators(model) == "ReduceSum"


def test_a_transpose_that_others_need_is_not_doubled() -> None:
    body = f"a = {TO_NCHW}(x) b = Relu(a) y = Exp(b) z = MatMul(a, k)"
    model = canonical(build(NHWC, body, {"k": normal(5, 2)}, outputs="y, z"))
    assert operators(model).split().count("Transpose") == 1


def test_transpose_of_unit_axes_is_a_reshape() -> None:
    assert operators(
        canonical(build("float[1,6,5,1] x", f"a = {TO_NCHW}(x) y = Conv(a, w)", {"w": normal(2, 1, 3, 3)}))
    ) == ("Reshape Conv")


def test_reshapes_around_an_elementwise_operator_vanish() -> None:
    weights = {
        "up": np.array([4, 1, 6], np.int64),
        "down": np.array([4, 6], np.int64),
        "k": np.array(2, np.float32),
    }
    body = "a = Reshape(x, up) b = Relu(a) c = Mul(b, k) y = Reshape(c, down)"
    assert operators(canonical(build("float[4,6] x", body, weights))) == "Relu Mul"
