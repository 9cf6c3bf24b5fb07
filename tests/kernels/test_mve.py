"""Micro-kernels for Helium: the emulator's numbers on the host and on a Cortex-M55."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import gcc, zig
from tinyc.kernels.mve_depthwise import MveDepthwise
from tinyc.passes.place import place
from tinyc.passes.schedule.reductions import split_reductions
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from . import layers
from .boards import (
    M55,
    Find,
    check_all,
    check_on_board,
    check_on_host,
    check_schedules,
    device_of,
    sampled,
    tailored,
)
from .checks import lowered, qdq_model
from .layers import (
    Convolution,
    Filter,
    Matrix,
    grouped,
    int8_convolution,
    int8_matrix,
    int8_node,
    windowed,
)  # fmt: skip
from .schedules import can_be_windowed, stream_frames

CONVOLUTIONS: dict[str, Convolution] = {
    **layers.CONVOLUTIONS,
    "pointwise, 16 channels": ((1, 16, 5, 7), (8, 16, 1, 1), {}),
    "pointwise, as many channels": ((1, 18, 3, 5), (18, 18, 1, 1), {}),
    "pointwise, one pixel, 33 channels": ((1, 33, 1, 2), (3, 33, 1, 1), {"strides": [1, 2]}),
    "pointwise, 12 fours": ((1, 8, 3, 5), (12, 8, 1, 1), {}),
    "pointwise, deep": ((1, 100, 3, 3), (6, 100, 1, 1), {}),
    "pointwise, padding": ((1, 6, 3, 4), (5, 6, 1, 1), {"pads": [1, 1, 0, 1]}),
    "3x3, 16 channels": ((1, 16, 4, 6), (4, 16, 3, 3), {"pads": [1, 1, 1, 1]}),
}
DEPTHWISE: dict[str, Filter] = {
    **layers.DEPTHWISE,
    "16 channels": ((1, 16, 5, 6), (3, 3), {"pads": [1, 1, 1, 1]}),
    "48 channels": ((1, 48, 3, 4), (3, 3), {"pads": [1, 1, 1, 1]}),
    "19 channels": ((1, 19, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
    "8 channels": ((1, 8, 4, 9), (3, 3), {"pads": [1, 1, 1, 1]}),
    "8 channels, stride 2": ((1, 8, 5, 9), (3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "2 channels": ((1, 2, 4, 21), (3, 3), {"pads": [1, 1, 1, 1]}),
    "20 channels, no padding": ((1, 20, 5, 7), (3, 3), {}),
    "17 channels, stride 2, one side": ((1, 17, 6, 9), (3, 3), {"pads": [0, 1, 1, 0], "strides": [2, 2]}),
    "stride 3": ((1, 32, 7, 10), (3, 3), {"pads": [1, 0, 0, 1], "strides": [1, 3]}),
    "18 channels, width 1": ((1, 18, 5, 1), (3, 3), {"pads": [1, 1, 1, 1]}),
    "16 channels, much padding": ((1, 16, 2, 2), (3, 3), {"pads": [3, 3, 3, 3]}),
    "dilated": ((1, 16, 8, 9), (3, 3), {"pads": [2, 2, 2, 2], "dilations": [2, 2]}),
    "5x5": ((1, 20, 6, 7), (5, 5), {"pads": [2, 2, 2, 2]}),
    "2x3, 9 channels": ((1, 9, 5, 6), (2, 3), {"pads": [0, 1, 1, 1], "strides": [2, 1]}),
    "5x5, dilated": ((1, 6, 9, 9), (5, 5), {"pads": [4, 4, 4, 4], "dilations": [2, 2]}),
    "1-D": ((1, 16, 9), (3,), {"pads": [1, 1]}),
    "batch of 2, 16 channels": ((2, 16, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
}
MATRICES: dict[str, Matrix] = {
    **layers.MATRICES,
    "long, 9 outputs": (1, 264, 9),
    "long, rows, of sixteens": (2, 272, 5),
}
# shape NCHW, kernel, attributes
POOLS: dict[str, tuple[Sequence[int], Sequence[int], dict[str, Any]]] = {
    "all of it": ((1, 19, 5, 7), (5, 7), {}),
    "2x2": ((1, 8, 6, 8), (2, 2), {"strides": [2, 2]}),
    "overlapping": ((1, 5, 5, 6), (3, 2), {"strides": [2, 1]}),
    "batch of 2": ((2, 4, 4, 4), (4, 4), {}),
}
SUMS = {"image": (1, 6, 5, 7), "vector": (1, 37), "one": (1, 1), "batch of 2": (2, 3, 4, 5)}
QUANTS = {"x": (0.05, 9), "z": (0.031, -20), "y": (0.06, -3)}


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in CONVOLUTIONS), ("3x3, odd", "Clip")])
def test_convolutions(case: str, activation: str | None) -> None:
    _check(int8_convolution(CONVOLUTIONS[case], activation), "mve_conv2d")


@pytest.mark.parametrize("case", sampled(windowed(CONVOLUTIONS), "pointwise, stride 2", "3x3, 16 channels"))
def test_convolutions_in_other_schedules(case: str) -> None:
    check_schedules(tailored(int8_convolution(CONVOLUTIONS[case]), M55, "mve_conv2d"), M55)


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in DEPTHWISE), ("19 channels", "Clip")])
def test_depthwise(case: str, activation: str | None) -> None:
    _check(int8_convolution(grouped(DEPTHWISE[case]), activation), "mve_depthwise")


@pytest.mark.parametrize(
    "case", sampled(windowed(DEPTHWISE), "8 channels, stride 2", "17 channels, stride 2, one side")
)
def test_depthwise_in_other_schedules(case: str) -> None:
    check_schedules(tailored(int8_convolution(grouped(DEPTHWISE[case])), M55, "mve_depthwise"), M55)


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in MATRICES), ("rows", "Relu")])
def test_matrices(case: str, activation: str | None) -> None:
    _check(int8_matrix(MATRICES[case], activation), "mve_dense")


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in POOLS), ("2x2", "Clip")])
def test_averages(case: str, activation: str | None) -> None:
    _check(_average(case, activation), "mve_mean")


@pytest.mark.parametrize("case", sampled(windowed(POOLS), "overlapping"))
def test_averages_in_other_schedules(case: str) -> None:
    check_schedules(tailored(_average(case), M55, "mve_mean"), M55)


def _average(case: str, activation: str | None = None) -> onnx.ModelProto:
    shape, kernel, attributes = POOLS[case]
    node = helper.make_node("AveragePool", ["x"], ["y"], "op", kernel_shape=kernel, **attributes)
    return int8_node(node, {"x": shape}, {"x": (0.05, 9), "y": (0.021, -3)}, activation)


@pytest.mark.parametrize("shape", [(1, 19, 5, 7), (1, 4, 3, 1), (1, 5, 16, 17)])
def test_averages_row_by_row(shape: Sequence[int]) -> None:
    """Sums of 16 bits in Helium, of the last case 32 in C; the mean's own schedule and as it is split."""
    node = helper.make_node("AveragePool", ["x"], ["y"], "op", kernel_shape=shape[2:])
    model = int8_node(node, {"x": shape}, {"x": (0.05, 9), "y": (0.021, -3)})
    program = split_reductions(tailored(model, M55, "mve_mean"))
    assert "mve_running_sum" in [step.kernel.template for step in program.steps]
    check_on_host(model, program)
    check_on_board(program, M55)


