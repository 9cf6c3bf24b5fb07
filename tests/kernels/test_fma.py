"""Register tiles of float32: the emulator's numbers on the host and on cores with an FPU."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.emulator.toolchain import gcc, zig
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from . import layers
from .boards import (
    M4,
    M7,
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
from .checks import float_model, lowered
from .layers import Convolution, Filter, Matrix, float_convolution, float_matrix, grouped, windowed
from .schedules import can_be_windowed, column_tiles, rows_alone, stream_frames

CONVOLUTIONS: dict[str, Convolution] = {
    **layers.CONVOLUTIONS,
    "pointwise, padded": ((1, 6, 3, 4), (5, 6, 1, 1), {"pads": [1, 2, 0, 1]}),
    "much padding": ((1, 2, 2, 2), (5, 2, 2, 2), {"pads": [3, 3, 3, 3]}),
}
DEPTHWISE: dict[str, Filter] = {
    **layers.DEPTHWISE,
    "5x5": ((1, 6, 7, 9), (5, 5), {"pads": [2, 2, 2, 2]}),
    "1x4, stride 3": ((1, 9, 3, 12), (1, 4), {"pads": [0, 1, 0, 2], "strides": [1, 3]}),
    "columns dilated": ((1, 5, 5, 9), (3, 3), {"pads": [1, 3, 1, 2], "dilations": [1, 2]}),
    "1-D": ((1, 5, 11), (4,), {"pads": [2, 1], "strides": [2]}),
}
MATRICES: dict[str, Matrix] = {**layers.MATRICES, "long, odd, rows": (2, 271, 7)}


def _activation(case: str, cases: Mapping[str, object]) -> str | None:
    """Each in turn."""
    return (None, "Relu", "Clip")[list(cases).index(case) % 3]


def _convolution(case: str) -> onnx.ModelProto:
    return float_convolution(CONVOLUTIONS[case], _activation(case, CONVOLUTIONS))


def _depthwise(case: str) -> onnx.ModelProto:
    return float_convolution(grouped(DEPTHWISE[case]), _activation(case, DEPTHWISE))


def _check(model: onnx.ModelProto, template: str) -> None:
    """Under every schedule on the host; layer by layer on two boards: products are added apart on the first,
    by VFMA on the second."""
    check_all(model, M4, template)
    check_on_board(tailored(model, M7, template), M7)
    program = tailored(model, M4, template)
    if can_be_windowed(program):
        tiles = column_tiles(program, 3, upward=True)
        check_on_host(model, tiles, rows_alone(program), stream_frames(program))


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str) -> None:
    _check(_convolution(case), "fma_conv2d")


@pytest.mark.parametrize("case", sampled(windowed(CONVOLUTIONS), "pointwise, stride 2", "3x3, odd"))
def test_convolutions_in_other_schedules(case: str) -> None:
    check_schedules(tailored(_convolution(case), M4, "fma_conv2d"), M4)


@pytest.mark.parametrize("case", DEPTHWISE)
def test_depthwise(case: str) -> None:
    _check(_depthwise(case), "fma_depthwise")


@pytest.mark.parametrize("case", sampled(windowed(DEPTHWISE), "stride 2, one side"))
def test_depthwise_in_other_schedules(case: str) -> None:
    check_schedules(tailored(_depthwise(case), M4, "fma_depthwise"), M4)


@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str) -> None:
    _check(float_matrix(MATRICES[case], _activation(case, MATRICES)), "fma_dense")


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("board", [M4, M7, "nrf5340dk", M55])
def test_every_core_by_both_compilers(board: str, find: Find) -> None:
    convolution = float_convolution(CONVOLUTIONS["3x3, odd"], "Clip")
    depthwise = float_convolution(grouped(DEPTHWISE["odd channels"]), "Relu")
    check_on_board(tailored(convolution, board, "fma_conv2d"), board, find)
    check_on_board(tailored(depthwise, board, "fma_depthwise"), board, find)


@pytest.mark.parametrize(
    ("layer", "template"),
    [
        (((1, 4, 5, 6), (4, 2, 3, 3), {"group": 2}), "conv2d"),
        (((1, 4, 5, 9), (4, 4, 3, 3), {"dilations": [1, 2]}), "conv2d"),
        (((1, 3, 5, 6), (3, 1, 3, 3), {"group": 3}), "depthwise"),
    ],
)
def test_other_layers_stay_with_the_portable_kernels(layer: Convolution, template: str) -> None:
    tailored(float_convolution(layer), M4, template)


@pytest.mark.parametrize("name", ["nucleo-g0b1re", "esp32-c3", "host"])
def test_targets_without_an_fpu_and_the_host_keep_their_kernels(name: str) -> None:
    program = lowered(float_convolution(CONVOLUTIONS["pointwise"]))
    assert tailor(program, load_target(name)).steps == program.steps


@pytest.mark.parametrize("case", ["pointwise", "3x3, odd", "pointwise, one channel"])
def test_weights_take_the_place_of_the_original_ones(case: str) -> None:
    """Filled up to four channels, and not a byte more."""
    model = float_convolution(CONVOLUTIONS[case])
    before, after = lowered(model), tailored(model, M4, "fma_conv2d")
    channels = CONVOLUTIONS[case][1][0]
    filled = (channels + 3) // 4 * 4
    for old, new in zip(before.steps, after.steps, strict=True):
        sizes = {name: array.size // channels * filled for name, array in old.kernel.constants().items()}
        assert {name: array.size for name, array in new.kernel.constants().items()} == sizes


def test_a_relu_keeps_what_is_not_a_number_and_clears_minus_zero() -> None:
    """As ONNX Runtime does; the next layer's sums tell."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["sum"], "conv"),
        helper.make_node("Relu", ["sum"], ["y"], "relu"),
    ]
    model = float_model(nodes, {"x": (1, 1, 2, 4)}, ["y"], {"w": np.ones((5, 1, 1, 1), np.float32)})
    placed = place(tailored(model, M4, "fma_conv2d"))
    device = device_of(placed, M4)
    given = np.array([np.nan, -np.inf, np.inf, -0.0, -1e-40, 1.5, -2.5, 0.0], np.float32)
    (name,), (output,) = placed.inputs, placed.outputs
    found = device.run({name: given.reshape(placed.buffers[name].shape)}).outputs[output]
    wanted = np.repeat(np.array([np.nan, 0, np.inf, 0, 0, 1.5, 0, 0], np.float32), 5)
    np.testing.assert_array_equal(found.reshape(-1), wanted)
