"""Convolutions of uncommon form by the micro-kernels for Arm's DSP extension."""

from __future__ import annotations

import pytest

from .dsp import check_all, layer

# input NCHW, rows and columns of the kernel, attributes; depthwise
FILTERS = {
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
# input NCHW, weights OIHW, attributes
SCATTERED = {
    "two groups": ((1, 8, 5, 7), (6, 4, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    "odd groups": ((1, 9, 4, 6), (15, 3, 3, 2), {"group": 3, "pads": [1, 0, 1, 1], "strides": [2, 2]}),
    "more outputs than inputs": ((1, 4, 5, 5), (8, 1, 3, 3), {"group": 4}),
    "pointwise groups": ((1, 12, 3, 4), (6, 6, 1, 1), {"group": 2}),
    "columns dilated": ((1, 5, 7, 10), (4, 5, 3, 3), {"dilations": [1, 2], "pads": [1, 2, 1, 2]}),
    "both dilated, one side": ((1, 4, 9, 9), (3, 4, 2, 3), {"dilations": [3, 3], "pads": [0, 0, 3, 4]}),
    "kernel larger than input": ((1, 4, 2, 3), (4, 2, 5, 5), {"group": 2, "pads": [2, 2, 2, 2]}),
    "one tap and channel": ((1, 2, 3, 4), (4, 1, 1, 1), {"group": 2, "strides": [1, 2]}),
    "width 1": ((1, 6, 5, 1), (4, 3, 3, 1), {"group": 2, "pads": [1, 0, 1, 0]}),
    "1-D": ((1, 4, 11), (4, 2, 3), {"group": 2, "dilations": [2], "pads": [2, 1]}),
    "batch of 2": ((2, 4, 4, 5), (4, 2, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
}


@pytest.mark.parametrize("case", FILTERS)
def test_depthwise_of_any_form(case: str) -> None:
    shape, kernel, attributes = FILTERS[case]
    weights, grouped = (shape[1], 1, *kernel), attributes | {"group": shape[1]}
    activation = "Clip" if shape[1] % 2 else None
    check_all(layer("Conv", shape, weights, grouped, activation), "dsp_filter", every=True)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("case", SCATTERED)
def test_scattered(case: str, apart: bool) -> None:
    shape, weights, attributes = SCATTERED[case]
    model = layer("Conv", shape, weights, attributes, "Clip" if apart else None, apart)
    check_all(model, "dsp_scattered", every=apart)


# input NCHW, weights OIHW, attributes, kernel; scales of up to 1/2, or of up to 8
STEEP = {
    "3x3": ((1, 5, 4, 7), (6, 5, 3, 3), {"pads": [1, 1, 1, 1]}, "dsp_conv2d"),
    "pointwise, odd": ((1, 7, 3, 4), (5, 7, 1, 1), {}, "dsp_conv2d"),
    "depthwise": ((1, 6, 4, 5), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}, "dsp_filter"),
    "groups": ((1, 6, 4, 5), (4, 3, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}, "dsp_scattered"),
    "dense": ((1, 13), (7, 13), {"transB": 1}, "dsp_dense"),
    "long": ((1, 264), (6, 264), {"transB": 1}, "dsp_dense"),
}


@pytest.mark.parametrize("y_scale", [0.002, 0.0002])
@pytest.mark.parametrize("case", STEEP)
def test_scales_above_a_quarter(case: str, y_scale: float) -> None:
    shape, weights, attributes, template = STEEP[case]
    operator = "Gemm" if template == "dsp_dense" else "Conv"
    model = layer(operator, shape, weights, attributes, None, y_scale=y_scale, largest=2)
    check_all(model, template, every=False)


def test_steep_weights_apart() -> None:
    shape, weights, attributes, template = STEEP["3x3"]
    model = layer("Conv", shape, weights, attributes, None, apart=True, y_scale=0.002, largest=2)
    check_all(model, template, every=True)