@pytest.mark.parametrize("upward", [False, True])
def test_frames_slide(upward: bool) -> None:
    program = tailored(int8_convolution(CONVOLUTIONS["3x3, odd"]), M55, "mve_conv2d")
    check_on_board(stream_frames(program, upward), M55)


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in SUMS), ("image", "Clip")])
def test_sums(case: str, activation: str | None) -> None:
    _check(_sum(SUMS[case], activation, "Sub" if case == "vector" else "Add"), "mve_sum")


def test_sums_in_other_schedules() -> None:
    check_schedules(tailored(_sum(SUMS["image"]), M55, "mve_sum"), M55)


def _sum(shape: Sequence[int], activation: str | None = None, operator: str = "Add") -> onnx.ModelProto:
    node = helper.make_node(operator, ["x", "z"], ["y"], "op")
    return int8_node(node, {"x": shape, "z": shape}, QUANTS, activation)


def _check(model: onnx.ModelProto, template: str) -> None:
    """Under every schedule on the host, frames that slide as well; layer by layer on the board."""
    check_all(model, M55, template)
    program = tailored(model, M55, template)
    if can_be_windowed(program):
        check_on_host(model, stream_frames(program))


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("case", ["pointwise, odd", "3x3, odd"])
def test_both_compilers_take_convolutions(case: str, find: Find) -> None:
    program = tailored(int8_convolution(CONVOLUTIONS[case], "Clip"), M55, "mve_conv2d")
    check_on_board(program, M55, find)


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("case", ["19 channels", "5x5"])
def test_both_compilers_take_depthwise(case: str, find: Find) -> None:
    program = tailored(int8_convolution(grouped(DEPTHWISE[case]), "Clip"), M55, "mve_depthwise")
    check_on_board(program, M55, find)


