"""Dead-channel removal through joins, pools, reshapes and other operators between layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.dead_channels import CHANNELS_KEY, remove_dead_channels

from .qdq_net import STEP, WEIGHT_STEP, Net, draw, same_bytes_after, weight_shapes

Shapes = dict[str, tuple[int, ...]]
TEN_STEPS = round(10 / WEIGHT_STEP)
"""An int32 bias worth ten output steps."""


def ends(value: int) -> list[int]:
    """Five biases, ``value`` for channels 1 and 3."""
    return [50, value, -70, value, 900]


def residual() -> tuple[Net, Shapes]:
    """Of the sum of ``a`` (1 and 3 dead) and ``c`` (3 and 4 dead) only channel 3 is constant."""
    net = Net((1, 3, 6, 6))
    left = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(TEN_STEPS))
    right = net.conv("c", net.x, draw(5, 3, 3, 3, dead=(3, 4)), ends(TEN_STEPS), pads=[1] * 4)
    total = net.requantize(net.node("Add", [left, right]))
    out = net.conv("b", total, draw(4, 5, 1, 1))
    return net.output(out), {"a": (4, 3, 1, 1), "c": (4, 3, 3, 3), "b": (4, 4, 1, 1)}


def residual_with_input_stays() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    left = net.conv("a", net.x, draw(3, 3, 1, 1, dead=(1,)), [0] * 3)
    total = net.requantize(net.node("Add", [left, net.x]))
    out = net.conv("b", total, draw(4, 3, 1, 1))
    return net.output(out), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def gate_of_zero() -> tuple[Net, Shapes]:
    """A product with zero is zero, whatever the other factor (which is broadcast over the image)."""
    net = Net((1, 3, 6, 6))
    left = net.conv("a", net.x, draw(5, 3, 1, 1), [0] * 5)
    pooled = net.requantize(net.node("GlobalAveragePool", [net.x]))
    gate = net.conv("g", pooled, draw(5, 3, 1, 1, dead=(2,)), [0] * 5)
    out = net.conv("b", net.requantize(net.node("Mul", [left, gate])), draw(4, 5, 3, 3), pads=[1] * 4)
    return net.output(out), {"a": (4, 3, 1, 1), "g": (4, 3, 1, 1), "b": (4, 4, 3, 3)}


def concat() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    parts = [
        net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(TEN_STEPS)),
        net.x,
        net.conv("c", net.x, draw(4, 3, 1, 1, dead=(0,)), [0] * 4),
    ]
    joined = net.requantize(net.node("Concat", parts, axis=1))
    out = net.conv("b", joined, draw(4, 12, 1, 1))
    return net.output(out), {"a": (3, 3, 1, 1), "c": (3, 3, 1, 1), "b": (4, 9, 1, 1)}


def concat_of_rows() -> tuple[Net, Shapes]:
    """Joined along the image's rows, a channel goes where both operands have the same constant."""
    net = Net((1, 3, 6, 6))
    top = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), [0, TEN_STEPS, 0, TEN_STEPS, 0])
    bottom = net.conv("c", net.x, draw(5, 3, 1, 1, dead=(1, 3)), [0, TEN_STEPS, 0, 0, 0])
    out = net.conv("b", net.requantize(net.node("Concat", [top, bottom], axis=2)), draw(4, 5, 1, 1))
    return net.output(out), {"a": (4, 3, 1, 1), "c": (4, 3, 1, 1), "b": (4, 4, 1, 1)}


def pooled(operator: str, expected: int, **attributes: Any) -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), [0, TEN_STEPS, 0, 0, 0])
    hidden = net.requantize(net.node(operator, [hidden], **attributes))
    out = net.conv("b", hidden, draw(4, 5, 1, 1))
    return net.output(out), {"a": (expected, 3, 1, 1), "b": (4, expected, 1, 1)}


def max_pool() -> tuple[Net, Shapes]:
    return pooled("MaxPool", 3, kernel_shape=[3, 3], pads=[1] * 4)


def average_pool() -> tuple[Net, Shapes]:
    return pooled("AveragePool", 3, kernel_shape=[2, 2], strides=[2, 2], pads=[1] * 4)


def average_pool_counts_padding() -> tuple[Net, Shapes]:
    """Padding that counts changes the constant at the border, unless it is zero."""
    return pooled("AveragePool", 4, kernel_shape=[2, 2], strides=[2, 2], pads=[1] * 4, count_include_pad=1)


def dense(flatten: Callable[[Net, str], str], spatial: int, operator: str = "Gemm") -> tuple[Net, Shapes]:
    net = Net((1, 3, spatial, spatial))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(TEN_STEPS))
    rows = 5 * spatial**2
    out = net.layer(operator, "b", flatten(net, hidden), draw(rows, 4), [1, 2, 3, 4])
    return net.output(out), {"a": (3, 3, 1, 1), "b": (3 * spatial**2, 4)}


def flatten_to_gemm() -> tuple[Net, Shapes]:
    return dense(lambda net, x: net.node("Flatten", [x]), 4)


