"""Nodes that do nothing go; shape changes become Reshape; limits become Clip."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

from ..onnx_text import build, canonical, operators, stored

X = "float[2,3,4] x"

CASES = {
    # name: (inputs, body, what remains)
    "identity": (X, "a = Identity(x) b = Relu(a) y = Identity(b)", "Relu"),
    "input to output keeps Identity": (X, "y = Identity(x)", "Identity"),
    "dropout": (X, "a = Dropout(x) y = Relu(a)", "Relu"),
    "cast to the same type": (X, "a = Cast<to=1>(x) y = Relu(a)", "Relu"),
    "cast through a wider type": ("int8[4] x", "a = Cast<to=6>(x) y = Cast<to=1>(a)", "Cast"),
    "cast through a narrower type stays": ("int32[4] x", "a = Cast<to=3>(x) y = Cast<to=1>(a)", "Cast Cast"),
    "transpose identity": (X, "a = Transpose<perm=[0,1,2]>(x) y = Relu(a)", "Relu"),
    "transposes cancel": (
        X, "a = Transpose<perm=[2,0,1]>(x) b = Transpose<perm=[1,2,0]>(a) y = Relu(b)", "Relu",
    ),
    "transposes merge": (X, "a = Transpose<perm=[2,0,1]>(x) y = Transpose<perm=[2,0,1]>(a)", "Transpose"),
    "transpose by default reverses": (X, "a = Transpose(x) b = Transpose(a) y = Relu(b)", "Relu"),
    "concat of one": (X, "a = Concat<axis=1>(x) y = Relu(a)", "Relu"),
    "sum of one": (X, "a = Sum(x) y = Relu(a)", "Relu"),
    "slice of everything": (
        X, "s = Constant<value_ints=[0]>() e = Constant<value_ints=[99]>() a = Slice(x, s, e) y = Relu(a)",
        "Relu",
    ),
    "slice that reverses stays": (
        X,
        """s = Constant<value_ints=[-1]>() e = Constant<value_ints=[-99]>() i = Constant<value_ints=[2]>()
        t = Constant<value_ints=[-1]>() y = Slice(x, s, e, i, t)""",
        "Slice",
    ),
    "pad of nothing": (X, "p = Constant<value_ints=[0,0,0,0,0,0]>() a = Pad(x, p) y = Relu(a)", "Relu"),
    "pad that shifts stays": (X, "p = Constant<value_ints=[0,0,1,0,0,-1]>() y = Pad(x, p)", "Pad"),
    "tile once": (X, "t = Constant<value_ints=[1,1,1]>() a = Tile(x, t) y = Relu(a)", "Relu"),
    "expand to itself": (X, "t = Constant<value_ints=[2,1,4]>() a = Expand(x, t) y = Relu(a)", "Relu"),
    "flatten": (X, "y = Flatten<axis=1>(x)", "Reshape"),
    "squeeze and unsqueeze meet": (
        "float[2,1,4] x",
        "i = Constant<value_ints=[1]>() a = Squeeze(x, i) b = Relu(a) y = Unsqueeze(b, i)",
        "Relu",
    ),
    "reshapes merge": (
        X,
        """s = Constant<value_ints=[0,-1]>() t = Constant<value_ints=[4,6]>() a = Reshape(x, s)
        y = Reshape(a, t)""",
        "Reshape",
    ),
    "reshape to itself": (X, "s = Constant<value_ints=[0,0,-1]>() a = Reshape(x, s) y = Relu(a)", "Relu"),
    "two reshapes, one of them read twice": (
        X,
        """s = Constant<value_ints=[6,4]>() t = Constant<value_ints=[4,6]>() a = Reshape(x, s)
        b = Reshape(a, t) c = Relu(b) d = Transpose(a) e = Add(c, d) y = Exp(e)""",
        "Reshape Relu Reshape Transpose Add Exp",
    ),
    "relu then an upper bound": (X, "c = Constant<value_float=6.0>() a = Relu(x) y = Min(a, c)", "Clip"),
    "max then min": (
        X,
        """c = Constant<value_float=-0.5>() d = Constant<value_float=6.0>()
        a = Max(c, x) y = Min(a, d)""",
        "Clip",
    ),
    "max with zero": (X, "c = Constant<value_float=0.0>() y = Max(x, c)", "Relu"),
    "clip from zero": (X, "c = Constant<value_float=0.0>() y = Clip(x, c)", "Relu"),
    "clips whose intervals do not meet stay": (
        X,
        """a = Constant<value_float=1.0>() b = Constant<value_float=2.0>() c = Constant<value_float=3.0>()
        d = Constant<value_float=4.0>() e = Clip(x, a, b) y = Clip(e, c, d)""",
        "Clip Clip",
    ),
    "common subexpressions": (X, "a = Exp(x) b = Exp(x) y = Add(a, b)", "Exp Add"),
    "dead nodes": (X, "a = Exp(x) b = Sigmoid(a) y = Relu(x)", "Relu"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_remaining_operators(name: str) -> None:
    inputs, body, expected = CASES[name]
    assert operators(canonical(build(inputs, body))) == expected


def test_reshape_shape_is_constant_and_positive() -> None:
    model = canonical(
        build(
            "float[2,3,4] x, float[2,3,4] z",
            """s = Shape(x) i = Constant<value_ints=[0]>() b = Gather(s, i) m = Constant<value_ints=[-1]>()
            t = Concat<axis=0>(b, m) y = Reshape(z, t)""",
        )
    )
    (node,) = model.graph
    np.testing.assert_array_equal(stored(node, 1), [2, 12])
    assert not node.attributes


def test_empty_operands_of_resize_are_left_out() -> None:
    weights = {
        "roi": np.zeros(0, np.float32),
        "scales": np.zeros(0, np.float32),
        "sizes": np.array([1, 1, 5, 7], np.int64),
    }
    model = canonical(build("float[1,1,3,4] x", "y = Resize(x, roi, scales, sizes)", weights, opset=11))
    assert [value is None for value in model.graph[0].inputs] == [False, True, True, False]


def test_names_stay_and_unnamed_nodes_get_stable_ones() -> None:
    proto = build("float[2,3] x", "a = Identity(x) b = Exp(a) [kept] c = Sigmoid(b) y = Tanh(c)")
    model = canonical(proto)
    assert [node.name for node in model.graph] == ["Exp_1", "kept", "Tanh_3"]
    assert [node.outputs[0].name for node in model.graph] == ["b", "c", "y"]


def test_what_lies_behind_an_unknown_operator_is_left_alone() -> None:
    body = """a = Identity(x) b = my.Magic(a) c = Mul(b, b) d = Softmax(c) s = Sigmoid(d) e = Mul(d, s)
    f = QuantizeLinear(e, k, z) g = DequantizeLinear(f, k, z) h = Transpose(g) y = Flatten(h)"""
    weights = {"k": np.array(0.1, np.float32), "z": np.array(3, np.uint8)}
    model = canonicalize(import_model(build("float[2,3] x", body, weights, imports=', "my" : 1')))
    assert operators(model) == (
        "Magic Mul Softmax Sigmoid Mul QuantizeLinear DequantizeLinear Transpose Flatten"
    )


def test_two_nodes_of_one_name() -> None:
    proto = build("float[4] x", "[same] a = Relu(x) [same] b = Exp(a) [same_2] c = Neg(b) y = Tanh(c)")
    names = [node.name for node in canonicalize(import_model(proto)).graph]
    assert names == ["same", "same_3", "same_2", "Tanh_3"]


def test_two_outputs_of_one_value() -> None:
    model = canonical(build("float[4] x", "y = Relu(x) a = Identity(y) z = Identity(a)", outputs="y, z"))
    assert [value.name for value in model.graph.outputs] == ["y", "z"]
    assert operators(model) == "Relu Identity"