@pytest.mark.parametrize("find", [gcc, zig])
def test_both_compilers_take_sums(find: Find) -> None:
    check_on_board(tailored(_sum((1, 5, 3, 3), "Clip"), M55, "mve_sum"), M55, find)


@pytest.mark.parametrize(("least", "together"), [(-127, 1), (-128, 0)])
def test_extreme_weights_and_inputs(least: int, together: int) -> None:
    """Sums of products as large as they get: 16 bits hold two, unless both are -128 · -128."""
    weights = np.full((16, 1, 3, 3), least, np.int8)
    weights[::2] = 127
    node = helper.make_node("Conv", ["x", "w"], ["y"], "conv", group=16)
    model = qdq_model(
        [node], {"x": (1, 16, 3, 3)}, ["y"], {"x": (0.05, 0), "y": (6.0, 0)},
        dequantized={"w": (weights, np.full(16, 0.01), 0)},
    )  # fmt: skip
    program = place(tailored(model, M55, "mve_depthwise"))
    assert [s.kernel.together for s in program.steps if isinstance(s.kernel, MveDepthwise)] == [together]
    device = device_of(program, M55, gcc)
    for value in (-128, 127):
        given = {name: np.full(program.buffers[name].shape, value, np.int8) for name in program.inputs}
        wanted, run = Machine(program).run(given), device.run(given)
        for name in program.outputs:
            np.testing.assert_array_equal(run.outputs[name], wanted[name])


def test_a_core_with_the_dsp_extension_only_gets_no_helium() -> None:
    program = tailor(lowered(int8_convolution(CONVOLUTIONS["pointwise"])), load_target("nrf5340dk"))
    assert "dsp_conv2d" in [step.kernel.template for step in program.steps]


def test_equal_numbers_of_channels_work_in_place() -> None:
    """Input and output share their bytes; working memory is beside: the inputs of some pixels."""
    model = int8_convolution(CONVOLUTIONS["pointwise, as many channels"])
    placed = place(tailored(model, M55, "mve_conv2d"))
    (step,) = (step for step in placed.steps if step.kernel.template == "mve_conv2d")
    assert placed.offset(step.inputs[0]) == placed.offset(step.outputs[0])
    assert step.kernel.scratch() == 14 * 18


def test_layers_read_where_inputs_lie() -> None:
    """Where the output is elsewhere anyway no working memory is taken."""
    program = tailored(int8_convolution(CONVOLUTIONS["pointwise, 16 channels"]), M55, "mve_conv2d")
    assert all(not step.scratch for step in program.steps)
