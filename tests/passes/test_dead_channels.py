"""Dead-channel removal, one small network per rule of layers: what goes, and that no output byte changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.dead_channels import CHANNELS_KEY, MACS_KEY, remove_dead_channels
from tinyc.passes.macs import count_macs

from .qdq_net import STEP, WEIGHT_STEP, Net, draw, same_bytes_after, weight_shapes

Shapes = dict[str, tuple[int, ...]]
TEN_STEPS = round(10 / WEIGHT_STEP)
"""An int32 bias worth ten output steps."""


def two_layers(first: dict, second: dict, shape: tuple[int, ...] = (1, 3, 6, 6), **net: Any) -> Net:
    """A 1x1 Conv ``a`` with 5 outputs of which 1 and 3 have no weights, then a Conv ``b`` with 4."""
    graph = Net(shape, **net)
    hidden = graph.conv("a", graph.x, draw(5, 3, 1, 1, dead=(1, 3)), **first)
    kernel = second.pop("kernel", (1, 1))
    groups = second.get("group", 1)
    return graph.output(graph.conv("b", hidden, draw(4, 5 // groups, *kernel), **second))


def ends(value: int) -> list[int]:
    """Biases of ``a``: ``value`` for its dead channels."""
    return [50, value, -70, value, 900]


def zero_constant() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(0)}, {"bias": [1, 2, 3, 4]})
    return net, {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def constant_folds_into_bias() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(TEN_STEPS)}, {"bias": [1, 2, 3, 4]})
    return net, {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def constant_makes_a_bias() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(TEN_STEPS)}, {})
    return net, {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def uint8_activations() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(-TEN_STEPS)}, {"bias": [1, 2, 3, 4]}, dtype=np.uint8, zero=120)
    return net, {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def per_channel_scales() -> tuple[Net, Shapes]:
    scales = [2.0**-5, 2.0**-6, 2.0**-7, 2.0**-8, 2.0**-6]
    net = two_layers({"bias": ends(768), "scale": scales}, {"bias": [1, 2, 3, 4], "scale": [2.0**-6] * 4})
    return net, {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def zero_into_padding() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(0)}, {"bias": [1, 2, 3, 4], "kernel": (3, 3), "pads": [1, 1, 1, 1]})
    return net, {"a": (3, 3, 1, 1), "b": (4, 3, 3, 3)}


def other_constant_into_padding_stays() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(TEN_STEPS)}, {"kernel": (3, 3), "pads": [1, 1, 1, 1]})
    return net, {"a": (5, 3, 1, 1), "b": (4, 5, 3, 3)}


def other_constant_without_padding() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(TEN_STEPS)}, {"kernel": (3, 3), "strides": [2, 2]})
    return net, {"a": (3, 3, 1, 1), "b": (4, 3, 3, 3)}


def same_padding_stays() -> tuple[Net, Shapes]:
    net = two_layers({"bias": ends(TEN_STEPS)}, {"kernel": (3, 3), "auto_pad": "SAME_UPPER"})
    return net, {"a": (5, 3, 1, 1), "b": (4, 5, 3, 3)}


def relu_clips() -> tuple[Net, Shapes]:
    """Channel 4 is so negative that Relu makes it zero for every input."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1), [0, 0, 0, 0, -(2**20)], act="Relu")
    return net.output(net.conv("b", hidden, draw(4, 5, 1, 1))), {"a": (4, 3, 1, 1), "b": (4, 4, 1, 1)}


def saturation_clips() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1), [0, 0, 2**20, 0, -(2**20)])
    return net.output(net.conv("b", hidden, draw(4, 5, 1, 1))), {"a": (3, 3, 1, 1), "b": (4, 3, 1, 1)}


def nearest_reach(distance: int) -> tuple[Net, list[int], np.ndarray]:
    """Weights and a bias so that channel 1 at its largest is ``distance`` bias steps above the output's least
    value; 32 of them are half an output step."""
    weight = np.abs(draw(2, 3, 1, 1))
    return Net((1, 3, 6, 6), zero=-128), [0, distance - 255 * int(weight[1].sum())], weight


def just_reached_is_live() -> tuple[Net, Shapes]:
    net, bias, weight = nearest_reach(33)
    hidden = net.conv("a", net.x, weight, bias)
    return net.output(net.conv("b", hidden, draw(4, 2, 1, 1))), {"a": (2, 3, 1, 1), "b": (4, 2, 1, 1)}


