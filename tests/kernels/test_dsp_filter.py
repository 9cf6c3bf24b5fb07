"""Convolutions of uncommon form by the micro-kernels for Arm's DSP extension."""

from __future__ import annotations

import onnx
import pytest

from .boards import M4, check_all, check_layer, check_schedules, sampled, tailored
from .layers import SCATTERED, Filter, grouped, int8_convolution, int8_layer, windowed

FILTERS: dict[str, Filter] = {
    "5x5": ((1, 8, 7, 9), (5, 5), {"pads": [2, 2, 2, 2]}),
    "odd channels, even kernel": ((1, 7, 6, 5), (2, 4), {"pads": [1, 1, 0, 2]}),
    "stride 3": ((1, 4, 8, 11), (3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 3]}),
    "columns dilated": ((1, 5, 7, 9), (3, 3), {"pads": [2, 3, 2, 1], "dilations": [2, 3]}),
    "one row": ((1, 6, 5, 12), (1, 5), {"pads": [0, 2, 0, 2]}),
    "kernel larger than input": ((1, 4, 2, 3), (7, 7), {"pads": [3, 3, 3, 3]}),
    "much padding": ((1, 4, 2, 2), (2, 2), {"pads": [3, 3, 3, 3]}),
    "width 1": ((1, 9, 6, 1), (3, 1), {"pads": [1, 0, 1, 0]}),
    "1-D": ((1, 6, 11), (4,), {"pads": [2, 1], "strides": [2]}),
    "batch of 2": ((2, 4, 4, 5), (5, 3), {"pads": [2, 1, 2, 1]}),
}


@pytest.mark.parametrize("case", FILTERS)
def test_depthwise_of_any_form(case: str) -> None:
    check_all(_filter(case), M4, "dsp_filter")


@pytest.mark.parametrize("case", sampled(windowed(FILTERS), "columns dilated"))
def test_depthwise_of_any_form_in_other_schedules(case: str) -> None:
    check_schedules(tailored(_filter(case), M4, "dsp_filter"), M4)


def _filter(case: str) -> onnx.ModelProto:
    activation = "Clip" if FILTERS[case][0][1] % 2 else None
    return int8_convolution(grouped(FILTERS[case]), activation)


@pytest.mark.parametrize("case", SCATTERED)
def test_scattered(case: str) -> None:
    check_layer(int8_convolution(SCATTERED[case]), M4, "dsp_scattered")


@pytest.mark.parametrize("case", SCATTERED)
def test_scattered_with_weights_apart(case: str) -> None:
    check_all(int8_convolution(SCATTERED[case], "Clip", apart=True), M4, "dsp_scattered")


@pytest.mark.parametrize("case", sampled(windowed(SCATTERED), "two groups", "columns dilated"))
def test_scattered_in_other_schedules(case: str) -> None:
    model = int8_convolution(SCATTERED[case], "Clip", apart=True)
    check_schedules(tailored(model, M4, "dsp_scattered"), M4)


# input NCHW, weights OIHW, attributes, kernel; scales of up to 1/2, or of up to 8
STEEP = {
    "3x3": ((1, 5, 4, 7), (6, 5, 3, 3), {"pads": [1, 1, 1, 1]}, "dsp_conv2d"),
    "pointwise, odd": ((1, 7, 3, 4), (5, 7, 1, 1), {}, "dsp_conv2d"),
    "depthwise": ((1, 6, 4, 5), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}, "dsp_depthwise"),
    "groups": ((1, 6, 4, 5), (4, 3, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}, "dsp_scattered"),
    "dense": ((1, 13), (7, 13), {"transB": 1}, "dsp_dense"),
    "long": ((1, 264), (6, 264), {"transB": 1}, "dsp_dense"),
}


@pytest.mark.parametrize("y_scale", [0.002, 0.0002])
@pytest.mark.parametrize("case", STEEP)
def test_scales_above_a_quarter(case: str, y_scale: float) -> None:
    shape, weights, attributes, template = STEEP[case]
    operator = "Gemm" if template == "dsp_dense" else "Conv"
    model = int8_layer(operator, shape, weights, attributes, y_scale=y_scale, largest=2)
    check_layer(model, M4, template)


def test_steep_weights_apart() -> None:
    shape, weights, attributes, template = STEEP["3x3"]
    model = int8_layer("Conv", shape, weights, attributes, apart=True, y_scale=0.002, largest=2)
    check_all(model, M4, template)
    check_schedules(tailored(model, M4, template), M4)