def reshape_to_matmul() -> tuple[Net, Shapes]:
    def reshape(net: Net, x: str) -> str:
        return net.node("Reshape", [x, net.constant("shape", np.array([1, 80]))])

    return dense(reshape, 4, "MatMul")


def pool_and_squeeze_to_gemm() -> tuple[Net, Shapes]:
    def squeeze(net: Net, x: str) -> str:
        return net.node("Squeeze", [x, net.constant("axes", np.array([2, 3]))])

    return dense(squeeze, 1)


def channels_last_reshape_to_gemm() -> tuple[Net, Shapes]:
    def reshape(net: Net, x: str) -> str:
        last = net.node("Transpose", [x], perm=[0, 2, 3, 1])
        return net.node("Reshape", [last, net.constant("shape", np.array([0, -1]))])

    return dense(reshape, 4)


def channels_last_matmul() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(TEN_STEPS))
    hidden = net.node("Transpose", [hidden], perm=[0, 2, 3, 1])
    out = net.layer("MatMul", "b", hidden, draw(5, 4), [1, 2, 3, 4], scale=[WEIGHT_STEP] * 4, axis=1)
    return net.output(out), {"a": (3, 3, 1, 1), "b": (3, 4)}


def transposed_gemm() -> tuple[Net, Shapes]:
    net = Net((2, 3))
    hidden = net.layer("Gemm", "a", net.x, draw(5, 3, dead=(1, 3)), ends(TEN_STEPS), transB=1)
    out = net.layer("Gemm", "b", hidden, draw(4, 5), [1, 2, 3, 4], transB=1)
    return net.output(out), {"a": (3, 3), "b": (4, 3)}


def activation_table() -> tuple[Net, Shapes]:
    """Sigmoid of a constant is a constant."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(TEN_STEPS))
    hidden = net.requantize(net.node("Sigmoid", [hidden]), 2.0**-8, -128)
    out = net.conv("b", net.requantize(hidden), draw(4, 5, 1, 1))
    return net.output(out), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def hard_swish_before_quantization() -> tuple[Net, Shapes]:
    """HardSwish falls up to −1.5 and rises again. Channel 0 (−2.5 … −0.5) quantizes to −3 at both ends but to
    −6 between them; channel 1 (−9 … −7) is zero."""
    net = Net((1, 3, 6, 6))
    weight = draw(5, 3, 1, 1)
    weight[:2] = np.reshape([4, -2, 2], (1, 3, 1, 1))
    bias = [round(value / (STEP * WEIGHT_STEP)) for value in (-1.5, -8, 0, 0, 0)]
    hidden = net.conv("a", net.x, weight, bias, act="HardSwish")
    return net.output(net.conv("b", hidden, draw(4, 5, 1, 1))), {"a": (4, 3, 1, 1), "b": (4, 4, 1, 1)}


def requantization_chain() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(TEN_STEPS))
    hidden = net.requantize(net.requantize(hidden, 2 * STEP, -9), STEP, 5)
    out = net.conv("b", hidden, draw(4, 5, 1, 1))
    return net.output(out), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def graph_output_stays() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(0))
    net.output(hidden).output(net.conv("b", hidden, draw(4, 5, 1, 1)))
    return net, {"a": (5, 3, 1, 1), "b": (4, 5, 1, 1)}


def other_readers_stay() -> tuple[Net, Shapes]:
    """An operator without a rule needs all channels."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(0))
    out = net.conv("b", net.requantize(net.node("Softmax", [hidden], axis=1)), draw(4, 5, 1, 1))
    return net.output(out), {"a": (5, 3, 1, 1), "b": (4, 5, 1, 1)}


def split_axis_stays() -> tuple[Net, Shapes]:
    """A Reshape that takes the channel axis apart (a channel shuffle) needs all channels."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(6, 3, 1, 1, dead=(1, 3)), [0] * 6)
    apart = net.node("Reshape", [hidden, net.constant("apart", np.array([1, 2, 3, 36]))])
    turned = net.node("Transpose", [apart], perm=[0, 2, 1, 3])
    whole = net.node("Reshape", [turned, net.constant("whole", np.array([1, 6, 6, 6]))])
    return net.output(net.conv("b", whole, draw(4, 6, 1, 1))), {"a": (6, 3, 1, 1), "b": (4, 6, 1, 1)}


CASES = [
    residual, residual_with_input_stays, gate_of_zero, concat, concat_of_rows, max_pool, average_pool,
    average_pool_counts_padding, flatten_to_gemm, reshape_to_matmul, pool_and_squeeze_to_gemm,
    channels_last_reshape_to_gemm, channels_last_matmul, transposed_gemm, activation_table,
    hard_swish_before_quantization, requantization_chain, graph_output_stays, other_readers_stay,
    split_axis_stays,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_rule(case: Callable[[], tuple[Net, Shapes]]) -> None:
    net, expected = case()
    model = net.proto()
    before = oir.from_proto(model)
    after = same_bytes_after(remove_dead_channels, model)
    assert weight_shapes(after) == expected
    assert (int(after.metadata_props[CHANNELS_KEY]) > 0) == (weight_shapes(before) != expected)