def never_reached_is_dead() -> tuple[Net, Shapes]:
    net, bias, weight = nearest_reach(28)
    hidden = net.conv("a", net.x, weight, bias)
    return net.output(net.conv("b", hidden, draw(4, 2, 1, 1))), {"a": (1, 3, 1, 1), "b": (4, 1, 1, 1)}


def tie_is_live() -> tuple[Net, Shapes]:
    """A constant half-way between two integers could be rounded either way."""
    net = two_layers({"bias": ends(TEN_STEPS + 32)}, {})
    return net, {"a": (5, 3, 1, 1), "b": (4, 5, 1, 1)}


def noise_weights() -> tuple[Net, Shapes]:
    """Weights of about 1e-30 behind a scale of 1e-32, as decayed channels get them."""
    scales = np.array([WEIGHT_STEP, 1e-32, WEIGHT_STEP, 1e-32, WEIGHT_STEP])
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1), [50, 10**6, -70, 0, 900], scale=scales, act="Relu")
    out = net.conv("b", hidden, draw(4, 5, 3, 3), pads=[1, 1, 1, 1])
    return net.output(out), {"a": (3, 3, 1, 1), "b": (4, 3, 3, 3)}


def depthwise_follows() -> tuple[Net, Shapes]:
    """Real zero through a padded depthwise layer becomes the depthwise layer's own bias."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(0), act="Relu")
    bias = [0, TEN_STEPS, 5, -TEN_STEPS, 7]
    hidden = net.conv("d", hidden, draw(5, 1, 3, 3), bias, group=5, pads=[1, 1, 1, 1])
    out = net.conv("b", hidden, draw(4, 5, 1, 1), [1, 2, 3, 4])
    return net.output(out), {"a": (3, 3, 1, 1), "d": (3, 1, 3, 3), "b": (4, 3, 1, 1)}


def depthwise_without_padding() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(128))
    hidden = net.conv("d", hidden, draw(5, 1, 3, 3), [0] * 5, group=5, out=(4 * STEP, 0), scale=2.0**-3)
    out = net.conv("b", hidden, draw(4, 5, 1, 1))
    return net.output(out), {"a": (3, 3, 1, 1), "d": (3, 1, 3, 3), "b": (4, 3, 1, 1)}


def depthwise_padding_stays() -> tuple[Net, Shapes]:
    """Channel 3 is constant before the padded layer, but not behind it; channel 1 saturates behind it."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(TEN_STEPS))
    hidden = net.conv("d", hidden, draw(5, 1, 3, 3), [0, 2**22, 0, 0, 0], group=5, pads=[1, 1, 1, 1])
    out = net.conv("b", hidden, draw(4, 5, 1, 1))
    return net.output(out), {"a": (4, 3, 1, 1), "d": (4, 1, 3, 3), "b": (4, 4, 1, 1)}


