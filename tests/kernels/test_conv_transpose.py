"""Transposed convolutions over odd shapes, strides, dilation, groups, every way to give the size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from tinyc.ir.errors import ModelError

from .checks import check, float_model, lowered, qdq_model

# input NCHW, weights [I, O / group, k…], attributes
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "pointwise": ((1, 5, 3, 4), (5, 6, 1, 1), {}),
    "stride 1": ((1, 3, 4, 5), (3, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "stride 2, kernel 2": ((1, 4, 3, 5), (4, 3, 2, 2), {"strides": [2, 2]}),
    "stride 2, kernel 3, output padding": (
        (1, 3, 4, 3), (3, 5, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
    ),
    "pads on one side": ((1, 2, 4, 5), (2, 3, 4, 3), {"strides": [2, 3], "pads": [0, 2, 1, 0]}),
    "stride beyond the kernel": ((1, 2, 3, 4), (2, 3, 2, 1), {"strides": [3, 2]}),
    "dilated": ((1, 2, 4, 3), (2, 3, 3, 2), {"dilations": [2, 3], "pads": [1, 0, 2, 1]}),
    "dilated, stride 2": (
        (1, 2, 4, 5), (2, 3, 3, 3), {"dilations": [2, 3], "strides": [2, 2], "pads": [3, 1, 0, 2]},
    ),
    "grouped": ((1, 6, 3, 4), (6, 2, 3, 2), {"group": 3, "strides": [2, 1]}),
    "depthwise": ((1, 4, 3, 5), (4, 1, 3, 3), {"group": 4, "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "depthwise, multiplier 2": ((1, 3, 4, 3), (3, 2, 2, 3), {"group": 3, "strides": [2, 2]}),
    "1-D": ((1, 3, 7), (3, 4, 4), {"strides": [2], "pads": [1, 1]}),
    "1-D depthwise, dilated": ((1, 4, 6), (4, 1, 3), {"group": 4, "dilations": [2], "pads": [4, 0]}),
    "batch of 2": ((2, 3, 3, 4), (3, 2, 3, 3), {"strides": [2, 2]}),
    "output shape": ((1, 2, 4, 5), (2, 3, 3, 3), {"strides": [2, 2], "output_shape": [8, 9]}),
    "same upper": ((1, 2, 4, 5), (2, 3, 3, 4), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    "same lower": ((1, 2, 4, 5), (2, 3, 3, 4), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    "valid": ((1, 2, 3, 4), (2, 3, 3, 2), {"strides": [2, 1], "auto_pad": "VALID"}),
}  # fmt: skip


def _channels(case: str) -> int:
    _, weights, attributes = CASES[case]
    return weights[1] * attributes.get("group", 1)


def _nodes(case: str, activation: str | None = None) -> list[helper.NodeProto]:
    out = "sum" if activation else "y"
    conv = helper.make_node("ConvTranspose", ["x", "w", "b"], [out], "up", **CASES[case][2])
    return [conv, helper.make_node(activation, ["sum"], ["y"], "activation")] if activation else [conv]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("per_channel", [True, False])
def test_int8(case: str, per_channel: bool) -> None:
    shape, weights, _ = CASES[case]
    rng = np.random.default_rng(len(case))
    scales = rng.uniform(0.002, 0.02, weights[1] if per_channel else ()).astype(np.float32)
    integers = rng.integers(-127, 128, weights).astype(np.int8)
    bias = rng.normal(size=_channels(case)).astype(np.float32)
    model = qdq_model(
        _nodes(case, "Relu" if per_channel else None), {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.03, -3)},
        {"b": bias}, {"w": (integers, scales, 1)}, stage=True,
    )  # fmt: skip
    assert len(check(model).steps) == 3


@pytest.mark.parametrize("case", CASES)
def test_float(case: str) -> None:
    shape, weights, _ = CASES[case]
    rng = np.random.default_rng(len(case))
    constants = {
        "w": rng.normal(size=weights).astype(np.float32),
        "b": rng.normal(size=_channels(case)).astype(np.float32),
    }
    check(float_model(_nodes(case, "Relu"), {"x": shape}, ["y"], constants))


def test_without_bias() -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up", strides=[2, 2])
    weights = np.random.default_rng(0).normal(size=(3, 2, 2, 2)).astype(np.float32)
    check(float_model([node], {"x": (1, 3, 4, 5)}, ["y"], {"w": weights}))


def test_work_counts_the_taps_that_hit() -> None:
    """Stride 2 and kernel 2: one tap per axis reaches each output pixel."""
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up", strides=[2, 2])
    program = check(float_model([node], {"x": (1, 3, 4, 5)}, ["y"], {"w": np.ones((3, 2, 2, 2), np.float32)}))
    step = program.steps[0]
    assert step.kernel.cost(program.buffers[step.outputs[0]].whole).macs == 8 * 10 * 3 * 2


def test_scales_along_the_input_channels_are_refused() -> None:
    integers = np.ones((3, 2, 2, 2), np.int8)
    model = qdq_model(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up")], {"x": (1, 3, 4, 5)}, ["y"],
        {"x": (0.05, 9), "y": (0.03, -3)}, dequantized={"w": (integers, np.float32([0.1, 0.2, 0.3]), 0)},
    )  # fmt: skip
    with pytest.raises(
        ModelError, match=r"3 scales along axis 0(.|\n)*quantize it per tensor or along axis 1"
    ):
        lowered(model)


def test_run_time_weights_are_refused() -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up")
    model = float_model([node], {"x": (1, 3, 4, 5), "w": (3, 2, 2, 2)}, ["y"])
    with pytest.raises(ModelError, match=r"the weight .* is computed at run time"):
        lowered(model)


def test_three_spatial_dimensions_are_refused() -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up")
    model = float_model([node], {"x": (1, 1, 3, 3, 3)}, ["y"], {"w": np.ones((1, 2, 2, 2, 2), np.float32)})
    with pytest.raises(ModelError, match="it has 3 spatial dimensions"):
        lowered(model)


def test_sums_beyond_32_bits_are_refused() -> None:
    integers = np.full((16000, 1, 3, 3), 127, np.int8)
    model = qdq_model(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up")], {"x": (1, 16000, 1, 1)}, ["y"],
        {"x": (0.05, 9), "y": (0.03, -3)}, dequantized={"w": (integers, np.float32(0.1), 1)},
    )  # fmt: skip
    with pytest.raises(ModelError, match="more than 32 bits hold"):
        lowered(model)
