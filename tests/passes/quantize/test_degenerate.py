"""Ranges without extent, channels of almost nothing, biases too large for their scale, float islands."""

from __future__ import annotations

import json

import numpy as np
import onnx_ir as oir

from ..onnx_text import build, normal
from .nets import constants, draws, noise, outputs, pairs, parameters, quantized


def _layer(model: oir.Model, operator: str = "Conv") -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Integers, scales and zero points of the one layer's weights and of its bias."""
    (node,) = (node for node in model.graph if node.op_type == operator)
    weight, bias = (value.producer() for value in node.inputs[1:3] if value is not None)
    assert weight is not None and bias is not None
    return constants(weight), constants(bias)


def test_an_activation_that_is_always_zero() -> None:
    proto = build(
        "float[1,4] x", "n = Neg(x) a = Abs(n) b = Neg(a) m = Min(b, a) z = Relu(b) t = Add(z, m) y = Erf(t)"
    )
    samples = {"x": np.zeros((3, 1, 4), np.float32)}
    model = quantized(proto, samples)
    assert all(parameters(whole) == (1.0, 0) for whole, _ in pairs(model))
    np.testing.assert_array_equal(outputs(model, samples)[0], outputs(proto, samples)[0])


def test_an_activation_that_is_always_the_same_number() -> None:
    proto = build("float[1,4] x", "y = Add(x, x)")
    for number in (3.7, -0.02):
        samples = {"x": np.full((3, 1, 4), number, np.float32)}
        found = outputs(quantized(proto, samples), samples)[0]
        np.testing.assert_allclose(found, 2 * number, rtol=0.005)


def test_channels_of_almost_nothing_become_exactly_nothing() -> None:
    weight, bias = normal(4, 3, 3, 3), normal(4)
    weight[1] *= np.float32(1e-30)
    weight[2] = 0
    proto = build("float[1,3,8,8] x", "t = Conv(x, w, b) y = Relu(t)", {"w": weight, "b": np.abs(bias)})
    model = quantized(proto)
    (values, scales, _), (sums, steps, _) = _layer(model)
    assert not values[1].any() and not values[2].any()
    assert values[0].any() and values[3].any()
    assert scales.min() > scales.max() / 2**16
    np.testing.assert_allclose(sums * steps, np.abs(bias), atol=0.05)
    assert np.abs(sums).max() < 2**30
    exact, found = outputs(proto, draws(model))[0], outputs(model, draws(model))[0]
    assert noise(exact, found) < 0.02


def test_a_tiny_channel_that_equalization_could_enlarge_stays_dead() -> None:
    first, second = normal(4, 3, 1, 1), normal(4, 1, 3, 3)
    first[1] *= np.float32(1e-30)
    weights = {"w": first, "b": np.abs(normal(4)), "v": second, "c": normal(4)}
    proto = build("float[1,3,8,8] x", "t = Conv(x, w, b) r = Relu(t) y = Conv<group=4>(r, v, c)", weights)
    model = quantized(proto)
    layers = [node.inputs[1].producer() for node in model.graph if node.op_type == "Conv" and node.inputs[1]]
    values = [constants(layer)[0] for layer in layers if layer is not None]
    assert not values[0][1].any() and values[1][1].any()


def test_weights_too_small_for_their_bias_get_a_larger_scale() -> None:
    weight = np.full((2, 1, 1, 1), 1e-6, np.float32)
    weight[1] = 1.0
    x = np.linspace(-1e4, 1e4, 64, dtype=np.float32).reshape(64, 1, 1, 1, 1)
    weights = {"w": weight, "b": np.array([4e3, 0.0], np.float32)}
    proto = build(
        "float[1,1,1,1] x",
        "t = Conv(x, w, b) y = Slice(t, s, e, a)",
        {
            **weights,
            "s": np.array([0], np.int64),
            "e": np.array([1], np.int64),
            "a": np.array([1], np.int64),
        },
    )
    model = quantized(proto, {"x": x})
    _, (sums, steps, _) = _layer(model)
    assert np.abs(sums.astype(np.int64)).max() < 2**30
    np.testing.assert_allclose(sums[0] * steps[0], 4e3, rtol=1e-5)


