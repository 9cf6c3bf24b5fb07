"""Every quantizable operator: the QDQ model against the float one, on samples that were not calibrated."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import onnx_ir as oir
import pytest

from ..onnx_text import build, normal, operators, positive
from .nets import constants, draws, noise, outputs, quantized

_IMAGE = "float[1,4,8,8] x"
_ROW = "float[1,16] x"


def _weights(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
    return arrays


CONV_W = _weights(w=normal(6, 4, 3, 3), b=normal(6))
LINEAR = {
    "conv": (_IMAGE, "y = Conv<pads=[1,1,1,1]>(x, w, b)", CONV_W),
    "conv without bias": (_IMAGE, "y = Conv<strides=[2,2]>(x, w)", _weights(w=normal(6, 4, 3, 3))),
    "conv relu": (_IMAGE, "t = Conv<pads=[1,1,1,1]>(x, w, b) y = Relu(t)", CONV_W),
    "conv relu6": (
        _IMAGE,
        "t = Conv<pads=[0,1,1,0]>(x, w, b) y = Clip(t, lo, hi)",
        _weights(w=normal(6, 4, 3, 3), b=normal(6), lo=np.array(0, np.float32), hi=np.array(6, np.float32)),
    ),
    "depthwise": (
        _IMAGE,
        "y = Conv<group=4, dilations=[2,1]>(x, w, b)",
        _weights(w=normal(8, 1, 3, 3), b=normal(8)),
    ),
    "grouped": (_IMAGE, "y = Conv<group=2>(x, w, b)", _weights(w=normal(6, 2, 1, 3), b=normal(6))),
    "conv 1-d": (
        "float[1,4,20] x",
        "y = Conv<pads=[2,0], strides=[2]>(x, w, b)",
        _weights(w=normal(6, 4, 3), b=normal(6)),
    ),
    "transposed": (
        _IMAGE,
        "y = ConvTranspose<strides=[2,2], group=2>(x, w, b)",
        _weights(w=normal(4, 3, 3, 3), b=normal(6)),
    ),
    "gemm": (_ROW, "y = Gemm<transB=1>(x, w, b)", _weights(w=normal(5, 16), b=normal(5))),
    "gemm not transposed": (_ROW, "y = Gemm(x, w, b)", _weights(w=normal(16, 5), b=normal(1, 5))),
    "matmul add relu": (
        "float[1,7,16] x",
        "t = MatMul(x, w) u = Add(t, b) y = Relu(u)",
        _weights(w=normal(16, 5), b=normal(5)),
    ),
    "matmul": ("float[1,7,16] x", "y = MatMul(x, w)", _weights(w=normal(16, 5))),
    "matmul of activations": ("float[1,7,16] x, float[1,16,5] z", "y = MatMul(x, z)", {}),
}

TWO = "float[1,4,8] x, float[1,4,8] z"
ARITHMETIC = {
    "add": (TWO, "y = Add(x, z)", {}),
    "add relu": (TWO, "t = Add(x, z) y = Relu(t)", {}),
    "add itself": (_ROW, "y = Add(x, x)", {}),
    "sub": (TWO, "y = Sub(x, z)", {}),
    "mul": (TWO, "y = Mul(x, z)", {}),
    "div": (TWO, "p = Exp(z) y = Div(x, p)", {}),
    "min max": (TWO, "t = Min(x, z) u = Max(x, z) y = Concat<axis=1>(t, u)", {}),
    "add broadcast": ("float[1,4,8] x, float[8] z", "y = Add(x, z)", {}),
    "add constant": (_ROW, "y = Add(x, c)", _weights(c=normal(16))),
    "add scalar": (_ROW, "y = Add(x, c)", _weights(c=np.array(0.7, np.float32))),
    "mul constant": (_ROW, "y = Mul(x, c)", _weights(c=positive(16))),
    "mul scalar": (_ROW, "y = Mul(x, c)", _weights(c=np.array(-0.3, np.float32))),
    "pow": (_ROW, "y = Pow(x, c)", _weights(c=np.array(3, np.float32))),
    "prelu scalar": (_ROW, "y = PRelu(x, c)", _weights(c=np.array([0.2], np.float32))),
    "prelu": ("float[1,4,5] x", "y = PRelu(x, c)", _weights(c=positive(4, 1))),
}

FUNCTIONS = {
    name: (_ROW, body, {})
    for name, body in {
        "relu": "y = Relu(x)",
        "leaky relu": "y = LeakyRelu<alpha=0.1>(x)",
        "elu": "y = Elu(x)",
        "selu": "y = Selu(x)",
        "sigmoid": "y = Sigmoid(x)",
        "tanh": "y = Tanh(x)",
        "hard sigmoid": "y = HardSigmoid(x)",
        "hard swish": "y = HardSwish(x)",
        "softplus": "y = Softplus(x)",
        "softsign": "y = Softsign(x)",
        "erf": "y = Erf(x)",
        "mish": "y = Mish(x)",
        "gelu": "y = Gelu(x)",
        "neg": "y = Neg(x)",
        "abs": "y = Abs(x)",
        "exp": "y = Exp(x)",
        "sqrt": "t = Abs(x) y = Sqrt(t)",
        "log": "s = Sigmoid(x) y = Log(s)",
        "reciprocal": "e = Exp(x) y = Reciprocal(e)",
        "softmax": "y = Softmax(x)",
        "log softmax": "y = LogSoftmax(x)",
    }.items()
}

WINDOWS = {
    "average pool": (_IMAGE, "y = AveragePool<kernel_shape=[2,2], strides=[2,2]>(x)", {}),
    "global average pool": (_IMAGE, "y = GlobalAveragePool(x)", {}),
    "max pool": (_IMAGE, "t = Tanh(x) y = MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>(t)", {}),
    "reduce mean": (_IMAGE, "y = ReduceMean<keepdims=0>(x, a)", _weights(a=np.array([2, 3], np.int64))),
    "reduce sum": (_IMAGE, "y = ReduceSum(x, a)", _weights(a=np.array([1], np.int64))),
    "reduce max": (_IMAGE, "t = Tanh(x) y = ReduceMax(t, a)", _weights(a=np.array([2], np.int64))),
    "layer norm": (
        "float[1,6,16] x",
        "y = LayerNormalization(x, g, b)",
        _weights(g=positive(16), b=normal(16)),
    ),
    "resize linear": (
        _IMAGE,
        'y = Resize<mode="linear">(x, , s)',
        _weights(s=np.array([1, 1, 2, 2], np.float32)),
    ),
}

CHAINS = {
    "chain": (
        _IMAGE,
        "t = Conv<pads=[1,1,1,1]>(x, w, b) v = Tanh(t) y = Add(v, c)",
        {**CONV_W, "c": np.array(0.25, np.float32)},
    ),
    "square": ("float[1,16] x", "t = Mul(x, x) u = Exp(t) y = Sqrt(u)", {}),
}

CASES = {**CHAINS, **LINEAR, **ARITHMETIC, **FUNCTIONS, **WINDOWS}
COARSE = {"exp": 0.03, "reciprocal": 0.05, "pow": 0.03, "div": 0.06, "chain": 0.03}
"""Functions whose slope, or whose long tails, spread the rounding of their inputs."""


@pytest.mark.parametrize("name", CASES)
def test_quantized_output_is_close(name: str) -> None:
    inputs, body, weights = CASES[name]
    proto = build(inputs, body, weights, opset=20)
    model = quantized(proto)
    assert json.loads(model.metadata_props["tinyc.quantize.float_islands"]) == []
    samples = draws(model)
    exact, plain = outputs(proto, samples)[0], outputs(model, samples)[0]
    assert 0 < noise(exact, plain) < COARSE.get(name, 0.02)
    step = 2 * np.abs(exact).max() / 255
    np.testing.assert_allclose(outputs(model, samples, optimized=True)[0], plain, atol=2.5 * step)


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "conv relu": "Quantize Dequantize Conv Relu Quantize Dequantize",
        "conv relu6": "Quantize Dequantize Conv Clip Quantize Dequantize",
        "add relu": "Quantize Dequantize Quantize Dequantize Add Relu Quantize Dequantize",
        "matmul add relu": "Quantize Dequantize MatMul Add Relu Quantize Dequantize",
        "leaky relu": "Quantize Dequantize LeakyRelu Quantize Dequantize",
        "chain": "Quantize Dequantize Conv Quantize Dequantize Tanh Add Quantize Dequantize",
    }.items(),
    ids=str,
)
def test_pairs_stand_where_a_kernel_ends(name: str, expected: str) -> None:
    inputs, body, weights = CASES[name]
    model = quantized(build(inputs, body, weights, opset=20))
    activations = [
        node
        for node in model.graph
        if node.op_type != "DequantizeLinear" or not all(v is None or v.is_initializer() for v in node.inputs)
    ]
    assert " ".join(node.op_type.removesuffix("Linear") for node in activations) == expected


def test_weights_are_symmetric_per_channel_with_int32_bias() -> None:
    inputs, body, weights = CASES["transposed"]
    model = quantized(build(inputs, body, weights))
    (node,) = (node for node in model.graph if node.op_type == "ConvTranspose")
    weight, bias = (value.producer() for value in node.inputs[1:] if value is not None)
    assert weight is not None and bias is not None
    values, scale, zero = (
        value.const_value.numpy() for value in weight.inputs if value and value.const_value
    )
    assert values.dtype == np.int8 and scale.shape == (3,) and not zero.any()
    assert weight.attributes.get_int("axis") == 1
    assert np.abs(values).max(axis=(0, 2, 3)).tolist() == [127, 127, 127]
    sums, steps, zero = constants(bias)
    assert sums.dtype == np.int32 and steps.shape == (6,) and not zero.any()
    source = node.inputs[0].producer() if node.inputs[0] is not None else None
    assert source is not None and source.inputs[1] is not None and source.inputs[1].const_value is not None
    np.testing.assert_allclose(steps, np.tile(scale, 2) * source.inputs[1].const_value.numpy(), rtol=1e-6)


def test_graph_inputs_and_outputs_stay_float_under_their_names() -> None:
    model = quantized(build(_ROW, "y = Relu(x) z = Sigmoid(y)", outputs="y, z"))
    values = [*model.graph.inputs, *model.graph.outputs]
    assert [(value.name, value.dtype) for value in values] == [(n, oir.DataType.FLOAT) for n in "xyz"]
    assert operators(model).split().count("QuantizeLinear") == 3


@pytest.mark.parametrize(
    ("head", "outputs", "expected"),
    [
        ("y = ArgMax<axis=1>(l)", "y", oir.DataType.INT16),
        ("p = Softmax<axis=1>(l) y = ArgMax<axis=1>(p)", "y", oir.DataType.INT16),
        ("p = Softmax<axis=1>(l) y = ArgMax<axis=1>(p)", "y, p", oir.DataType.INT8),
        ("y = ArgMax<axis=1>(l) z = Neg(l)", "y, z", oir.DataType.INT8),
    ],
)
def test_sums_that_are_only_compared_are_not_rounded_to_8_bits(
    head: str, outputs: str, expected: oir.DataType
) -> None:
    weights = {"w": normal(6, 4), "b": normal(4)}
    model = quantized(build("float[1,6] x", f"l = Gemm(x, w, b) {head}", weights, outputs=outputs))
    (gemm,) = (node for node in model.graph if node.op_type == "Gemm")
    (quantizer,) = (use.node for use in gemm.outputs[0].uses())
    assert quantizer.outputs[0].dtype == expected
