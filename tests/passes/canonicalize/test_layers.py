"""Matrix products, convolutions and pooling in their one form, with what belongs to them folded in."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

from ..onnx_text import assert_same, build, canonical, normal, only, operand, operators, positive, stored

X = "float[2,4,7,8] x"


def attributes(node: oir.Node) -> dict[str, Any]:
    return {
        key: list(value.value) if isinstance(value.value, tuple) else value.value
        for key, value in node.attributes.items()
    }


LINEAR = {
    # name: (inputs, body, weights, what remains, transB)
    "matmul": ("float[3,5] x", "y = MatMul(x, w)", {"w": normal(5, 4)}, "Gemm", 0),
    "matmul and bias": (
        "float[3,5] x", "a = MatMul(x, w) y = Add(a, b)", {"w": normal(5, 4), "b": normal(4)}, "Gemm", 0,
    ),
    "bias first": (
        "float[3,5] x", "a = MatMul(x, w) y = Add(b, a)", {"w": normal(5, 4), "b": normal(1, 4)}, "Gemm", 0,
    ),
    "scalar bias": (
        "float[3,5] x", "a = MatMul(x, w) y = Add(a, b)", {"w": normal(5, 4), "b": normal(1)}, "Gemm", 0,
    ),
    "two biases": (
        "float[3,5] x", "a = Gemm(x, w, b) y = Add(a, c)",
        {"w": normal(5, 4), "b": normal(4), "c": normal(4, seed=1)},
        "Gemm", 0,
    ),
    "bias per row stays": (
        "float[3,5] x", "a = MatMul(x, w) y = Add(a, b)",
        {"w": normal(5, 4), "b": normal(3, 1)}, "Gemm Add", 0,
    ),
    "bias that is computed stays": (
        "float[3,5] x, float[4] b", "a = MatMul(x, w) y = Add(a, b)", {"w": normal(5, 4)}, "Gemm Add", 0,
    ),
    "result read twice keeps the sum": (
        "float[3,5] x", "a = MatMul(x, w) b = Add(a, c) y = Mul(a, b)", {"w": normal(5, 4), "c": normal(4)},
        "Gemm Add Mul", 0,
    ),
    "alpha and beta": (
        "float[3,5] x", """y = Gemm<alpha=0.5, beta=3.0, transB=1>(x, w, b)""",
        {"w": normal(4, 5), "b": normal(4)},
        "Gemm", 1,
    ),
    "beta zero": (
        "float[3,5] x", "y = Gemm<beta=0.0>(x, w, b)", {"w": normal(5, 4), "b": normal(4)}, "Gemm", 0,
    ),
    "transA": ("float[5,3] x", "y = Gemm<transA=1>(x, w)", {"w": normal(5, 4)}, "Transpose Gemm", 0),
    "transA undone": (
        "float[3,5] x", "a = Transpose(x) y = Gemm<transA=1>(a, w)", {"w": normal(5, 4)}, "Gemm", 0,
    ),
    "C of one element": ("float[3,5] x", "y = Gemm(x, w, b)", {"w": normal(5, 4), "b": normal(1)}, "Gemm", 0),
    "C per row": ("float[3,5] x", "y = Gemm(x, w, b)", {"w": normal(5, 4), "b": normal(3, 1)}, "Gemm Add", 0),
    "C that is computed": (
        "float[3,5] x, float[3,4] b", "y = Gemm(x, w, b)", {"w": normal(5, 4)}, "Gemm Add", 0,
    ),
    "scale per column": (
        "float[3,5] x", "a = Gemm<transB=1>(x, w, b) y = Mul(a, s)",
        {"w": normal(4, 5), "b": normal(4), "s": normal(4, seed=1)}, "Gemm", 1,
    ),
    "normalization of features": (
        "float[3,5] x", "a = MatMul(x, w) y = BatchNormalization(a, g, b, m, v)",
        {"w": normal(5, 4), "g": normal(4), "b": normal(4, seed=1), "m": normal(4, seed=2), "v": positive(4)},
        "Gemm", 0,
    ),
    "weights transposed in the graph": (
        "float[3,5] x", "t = Transpose(w) y = MatMul(x, t)", {"w": normal(4, 5)}, "Gemm", 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LINEAR)
def test_linear(name: str) -> None:
    inputs, body, weights, expected, transposed = LINEAR[name]
    model = canonical(build(inputs, body, weights))
    assert operators(model) == expected
    gemm = only(model, "Gemm")
    assert attributes(gemm) == {"transB": transposed}
    assert len(gemm.inputs) == 2 or stored(gemm, 2).shape == (4,)


def test_batched_and_dynamic_products_stay() -> None:
    assert operators(canonical(build("float[2,3,5] x", "y = MatMul(x, w)", {"w": normal(5, 4)}))) == "MatMul"
    assert operators(canonical(build("float[3,5] x, float[5,2] z", "y = MatMul(x, z)"))) == "MatMul"


def test_fused_gemm_keeps_the_names_of_the_product_and_of_the_result() -> None:
    weights = {"w": normal(5, 4), "b": normal(4)}
    model = canonical(build("float[3,5] x", "[dense] a = MatMul(x, w) [plus] y = Add(a, b)", weights))
    gemm = only(model, "Gemm")
    assert (gemm.name, gemm.outputs[0].name) == ("dense", "y")
    assert [operand(gemm, index).name for index in range(3)] == ["x", "w", "b"]


QUANTIZED_WEIGHTS = {
    "q": np.arange(-10, 10, dtype=np.int8).reshape(5, 4),
    "s": np.array(0.1, np.float32),
    "per": np.array([0.1, 0.2, 0.3, 0.05], np.float32),
    "zeros": np.zeros(4, np.int8),
    "bias": np.array([3, -4, 5, 6], np.int32),
    "fine": np.array(0.01, np.float32),
}


@pytest.mark.parametrize("body", [
    "w = DequantizeLinear(q, s) b = DequantizeLinear(bias, fine) a = MatMul(x, w) y = Add(a, b)",
    "w = DequantizeLinear(q, s) b = DequantizeLinear(bias, fine) a = MatMul(x, w) y = Add(b, a)",
    "w = DequantizeLinear<axis=1>(q, per, zeros) b = DequantizeLinear(bias, fine) y = Gemm(x, w, b)",
    "w = DequantizeLinear(q, s) y = Gemm<alpha=2.0>(x, w)",
])  # fmt: skip
def test_quantized_weights_stay_integers(body: str) -> None:
    used = {name: array for name, array in QUANTIZED_WEIGHTS.items() if name in body.replace("<", " ")}
    model = canonical(build("float[3,5] x", body, used))
    gemm = only(model, "Gemm")
    dequantize = operand(gemm, 1).producer()
    assert dequantize is not None and dequantize.op_type == "DequantizeLinear"
    assert stored(dequantize, 0).dtype == np.int8
    assert set(operators(model).split()) == {"DequantizeLinear", "Gemm"}


def test_transpose_and_reshape_of_quantized_weights_act_on_the_integers() -> None:
    weights = {
        "q": np.arange(-10, 10, dtype=np.int8).reshape(4, 5),
        "per": np.array([0.1, 0.2, 0.3, 0.05], np.float32),
        "zeros": np.zeros(4, np.int8),
        "shape": np.array([4, 5, 1, 1], np.int64),
    }
    body = """w = DequantizeLinear<axis=0>(q, per, zeros) t = Transpose(w) a = MatMul(x, t)
    i = Constant<value_ints=[3,5,1,1]>() u = Reshape(x, i) r = Reshape(w, shape) c = Conv(u, r)
    j = Constant<value_ints=[3,4]>() d = Reshape(c, j) y = Add(a, d)"""
    model = canonical(build("float[3,5] x", body, weights))
    nodes = [node for node in model.graph if node.op_type == "DequantizeLinear"]
    assert [(stored(node, 0).shape, node.attributes["axis"].value) for node in nodes] == [
        ((5, 4), 1),
        ((4, 5, 1, 1), 0),
    ]
    assert "Transpose" not in operators(model)


CONVOLUTIONS = {
    # name: (inputs, body, weights, attributes afterwards)
    "defaults": (
        X, "y = Conv(x, w)", {"w": normal(6, 4, 3, 2)}, {"kernel_shape": [3, 2], "pads": [0, 0, 0, 0]},
    ),
    "same upper": (
        X, 'y = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w)', {"w": normal(6, 4, 3, 3)},
        {"pads": [1, 0, 1, 1]},
    ),
    "same lower": (
        X, 'y = Conv<auto_pad="SAME_LOWER", strides=[2,2]>(x, w)', {"w": normal(6, 4, 3, 3)},
        {"pads": [1, 1, 1, 0]},
    ),
    "valid": (X, 'y = Conv<auto_pad="VALID">(x, w)', {"w": normal(6, 4, 3, 3)}, {"pads": [0, 0, 0, 0]}),
    "depthwise": (X, "y = Conv<group=4>(x, w)", {"w": normal(8, 1, 3, 3)}, {"group": 4}),
    "one dimension": (
        "float[1,3,20] x", 'y = Conv<auto_pad="SAME_UPPER">(x, w)', {"w": normal(5, 3, 4)},
        {"kernel_shape": [4], "pads": [1, 2], "strides": [1]},
    ),
    "zero pad in front": (
        X, "p = Constant<value_ints=[0,0,1,0,0,0,2,1]>() a = Pad(x, p) y = Conv<pads=[0,1,0,1]>(a, w)",
        {"w": normal(6, 4, 3, 3)}, {"pads": [1, 1, 2, 2]},
    ),
    "zero pad of two axes": (
        X, """p = Constant<value_ints=[1,1]>() z = Constant<value_float=0.0>()
        i = Constant<value_ints=[-1]>() a = Pad(x, p, z, i) y = Conv(a, w)""",
        {"w": normal(6, 4, 3, 3)}, {"pads": [0, 1, 0, 1]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str) -> None:
    inputs, body, weights, expected = CONVOLUTIONS[name]
    model = canonical(build(inputs, body, weights, opset=18))
    assert operators(model) == "Conv"
    found = attributes(only(model, "Conv"))
    assert set(found) == {"kernel_shape", "strides", "dilations", "pads", "group"}
    assert expected.items() <= found.items()


def test_same_padding_counts_the_dilation() -> None:
    """ONNX Runtime does not run auto_pad with dilations, so the result is held against explicit pads."""
    weights = {"w": normal(6, 4, 3, 3)}
    automatic = build(X, 'y = Conv<auto_pad="SAME_UPPER", dilations=[2,1]>(x, w)', weights)
    explicit = build(X, "y = Conv<pads=[2,1,2,1], dilations=[2,1]>(x, w)", weights)
    model = canonicalize(import_model(automatic))
    assert_same(model, explicit)
    assert attributes(only(model, "Conv"))["pads"] == [2, 1, 2, 1]


KEPT_PADS = {
    "other value": "v = Constant<value_float=1.0>() a = Pad(x, p, v)",
    "reflected": 'a = Pad<mode="reflect">(x, p)',
    "cutting": "n = Neg(p) a = Pad(x, n)",
    "read twice": "a = Pad(x, p) z = Relu(a)",
    "channels": "q = Constant<value_ints=[0,1,0,0,0,0,0,0]>() a = Pad(x, q)",
}


@pytest.mark.parametrize("name", KEPT_PADS)
def test_pads_that_are_no_zero_margin_stay(name: str) -> None:
    weights = {"w": normal(6, 5 if name == "channels" else 4, 3, 3)}
    body = f"p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() {KEPT_PADS[name]} y = Conv(a, w)"
    proto = build(X, body, weights, outputs="y, z" if name == "read twice" else "y")
    assert "Pad" in operators(canonical(proto))


TRANSPOSED = {
    "defaults": ("group=1", [0, 0, 0, 0], [0, 0]),
    "strides and output padding": ("strides=[2,3], output_padding=[1,2]", [0, 0, 0, 0], [1, 2]),
    "same upper": ('auto_pad="SAME_UPPER", strides=[2,2]', None, [0, 0]),
    "same lower": ('auto_pad="SAME_LOWER", strides=[2,2]', None, [0, 0]),
    "output shape": ("strides=[2,2], output_shape=[14,16]", None, [0, 0]),
    "output shape, upper": ('strides=[2,2], output_shape=[14,16], auto_pad="SAME_UPPER"', None, [0, 0]),
    "pads and dilations": ("pads=[1,0,1,2], dilations=[2,1]", [1, 0, 1, 2], [0, 0]),
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolutions(name: str) -> None:
    text, pads, extra = TRANSPOSED[name]
    model = canonical(
        build(X, f"y = ConvTranspose<{text}>(x, w, b)", {"w": normal(4, 3, 3, 3), "b": normal(3)})
    )
    found = attributes(only(model, "ConvTranspose"))
    assert set(found) == {"kernel_shape", "strides", "dilations", "pads", "group", "output_padding"}
    assert pads is None or found["pads"] == pads
    assert found["output_padding"] == extra


AFFINE = {
    "bias": ("y = Add(a, c)", {"c": normal(1, 6, 1, 1)}),
    "bias without batch axis": ("y = Add(a, c)", {"c": normal(6, 1, 1)}),
    "bias of one number": ("y = Add(a, c)", {"c": normal(1)}),
    "difference": ("y = Sub(a, c)", {"c": normal(6, 1, 1)}),
    "factor": ("y = Mul(a, c)", {"c": normal(6, 1, 1)}),
    "quotient": ("y = Div(a, c)", {"c": positive(6, 1, 1)}),
    "factor and bias": ("d = Mul(a, c) y = Add(d, e)", {"c": normal(6, 1, 1), "e": normal(1, 6, 1, 1)}),
    "normalization": (
        "y = BatchNormalization<epsilon=0.01>(a, g, b, m, v)",
        {"g": normal(6), "b": normal(6, seed=1), "m": normal(6, seed=2), "v": positive(6)},
    ),
}


@pytest.mark.parametrize("name", AFFINE)
@pytest.mark.parametrize(
    "layer", ["Conv(x, w)", "Conv(x, w, k)", "Conv<group=2>(x, h)", "ConvTranspose<group=2>(x, t, k)"]
)
def test_affine_maps_fold_into_the_layer(name: str, layer: str) -> None:
    body, weights = AFFINE[name]
    layers = {
        "w": normal(6, 4, 3, 3),
        "k": normal(6, seed=3),
        "h": normal(6, 2, 3, 3),
        "t": normal(4, 3, 3, 3),
    }
    used = {key: array for key, array in layers.items() if f" {key}" in layer}
    model = canonical(build(X, f"[layer] a = {layer} {body}", {**used, **weights}))
    (node,) = model.graph
    assert node.name == "layer" and len(node.inputs) == 3


AFFINE_KEPT = {
    "per pixel": ("y = Add(a, c)", {"c": normal(5, 6)}, "Conv Add"),
    "per row": ("y = Mul(a, c)", {"c": normal(5, 1)}, "Conv Mul"),
    "read twice": ("b = Mul(a, c) y = Add(a, b)", {"c": normal(1)}, "Conv Mul Add"),
    "broadcast that enlarges": ("y = Add(a, c)", {"c": normal(3, 1, 1, 1, 1)}, "Conv Add"),
}


@pytest.mark.parametrize("name", AFFINE_KEPT)
def test_other_sums_and_products_stay(name: str) -> None:
    body, weights, expected = AFFINE_KEPT[name]
    model = canonical(build(X, f"a = Conv(x, w) {body}", {"w": normal(6, 4, 3, 3), **weights}))
    assert operators(model) == expected


def test_normalization_alone_is_a_product_and_a_sum() -> None:
    statistics = {"g": normal(4), "b": normal(4, seed=1), "m": normal(4, seed=2), "v": positive(4)}
    model = canonical(build(X, "[bn] y = BatchNormalization(x, g, b, m, v)", statistics))
    assert operators(model) == "Mul Add"
    assert stored(only(model, "Mul"), 1).shape == (4, 1, 1)


POOLS = {
    # name: (body, what remains, attributes afterwards)
    "max": ("y = MaxPool<kernel_shape=[2,3]>(x)", "MaxPool", {"strides": [1, 1], "pads": [0, 0, 0, 0]}),
    "max same": (
        'y = MaxPool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER">(x)', "MaxPool",
        {"pads": [1, 0, 1, 1]},
    ),
    "max rounding up": (
        "y = MaxPool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>(x)", "MaxPool", {"pads": [0, 0, 1, 0]},
    ),
    "max rounding up with dilation": (
        "y = MaxPool<kernel_shape=[3,3], strides=[2,2], dilations=[2,2], ceil_mode=1>(x)", "MaxPool", {},
    ),
    "average": (
        "y = AveragePool<kernel_shape=[2,3]>(x)", "AveragePool",
        {"count_include_pad": 0, "pads": [0, 0, 0, 0]},
    ),
    "average same": (
        'y = AveragePool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_LOWER">(x)', "AveragePool",
        {"pads": [1, 1, 1, 0], "count_include_pad": 0},
    ),
    "average rounding up": (
        "y = AveragePool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>(x)", "AveragePool",
        {"pads": [0, 0, 1, 0], "count_include_pad": 0},
    ),
    "average that counts its padding": (
        "y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1>(x)", "AveragePool",
        {"pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "global average": ("y = GlobalAveragePool(x)", "AveragePool", {"kernel_shape": [7, 8]}),
    "global max": ("y = GlobalMaxPool(x)", "MaxPool", {"kernel_shape": [7, 8]}),
    "mean over space": ("y = ReduceMean<axes=[-1,2]>(x)", "AveragePool", {"kernel_shape": [7, 8]}),
    "mean over space, flat": (
        "y = ReduceMean<axes=[2,3], keepdims=0>(x)", "AveragePool Reshape", {"kernel_shape": [7, 8]},
    ),
    "mean over channels stays": ("y = ReduceMean<axes=[1,2]>(x)", "ReduceMean", {"keepdims": 1}),
    "pad counted": (
        "p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() a = Pad(x, p) y = AveragePool<kernel_shape=[3,3]>(a)",
        "AveragePool", {"pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "pad of minus infinity": (
        """p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() m = Constant<value_float=-inf>()
        a = Pad(x, p, m) y = MaxPool<kernel_shape=[3,3]>(a)""",
        "MaxPool", {"pads": [1, 1, 1, 1]},
    ),
    "zeros around what is not negative": (
        """p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() r = Relu(x) a = Pad(r, p)
        y = MaxPool<kernel_shape=[3,3]>(a)""",
        "Relu MaxPool", {"pads": [1, 1, 1, 1]},
    ),
    "zeros around anything stay": (
        "p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() a = Pad(x, p) y = MaxPool<kernel_shape=[3,3]>(a)",
        "Pad MaxPool", {"pads": [0, 0, 0, 0]},
    ),
    "margin as wide as the window stays": (
        "p = Constant<value_ints=[0,0,2,0,0,0,0,0]>() a = Pad(x, p) y = AveragePool<kernel_shape=[2,2]>(a)",
        "Pad AveragePool", {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", POOLS)
def test_pooling(name: str) -> None:
    body, expected, wanted = POOLS[name]
    body = body.replace("-inf", "-3.4028235e38")
    model = canonical(build(X, body))
    assert operators(model) == expected
    last = next(node for node in model.graph if node.op_type == expected.replace(" Reshape", "").split()[-1])
    found = attributes(last)
    assert wanted.items() <= found.items()
    assert "auto_pad" not in found


def test_mean_over_time_of_a_sequence_is_a_pool() -> None:
    model = canonical(build("float[2,4,9] x", "y = ReduceMean<axes=[2], keepdims=0>(x)"))
    assert operators(model) == "AveragePool Reshape"