def test_bias_correction_makes_up_for_saturated_inputs() -> None:
    """The float bias would leave a mean error, since weights of one sign all round the same way."""
    weight = np.full((1, 16), 0.5, np.float32)
    weight[0, 0] = 100
    proto = build("float[1,16] x", "y = Gemm<transB=1>(x, w)", {"w": weight})
    samples = {"x": np.random.default_rng(0).uniform(0, 1, (64, 1, 16)).astype(np.float32)}
    samples["x"][:, :, 0] *= np.float32(0.01)
    exact, found = outputs(proto, samples)[0], outputs(quantized(proto, samples), samples)[0]
    assert abs((found - exact).mean()) < 0.1 * exact.std()


def test_operators_without_integers_stay_in_float_and_are_named() -> None:
    proto = build("float[1,3,3] x", "a = Relu(x) b = LpNormalization(a) y = Tanh(b)")
    model = quantized(proto)
    (node,) = (node for node in model.graph if node.op_type == "LpNormalization")
    assert json.loads(model.metadata_props["tinyc.quantize.float_islands"]) == [node.name]
    assert node.inputs[0] is not None
    maker = node.inputs[0].producer()
    assert maker is not None and maker.op_type == "DequantizeLinear"
    np.testing.assert_allclose(outputs(model, draws(model))[0], outputs(proto, draws(model))[0], atol=0.15)


def test_indices_and_booleans_are_left_alone() -> None:
    body = "a = Relu(x) i = ArgMax<axis=1, keepdims=0>(a) j = Cast<to=6>(i) y = Mul(j, k)"
    proto = build("float[1,9] x", body, {"k": np.array(3, np.int32)}, outputs="int32[1] y")
    model = quantized(proto)
    assert [whole.inputs[0].name for whole, _ in pairs(model) if whole.inputs[0]] == ["x", "a"]
    np.testing.assert_array_equal(outputs(model, draws(model))[0], outputs(proto, draws(model))[0])


def test_a_layer_with_computed_weights_stays_in_float() -> None:
    proto = build("float[1,2,4,4] x, float[3,2,3,3] w", "t = Relu(x) y = Conv(t, w)")
    model = quantized(proto)
    assert len(json.loads(model.metadata_props["tinyc.quantize.float_islands"])) == 1


def test_layers_that_share_weights_are_rounded_each_on_its_own() -> None:
    weights = {"w": normal(3, 3, 3, 3), "b": normal(3)}
    body = "t = Conv<pads=[1,1,1,1]>(x, w, b) r = Relu(t) y = Conv<pads=[1,1,1,1]>(r, w, b)"
    proto = build("float[1,3,8,8] x", body, weights)
    model = quantized(proto)
    assert noise(outputs(proto, draws(model))[0], outputs(model, draws(model))[0]) < 0.02


def test_model_local_functions_stay_in_float() -> None:
    function = """
    <domain: "tinyc.spiking", opset_import: ["" : 25]>
    Fire (v) => (s) { one = Constant<value_float=1.0>() c = GreaterOrEqual(v, one) s = Cast<to=1>(c) }
    """
    proto = build(
        "float[1,3,6,6] x",
        "t = Conv(x, w, b) s = tinyc.spiking.Fire(t) y = Conv(s, w, b)",
        {"w": normal(3, 3, 1, 1), "b": normal(3)},
        imports=', "tinyc.spiking" : 1',
        functions=function,
    )
    model = quantized(proto)
    (spiking,) = (node for node in model.graph if node.domain == "tinyc.spiking")
    assert json.loads(model.metadata_props["tinyc.quantize.float_islands"]) == [spiking.name]
    assert noise(outputs(proto, draws(model))[0], outputs(model, draws(model))[0]) < 0.2


def test_scalars() -> None:
    proto = build("float x, float[1,4] z", "s = Erf(x) y = Mul(z, s)")
    model = quantized(proto)
    np.testing.assert_allclose(outputs(model, draws(model))[0], outputs(proto, draws(model))[0], atol=0.03)


def test_nodes_have_names_of_their_own_though_they_share_constants() -> None:
    weights = {"w": normal(1, 5)}
    model = quantized(build("float[1,5] x", "a = Add(x, w) b = Erf(a) c = Mul(b, w) y = Add(c, w)", weights))
    names = [node.name for node in model.graph]
    assert len(set(names)) == len(names)
