"""Pools by the micro-kernels for Arm's DSP extension."""

from __future__ import annotations

from typing import Any

import onnx
import pytest
from onnx import helper

from .boards import M4, check_all, check_layer, check_schedules, sampled, tailored
from .checks import qdq_model
from .layers import windowed

# input NCHW, attributes
POOLS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "2x3, stride 2": ((1, 8, 6, 8), {"kernel_shape": [2, 3], "strides": [2, 2]}),
    "padded all round": ((1, 5, 5, 4), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "padding on one side": ((1, 7, 7, 6), {"kernel_shape": [3, 2], "pads": [0, 0, 2, 1], "strides": [2, 1]}),
    "dilated": ((1, 6, 9, 8), {"kernel_shape": [3, 2], "dilations": [2, 3], "pads": [2, 1, 2, 1]}),
    "ceil": ((1, 4, 6, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    "global": ((1, 13, 4, 3), {"kernel_shape": [4, 3]}),
    "most taps": ((1, 4, 16, 16), {"kernel_shape": [16, 16]}),
    "one column": ((1, 4, 9, 1), {"kernel_shape": [7, 1], "pads": [3, 0, 3, 0]}),
    "1-D": ((1, 5, 11), {"kernel_shape": [6], "strides": [3], "pads": [2, 1]}),
    "batch of 2": ((2, 4, 4, 5), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
}


def _model(operator: str, case: str, y: tuple[float, int], activation: bool = False) -> onnx.ModelProto:
    shape, attributes = POOLS[case]
    nodes = [helper.make_node(operator, ["x"], ["p" if activation else "y"], "pool", **attributes)]
    nodes += [helper.make_node("Relu", ["p"], ["y"], "relu")] if activation else []
    return qdq_model(nodes, {"x": shape}, ["y"], {"x": (0.05, 9), "y": y}, stage=True)


@pytest.mark.parametrize("case", POOLS)
def test_averages(case: str) -> None:
    check_all(_model("AveragePool", case, (0.071, -5)), M4, "dsp_average_pool")


@pytest.mark.parametrize("case", POOLS)
def test_largest(case: str) -> None:
    check_all(_model("MaxPool", case, (0.05, 9)), M4, "dsp_max_pool")


@pytest.mark.parametrize("case", sampled(windowed(POOLS), "padding on one side"))
def test_averages_in_other_schedules(case: str) -> None:
    check_schedules(tailored(_model("AveragePool", case, (0.071, -5)), M4, "dsp_average_pool"), M4)


@pytest.mark.parametrize("case", sampled(windowed(POOLS), "dilated"))
def test_largest_in_other_schedules(case: str) -> None:
    check_schedules(tailored(_model("MaxPool", case, (0.05, 9)), M4, "dsp_max_pool"), M4)


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
def test_activations(operator: str) -> None:
    template = {"MaxPool": "dsp_max_pool", "AveragePool": "dsp_average_pool"}[operator]
    check_all(_model(operator, "padding on one side", (0.05, 9), activation=True), M4, template)


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(("channels", "size"), [(3, 3), (8, 2)])
def test_few_channels_or_taps_stay_with_the_portable_kernel(operator: str, channels: int, size: int) -> None:
    nodes = [helper.make_node(operator, ["x"], ["y"], "pool", kernel_shape=[size, size])]
    model = qdq_model(nodes, {"x": (1, channels, 4, 4)}, ["y"], {"x": (0.05, 9), "y": (0.05, 9)}, stage=True)
    check_layer(model, M4, {"MaxPool": "max_pool", "AveragePool": "average_pool"}[operator])
