"""Inputs, weights and outputs of 8, 4 and 2 bits by the micro-kernels for Arm's DSP extension."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper

from tinyc.emulator.toolchain import gcc, zig
from tinyc.kernels.dsp_conv2d import DspConv2D
from tinyc.kernels.dsp_words import Form

from .boards import M4, M7, Find, check_all, check_layer, check_on_board, check_schedules, sampled, tailored
from .checks import qdq_model
from .layers import CONVOLUTIONS, DEPTHWISE, MATRICES, SCATTERED, grouped, windowed
from .widths import SCALES, TYPES, WIDTHS, ZEROS, Widths, model_of, narrow_convolution, narrow_matrix

CHANNELS = {
    f"{inputs} to {outputs}": ((1, inputs, 3, 4), (outputs, inputs, 1, 1), {})
    for inputs, outputs in ((1, 17), (3, 5), (7, 1), (17, 3), (33, 7), (5, 33))
}
LAYERS = CONVOLUTIONS | CHANNELS
GROUPS = {name: case for name, case in SCATTERED.items() if "group" not in case[2]} | {
    "two groups": ((1, 8, 5, 7), (6, 4, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    "odd outputs": ((1, 12, 4, 6), (15, 4, 3, 2), {"group": 3, "pads": [1, 0, 1, 1], "strides": [2, 2]}),
    "pointwise groups": ((1, 16, 3, 4), (6, 8, 1, 1), {"group": 2}),
}


def _widths(number: int) -> Widths:
    """Another combination for each case."""
    return WIDTHS[number * 7 % len(WIDTHS)]


@pytest.mark.parametrize("case", LAYERS)
def test_convolutions(case: str) -> None:
    number = list(LAYERS).index(case)
    model = narrow_convolution(*LAYERS[case], _widths(number), ("", "Relu")[number % 2])
    check_all(model, M4, "dsp_conv2d")


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_each_combination(widths: Widths) -> None:
    model = narrow_convolution((1, 13, 4, 6), (5, 13, 3, 3), {"pads": [1, 0, 1, 1]}, widths, "Relu")
    check_all(model, M4, "dsp_conv2d")


@pytest.mark.parametrize("widths", [(4, 8, 4), (8, 8, 2), (2, 8, 8)], ids=str)
def test_weights_apart(widths: Widths) -> None:
    model = narrow_convolution((1, 13, 4, 6), (5, 13, 3, 3), {"pads": [1, 0, 1, 1]}, widths, apart=True)
    kernels = [step.kernel for step in tailored(model, M4, "dsp_conv2d").steps]
    assert [k.form for k in kernels if isinstance(k, DspConv2D)] == [Form.APART]
    check_all(model, M4, "dsp_conv2d")


@pytest.mark.parametrize("case", sampled(windowed(LAYERS), "3x3, odd", "pointwise, odd"))
def test_convolutions_in_other_schedules(case: str) -> None:
    widths = _widths(list(LAYERS).index(case) + 3)
    check_schedules(tailored(narrow_convolution(*LAYERS[case], widths), M4, "dsp_conv2d"), M4)


@pytest.mark.parametrize("case", GROUPS)
def test_groups_and_dilated_columns(case: str) -> None:
    widths = _widths(list(GROUPS).index(case) + 1)
    check_all(narrow_convolution(*GROUPS[case], widths), M4, "dsp_scattered")


@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str) -> None:
    number = list(MATRICES).index(case)
    for widths in (_widths(number), _widths(number + 13)):
        check_layer(narrow_matrix(*MATRICES[case], widths), M4, "dsp_dense")


def test_another_core() -> None:
    model = narrow_convolution(*LAYERS["3x3, odd"], (4, 2, 4))
    check_on_board(tailored(model, M7, "dsp_conv2d"), M7)


@pytest.mark.parametrize("find", [gcc, zig])
def test_each_compiler(find: Find) -> None:
    for widths in ((4, 4, 4), (2, 2, 2)):
        model = narrow_convolution(*LAYERS["3x3, odd"], widths)
        check_on_board(tailored(model, M4, "dsp_conv2d"), M4, find)


FILTERS = DEPTHWISE | {
    f"{channels} channels": ((1, channels, 4, 5), (3, 3), {"pads": [1, 1, 1, 0]})
    for channels in (3, 17, 24, 33)
}


def _filter(case: str, widths: Widths, activation: str = "") -> onnx.ModelProto:
    return narrow_convolution(*grouped(FILTERS[case]), widths, activation)


def _filters() -> list[tuple[str, Widths]]:
    """Each case with packed operands, where the last four channels begin a byte of input and output, and with
    packed weights between bytes, of which there have to be four."""
    found: list[tuple[str, Widths]] = []
    for number, (case, (shape, *_)) in enumerate(FILTERS.items()):
        channels, whole = shape[1], shape[1] % 4 == 0
        found.append((case, _widths(number) if whole else ((2, 4, 2), (4, 2, 8), (2, 8, 8))[number % 3]))
        found += [(case, (8, (4, 2)[number % 2], 8))] if channels >= 4 else []
    return found


@pytest.mark.parametrize(("case", "widths"), _filters(), ids=str)
def test_depthwise(case: str, widths: Widths) -> None:
    check_all(_filter(case, widths, ("", "Relu")[widths[0] == 2]), M4, "dsp_depthwise")


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_each_combination_depthwise(widths: Widths) -> None:
    check_all(_filter("stride 2, other side", widths), M4, "dsp_depthwise")


@pytest.mark.parametrize(("case", "widths"), [("same", (4, 4, 4)), ("stride 2, other side", (2, 8, 4))])
def test_depthwise_in_other_schedules(case: str, widths: Widths) -> None:
    check_schedules(tailored(_filter(case, widths), M4, "dsp_depthwise"), M4)


POOLS = {
    "3x3, padding": ((1, 16, 6, 7), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "rest of a word": ((1, 20, 5, 6), {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [1, 0, 0, 1]}),
    "dilated": ((1, 24, 7, 8), {"kernel_shape": [2, 3], "dilations": [2, 3]}),
    "whole": ((1, 64, 4, 17), {"kernel_shape": [4, 17]}),
}


SMALL = {"2x2": ((1, 32, 6, 8), {"kernel_shape": [2, 2], "strides": [2, 2]})}


def _pool(operator: str, case: str, bits: int) -> onnx.ModelProto:
    shape, attributes = (POOLS | SMALL)[case]
    node = helper.make_node(operator, ["x"], ["y"], "pool", **attributes)
    if operator == "AveragePool":
        return model_of([node], shape, {"x": bits, "y": bits})
    plain = {"x": (SCALES[bits], ZEROS[bits]), "y": (SCALES[bits], ZEROS[bits])}
    types = dict.fromkeys("xy", TYPES[bits])
    return qdq_model([node], {"x": shape}, ["y"], plain, stage=True, types=types)


@pytest.mark.parametrize("bits", [4, 2])
@pytest.mark.parametrize("case", POOLS)
@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
def test_pools(operator: str, case: str, bits: int) -> None:
    template = "dsp_average_pool" if operator == "AveragePool" else "dsp_max_pool"
    check_all(_pool(operator, case, bits), M4, template)


@pytest.mark.parametrize("bits", [4, 2])
def test_largest_of_small_windows(bits: int) -> None:
    check_all(_pool("MaxPool", "2x2", bits), M4, "dsp_max_pool")


@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
def test_pools_in_other_schedules(operator: str) -> None:
    template = "dsp_average_pool" if operator == "AveragePool" else "dsp_max_pool"
    check_schedules(tailored(_pool(operator, "rest of a word", 4), M4, template), M4)