def depthwise_multiplier() -> tuple[Net, Shapes]:
    """Two outputs per input go with it together; where only one is unread, both stay."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), ends(0))
    hidden = net.conv("d", hidden, draw(10, 1, 3, 3), range(10), group=5, pads=[1, 1, 1, 1])
    reader = draw(4, 10, 1, 1)
    reader[:, 4] = 0
    out = net.conv("b", hidden, reader)
    return net.output(out), {"a": (3, 3, 1, 1), "d": (6, 1, 3, 3), "b": (4, 6, 1, 1)}


def dead_depthwise_frees_its_input() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1), [0] * 5)
    hidden = net.conv("d", hidden, draw(5, 1, 3, 3, dead=(2,)), [TEN_STEPS] * 5, group=5, pads=[1] * 4)
    out = net.conv("b", hidden, draw(4, 5, 1, 1))
    return net.output(out), {"a": (4, 3, 1, 1), "d": (4, 1, 3, 3), "b": (4, 4, 1, 1)}


def unread_channel() -> tuple[Net, Shapes]:
    """A live channel whose readers all have zero weights for it goes, and so do those that fed it alone."""
    net = Net((1, 3, 6, 6))
    first = net.conv("a", net.x, draw(5, 3, 3, 3), [0] * 5, pads=[1] * 4)
    middle = draw(4, 5, 1, 1)
    middle[1:, 2] = 0  # only output 0 reads channel 2
    hidden = net.conv("m", first, middle, [0] * 4)
    reader = draw(4, 4, 3, 3)
    reader[:, 0] = 0
    out = net.conv("b", hidden, reader, pads=[1] * 4)
    return net.output(out), {"a": (4, 3, 3, 3), "m": (3, 4, 1, 1), "b": (4, 3, 3, 3)}


def read_by_one_of_two() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1), [0] * 5)
    reader = draw(4, 5, 1, 1)
    reader[:, 2] = 0
    net.output(net.conv("b", hidden, reader)).output(net.conv("c", hidden, draw(2, 5, 1, 1)))
    return net, {"a": (5, 3, 1, 1), "b": (4, 5, 1, 1), "c": (2, 5, 1, 1)}


def groups_stay_equal() -> tuple[Net, Shapes]:
    """Two dead inputs in the first group of three, one in the second: each group loses one."""
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(6, 3, 1, 1, dead=(0, 2, 4)), [TEN_STEPS] * 6)
    weight, scale = draw(8, 3, 1, 1, dead=(1, 2, 7)), [WEIGHT_STEP] * 8
    hidden = net.conv("g", hidden, weight, [5] * 8, group=2, scale=scale)
    out = net.conv("b", hidden, draw(4, 8, 1, 1))
    return net.output(out), {"a": (4, 3, 1, 1), "g": (6, 2, 1, 1), "b": (4, 6, 1, 1)}


def transposed_convolution() -> tuple[Net, Shapes]:
    """ConvTranspose sees zeros between pixels: a channel of zeros goes, another constant stays."""
    net = Net((1, 3, 4, 4))
    hidden = net.conv("a", net.x, draw(5, 3, 1, 1, dead=(1, 3)), [0, TEN_STEPS, 0, 0, 0])
    weight = draw(5, 4, 2, 2)
    weight[:, 2] = 0
    scale = [WEIGHT_STEP] * 4
    hidden = net.layer("ConvTranspose", "t", hidden, weight, [99] * 4, scale=scale, axis=1, strides=[2, 2])
    out = net.conv("b", hidden, draw(4, 4, 1, 1))
    return net.output(out), {"a": (4, 3, 1, 1), "t": (4, 3, 2, 2), "b": (4, 3, 1, 1)}


def whole_layer_dead() -> tuple[Net, Shapes]:
    net = Net((1, 3, 6, 6))
    hidden = net.conv("a", net.x, draw(5, 3, 3, 3), [0] * 5, pads=[1] * 4)
    hidden = net.conv("m", hidden, np.zeros((5, 5, 1, 1)), ends(TEN_STEPS))
    out = net.conv("b", hidden, draw(4, 5, 1, 1))
    return net.output(out), {"a": (1, 3, 3, 3), "m": (1, 1, 1, 1), "b": (4, 1, 1, 1)}


def full_bias_stays() -> tuple[Net, Shapes]:
    """A constant that would overflow its reader's int32 bias is not moved there."""
    net = two_layers({"bias": ends(TEN_STEPS)}, {"bias": [2**31 - 1, -(2**31), 0, 0]})
    return net, {"a": (5, 3, 1, 1), "b": (4, 5, 1, 1)}


def shared_constants() -> tuple[Net, Shapes]:
    """Two layers read one weight through one DequantizeLinear; only one of them shrinks."""
    net = Net((1, 3, 6, 6))
    weight = net.weights("w", draw(3, 3, 1, 1, dead=(1,)).astype(np.int8), [WEIGHT_STEP] * 3)
    one = net.requantize(net.node("Conv", [net.x, weight], "a"))
    two = net.requantize(net.node("Conv", [net.x, weight], "c"))
    net.output(two).output(net.conv("b", one, draw(4, 3, 1, 1)))
    return net, {"a": (2, 3, 1, 1), "c": (3, 3, 1, 1), "b": (4, 2, 1, 1)}


CASES = [
    zero_constant, constant_folds_into_bias, constant_makes_a_bias, uint8_activations,
    per_channel_scales, zero_into_padding, other_constant_into_padding_stays,
    other_constant_without_padding, same_padding_stays, relu_clips, saturation_clips,
    just_reached_is_live, never_reached_is_dead, tie_is_live, noise_weights, depthwise_follows,
    depthwise_without_padding, depthwise_padding_stays, depthwise_multiplier,
    dead_depthwise_frees_its_input, unread_channel, read_by_one_of_two, groups_stay_equal,
    transposed_convolution, whole_layer_dead, full_bias_stays, shared_constants,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_rule(case: Callable[[], tuple[Net, Shapes]]) -> None:
    net, expected = case()
    model = net.proto()
    before = oir.from_proto(model)
    after = same_bytes_after(remove_dead_channels, model)
    assert weight_shapes(after) == expected
    assert int(after.metadata_props[MACS_KEY]) == count_macs(before) - count_macs(after)
    assert (int(after.metadata_props[CHANNELS_KEY]) > 0) == (weight_shapes(before) != expected)
