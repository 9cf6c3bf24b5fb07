"""Dead channels of float networks, and quantized ones that have to stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from onnx import TensorProto, helper

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.dead_channels import CHANNELS_KEY, MACS_KEY, remove_dead_channels
from tinyc.passes.import_onnx import import_model
from tinyc.passes.onnx_graph import constant, shape_of

from .onnx_text import assert_same, build, normal, operators
from .qdq_net import WEIGHT_STEP, Net, draw, runner, same_bytes_after, samples, weight_shapes

Shapes = dict[str, tuple[int, ...]]
NOISE = 1e-30


def float_layer(
    net: Net, operator: str, name: str, x: str, weight: np.ndarray, bias: Any, **more: Any
) -> str:  # fmt: skip
    inputs = [x, net.constant(f"{name}_w", weight.astype(np.float32))]
    if bias is not None:
        inputs.append(net.constant(f"{name}_b", np.asarray(bias, np.float32)))
    return net.node(operator, inputs, name, **more)


def first_layer(bias: Any, noise: float = NOISE) -> tuple[Net, str]:
    """Five channels, of which 1 and 3 have weights of about ``noise``."""
    net = Net((1, 3, 6, 6), np.float32)
    weight = draw(5, 3, 1, 1) / 40.0
    weight[[1, 3]] *= noise
    return net, float_layer(net, "Conv", "a", net.x, weight, bias)


def reader(net: Net, x: str, channels: int = 5, kernel: int = 1) -> Net:
    weight = draw(4, channels, kernel, kernel) / 40.0
    return net.output(float_layer(net, "Conv", "b", x, weight, [1, 2, 3, 4], pads=[kernel // 2] * 4))


def noise_before_relu() -> tuple[Net, Shapes]:
    net, hidden = first_layer([0.1, 0.5, -0.2, -0.5, 0.3])
    return reader(net, net.node("Relu", [hidden])), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def exact_zeros() -> tuple[Net, Shapes]:
    net, hidden = first_layer([0.1, 0.5, -0.2, -0.5, 0.3], 0.0)
    return reader(net, net.node("Relu", [hidden])), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def constant_before_padding() -> tuple[Net, Shapes]:
    """Relu makes channel 3 zero; channel 1 is 0.5 inside, but zero in the padding."""
    net, hidden = first_layer([0.1, 0.5, -0.2, -0.5, 0.3])
    return reader(net, net.node("Relu", [hidden]), kernel=3), {"a": (4, 3, 1, 1), "b": (4, 4, 3, 3)}


def small_but_live() -> tuple[Net, Shapes]:
    """Weights of 1e-14 beside others of 1 are still information: later layers may amplify them."""
    net, hidden = first_layer([0.0] * 5, 1e-14)
    return reader(net, hidden), {"a": (5, 3, 1, 1), "b": (4, 5, 1, 1)}


def deep_net(layers: int) -> tuple[Net, str, Shapes]:
    """A chain of float layers, whose bounds grow ninefold with each."""
    net = Net((1, 3, 6, 6), np.float32)
    deep, shapes = net.x, {}
    for index in range(layers):
        weight = draw(3, 3, 3, 3) / 60.0
        deep = float_layer(net, "Conv", f"deep{index}", deep, weight, None, pads=[1] * 4)
        shapes[f"deep{index}"] = (3, 3, 3, 3)
    return net, deep, shapes


def noise_in_a_deep_net() -> tuple[Net, Shapes]:
    net, deep, shapes = deep_net(14)
    weight = draw(5, 3, 1, 1) / 40.0
    weight[[1, 3]] *= NOISE
    hidden = float_layer(net, "Conv", "a", deep, weight, [0.1, 0.5, -0.2, -0.5, 0.3])
    return reader(net, hidden), {**shapes, "a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def small_beside_a_deep_branch() -> tuple[Net, Shapes]:
    """The bounds of a deep branch explode; a shallow one beside it must not look negligible for that."""
    net, deep, shapes = deep_net(14)
    shallow = float_layer(net, "Conv", "a", net.x, draw(2, 3, 1, 1) / 4000.0, None)
    joined = net.node("Concat", [net.node("Sigmoid", [deep]), net.node("Sigmoid", [shallow])], axis=1)
    return reader(net, joined), {**shapes, "a": (2, 3, 1, 1), "b": (4, 5, 1, 1)}


def amplified_noise() -> tuple[Net, Shapes]:
    """A normalization may bring noise back to life: channel 1 is amplified by 1e30."""
    net, hidden = first_layer(None)
    one = np.ones(5, np.float32)
    gamma = np.array([1, 1e30, 1, 1, 1], np.float32)
    operands = [net.constant(f"bn{i}", array) for i, array in enumerate((gamma, 0 * one, 0 * one, one))]
    hidden = net.node("BatchNormalization", [hidden, *operands])
    return reader(net, hidden), {"a": (4, 3, 1, 1), "b": (4, 4, 1, 1)}


def per_channel_operands() -> tuple[Net, Shapes]:
    """PRelu slopes, factors and offsets per channel shrink with the channels."""
    net, hidden = first_layer([0.1, 0.5, -0.2, -0.5, 0.3])
    slopes = net.constant("slopes", np.linspace(0.1, 0.5, 5, dtype=np.float32).reshape(5, 1, 1))
    factors = net.constant("factors", np.linspace(1, 2, 5, dtype=np.float32).reshape(1, 5, 1, 1))
    hidden = net.node("Mul", [factors, net.node("PRelu", [hidden, slopes])])
    limits = [net.constant("low", np.float32(-0.25)), net.constant("high", np.float32(6))]
    return reader(net, net.node("Clip", [hidden, *limits])), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def resized_and_padded() -> tuple[Net, Shapes]:
    net, hidden = first_layer([0.1, 0.0, -0.2, 0.0, 0.3])
    hidden = net.node("Pad", [hidden, net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))])
    sizes = net.constant("sizes", np.array([1, 5, 16, 16]))
    hidden = net.node("Resize", [hidden, "", "", sizes], mode="linear")
    return reader(net, hidden), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def mean_to_gemm() -> tuple[Net, Shapes]:
    net, hidden = first_layer([0.1, 0.5, -0.2, -0.5, 0.3])
    hidden = net.node("ReduceMean", [hidden, net.constant("axes", np.array([2, 3]))], keepdims=0)
    out = float_layer(net, "Gemm", "b", hidden, draw(4, 5) / 40.0, [1, 2, 3, 4], transB=1)
    return net.output(out), {"a": (3, 3, 1, 1), "b": (4, 3)}


def gemm_amplifies_noise() -> tuple[Net, Shapes]:
    net = Net((2, 3), np.float32)
    hidden = float_layer(net, "Gemm", "a", net.x, draw(5, 3) * NOISE, [0.1] * 5, transB=1, alpha=1 / NOISE)
    out = float_layer(net, "Gemm", "b", hidden, draw(4, 5) / 40.0, [1, 2, 3, 4], transB=1)
    return net.output(out), {"a": (5, 3), "b": (4, 5)}


def scaled_gemm_keeps_constants() -> tuple[Net, Shapes]:
    net = Net((2, 3), np.float32)
    weight = draw(5, 3, dead=(1, 3)) / 40.0
    hidden = float_layer(net, "Gemm", "a", net.x, weight, [0.1, 0.5, -0.2, 0.0, 0.3], transB=1)
    gains = {"alpha": 0.5, "beta": 2.0}
    out = float_layer(net, "Gemm", "b", hidden, draw(4, 5) / 40.0, [1, 2, 3, 4], transB=1, **gains)
    return net.output(out), {"a": (4, 3), "b": (4, 4)}


CASES = [
    noise_before_relu, exact_zeros, constant_before_padding, small_but_live, noise_in_a_deep_net,
    small_beside_a_deep_branch, amplified_noise, per_channel_operands, resized_and_padded, mean_to_gemm,
    gemm_amplifies_noise, scaled_gemm_keeps_constants,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_float(case: Callable[[], tuple[Net, Shapes]]) -> None:
    net, expected = case()
    before = net.proto()
    after = remove_dead_channels(oir.from_proto(before))
    assert weight_shapes(after) == expected
    proto = oir.to_proto(after)
    onnx.checker.check_model(proto, full_check=True)
    for x in samples(before):
        (old,), (new,) = runner(before)(x), runner(proto)(x)
        np.testing.assert_allclose(new, old, rtol=0, atol=1e-6 * max(1.0, np.abs(old).max()))


def weight_and_scale(model: oir.Model, name: str) -> tuple[np.ndarray, np.ndarray]:
    (node,) = [node for node in model.graph if node.name == name]
    assert node.inputs[1] is not None
    dequantize = node.inputs[1].producer()
    assert dequantize is not None
    weight, scale = constant(dequantize.inputs[0]), constant(dequantize.inputs[1])
    assert weight is not None and scale is not None
    return weight, scale


def test_noise_scale_does_not_survive_where_the_channel_must() -> None:
    """Channels of a graph output stay: with no weights, a usual scale, and the constant they had."""
    scales = np.array([WEIGHT_STEP, 1e-32, WEIGHT_STEP / 4, 1e-32, WEIGHT_STEP / 2])
    net = Net((1, 3, 6, 6))
    net.output(net.conv("a", net.x, draw(5, 3, 1, 1), [50, 10**6, -70, 0, 900], scale=scales))
    after = same_bytes_after(remove_dead_channels, net.proto())
    weight, scale = weight_and_scale(after, "a")
    assert not weight[[1, 3]].any() and weight[[0, 2, 4]].all()
    np.testing.assert_array_equal(scale[[1, 3]], np.float32(WEIGHT_STEP))
    assert after.metadata_props[CHANNELS_KEY] == after.metadata_props[MACS_KEY] == "0"


@pytest.mark.parametrize("scale", [1e-32, [1e-32] * 5], ids=["per tensor", "per channel"])
def test_layer_of_noise(scale: Any) -> None:
    net = Net((1, 3, 6, 6))
    net.output(net.conv("a", net.x, draw(5, 3, 1, 1), [0, 1, 10**6, -(10**6), 9], scale=scale))
    weight, after = weight_and_scale(same_bytes_after(remove_dead_channels, net.proto()), "a")
    assert not weight.any() and (after > 2.0**-12).all()


def test_constant_channel_that_stays_frees_its_inputs() -> None:
    """Channel 0 of ``m`` saturates, which its padded reader needs; but nobody needs what ``m`` sums there."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 3, 3), [0] * 5, pads=[1] * 4)
    middle = draw(4, 5, 1, 1)
    middle[1:, 2] = 0
    hidden = net.conv("m", hidden, middle, [2**20, 0, 0, 0])
    net.output(net.conv("b", hidden, draw(4, 4, 3, 3), pads=[1] * 4))
    after = same_bytes_after(remove_dead_channels, net.proto())
    assert weight_shapes(after) == {"a": (4, 3, 3, 3), "m": (4, 4, 1, 1), "b": (4, 4, 3, 3)}


def test_tensor_read_in_a_branch_stays() -> None:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1,)), [0] * 5)
    output = helper.make_tensor_value_info("then_out", TensorProto.FLOAT, [1, 5, 6, 6])
    branch = helper.make_graph([helper.make_node("Relu", [hidden], ["then_out"])], "then", [], [output])
    other = helper.make_tensor_value_info("else_out", TensorProto.FLOAT, [1, 5, 6, 6])
    reverse = helper.make_graph([helper.make_node("Neg", [hidden], ["else_out"])], "else", [], [other])
    condition = net.constant("condition", np.array(True))
    net.output(net.node("If", [condition], then_branch=branch, else_branch=reverse))
    net.output(net.conv("b", hidden, draw(4, 5, 1, 1)))
    after = same_bytes_after(remove_dead_channels, net.proto())
    assert weight_shapes(after) == {"a": (5, 3, 1, 1), "b": (4, 5, 1, 1)}


def test_metadata_adds_up_over_runs() -> None:
    net, hidden = first_layer([0.1, 0.5, -0.2, -0.5, 0.3])
    model = remove_dead_channels(oir.from_proto(reader(net, hidden).proto()))
    assert model.metadata_props[CHANNELS_KEY] == "2"
    assert model.metadata_props[MACS_KEY] == str(36 * (2 * 3 + 4 * 2))
    assert remove_dead_channels(model).metadata_props[CHANNELS_KEY] == "2"


@pytest.mark.parametrize("alpha", [1.0, 1.702])
def test_dead_channels_through_a_fused_silu(alpha: float) -> None:
    """Channels 1 and 3 are constants, −2 and 0.5, before and so behind the activation."""
    first, bias = normal(5, 3, 1, 1), np.array([0.1, -2.0, 0.3, 0.5, -0.4], np.float32)
    first[[1, 3]] = 0.0
    weights = {"w": first, "b": bias, "v": normal(4, 5, 1, 1), "c": normal(4), "k": np.float32([alpha])}
    body = "a = Conv(x, w, b) s = Mul(a, k) g = Sigmoid(s) h = Mul(a, g) y = Conv(h, v, c)"
    proto = build("float[1,3,6,6] x", body, weights)
    model = remove_dead_channels(canonicalize(import_model(proto)))
    assert operators(model) == "Conv Swish Conv"
    assert [shape_of(node.inputs[0]) for node in model.graph if node.op_type == "Swish"] == [(1, 3, 6, 6)]
    assert_same(model, proto)
