"""Register tiles of float32: the emulator's numbers on the host and on cores with an FPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.devices import build_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import Toolchain, find_toolchain, gcc, zig
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import Target, load_target

from .checks import OPSET, agree, float_model, lowered, reference, samples_of
from .schedules import can_be_windowed, column_tiles, patches, rows_alone, stream_frames, stream_rows

# input NCHW, weights OIHW, attributes
CONVOLUTIONS: dict[str, tuple[Sequence[int], Sequence[int], dict[str, Any]]] = {
    "pointwise": ((1, 8, 5, 7), (8, 8, 1, 1), {}),
    "pointwise, odd": ((1, 5, 3, 7), (7, 5, 1, 1), {}),
    "pointwise, one channel": ((1, 1, 4, 3), (1, 1, 1, 1), {}),
    "pointwise, one pixel": ((1, 13, 1, 1), (3, 13, 1, 1), {}),
    "pointwise, stride 2": ((1, 12, 7, 6), (9, 12, 1, 1), {"strides": [2, 2]}),
    "pointwise, padded": ((1, 6, 3, 4), (5, 6, 1, 1), {"pads": [1, 2, 0, 1]}),
    "3x3": ((1, 4, 6, 11), (6, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "3x3, odd": ((1, 3, 5, 8), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "padding on one side, stride 2": ((1, 3, 7, 9), (5, 3, 3, 3), {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
    "tall kernel": ((1, 1, 13, 5), (4, 1, 7, 2), {"pads": [3, 0, 3, 1], "strides": [2, 1]}),
    "10x4, stride 2": ((1, 1, 13, 10), (6, 1, 10, 4), {"pads": [4, 1, 5, 1], "strides": [2, 2]}),
    "stride 3, wide": ((1, 2, 8, 14), (3, 2, 2, 5), {"strides": [3, 3]}),
    "rows dilated": ((1, 4, 9, 8), (3, 4, 3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}),
    "kernel larger than input": ((1, 2, 2, 3), (3, 2, 5, 5), {"pads": [2, 2, 2, 2]}),
    "much padding": ((1, 2, 2, 2), (5, 2, 2, 2), {"pads": [3, 3, 3, 3]}),
    "width 1": ((1, 6, 5, 1), (4, 6, 3, 1), {"pads": [1, 0, 1, 0]}),
    "1-D": ((1, 3, 11), (4, 3, 4), {"pads": [2, 1], "strides": [2]}),
    "batch of 2": ((2, 4, 4, 5), (4, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "batch of 2, pointwise": ((2, 4, 4, 5), (4, 4, 1, 1), {}),
}
# input NCHW, kernel, attributes
DEPTHWISE: dict[str, tuple[Sequence[int], Sequence[int], dict[str, Any]]] = {
    "same": ((1, 8, 5, 6), (3, 3), {"pads": [1, 1, 1, 1]}),
    "odd channels": ((1, 7, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
    "no padding": ((1, 4, 5, 7), (3, 3), {}),
    "stride 2, one side": ((1, 5, 6, 9), (3, 3), {"pads": [0, 1, 1, 0], "strides": [2, 2]}),
    "stride 2, other side": ((1, 12, 7, 8), (3, 3), {"pads": [1, 0, 0, 1], "strides": [1, 2]}),
    "5x5": ((1, 6, 7, 9), (5, 5), {"pads": [2, 2, 2, 2]}),
    "1x4, stride 3": ((1, 9, 3, 12), (1, 4), {"pads": [0, 1, 0, 2], "strides": [1, 3]}),
    "width 1": ((1, 6, 5, 1), (3, 3), {"pads": [1, 1, 1, 1]}),
    "much padding": ((1, 6, 2, 2), (3, 3), {"pads": [3, 3, 3, 3]}),
    "rows dilated": ((1, 4, 8, 5), (3, 3), {"pads": [2, 1, 2, 1], "dilations": [2, 1]}),
    "columns dilated": ((1, 5, 5, 9), (3, 3), {"pads": [1, 3, 1, 2], "dilations": [1, 2]}),
    "1-D": ((1, 5, 11), (4,), {"pads": [2, 1], "strides": [2]}),
    "batch of 2": ((2, 4, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
}
# rows, inputs, outputs
MATRICES = {
    "128 to 24": (1, 128, 24),
    "one of each": (1, 1, 1),
    "odd": (1, 13, 7),
    "12 to 5": (1, 12, 5),
    "rows": (5, 9, 6),
    "long, odd": (2, 271, 7),
}
M4, M7 = "nucleo-f446re", "nucleo-h743zi"
"""Products are added apart on the first, by VFMA on the second."""


def _convolution(case: str, activation: str | None = None) -> onnx.ModelProto:
    shape, weights, attributes = CONVOLUTIONS[case]
    return _model("Conv", shape, weights, attributes, activation)


def _depthwise(case: str, activation: str | None = None) -> onnx.ModelProto:
    shape, kernel, attributes = DEPTHWISE[case]
    return _model("Conv", shape, (shape[1], 1, *kernel), {**attributes, "group": shape[1]}, activation)


def _model(
    operator: str, shape: Sequence[int], weights: Sequence[int], attributes: dict[str, Any],
    activation: str | None,
) -> onnx.ModelProto:  # fmt: skip
    """The operator between two others, so that streamed schedules have a producer and a consumer."""
    rng = np.random.default_rng(sum(weights))
    constants = {
        "w": rng.normal(size=weights).astype(np.float32),
        "b": rng.normal(size=weights[0]).astype(np.float32),
        "low": np.float32(-0.5), "high": np.float32(1.5),
    }  # fmt: skip
    nodes = [
        helper.make_node("Neg", ["x"], ["before"], "before"),
        helper.make_node(operator, ["before", "w", "b"], ["sum"], "op", **attributes),
    ]
    if activation:
        bounds = ["low", "high"] if activation == "Clip" else []
        nodes.append(helper.make_node(activation, ["sum", *bounds], ["active"], "activation"))
    nodes.append(helper.make_node("Neg", ["active" if activation else "sum"], ["y"], "after"))
    used = {name: value for name, value in constants.items() if name in "wb" or activation == "Clip"}
    return float_model(nodes, {"x": shape}, ["y"], used)


def _tailored(model: onnx.ModelProto, template: str, target: str = M4) -> Program:
    program = tailor(lowered(model), load_target(target))
    assert [step.kernel.template for step in program.steps].count(template) == 1
    return program


def _activation(case: str, cases: Mapping[str, object]) -> str | None:
    """Each in turn."""
    return (None, "Relu", "Clip")[list(cases).index(case) % 3]


def _check(model: onnx.ModelProto, template: str) -> None:
    """On the host and on the board, layer by layer and under other schedules."""
    program = _tailored(model, template)
    samples = samples_of(model)
    expected = reference(model, samples)
    agree(program, samples, expected)
    _check_on_board(program)
    _check_on_board(_tailored(model, template, M7), M7)
    if can_be_windowed(program):
        for variant in (column_tiles(program, 3, upward=True), rows_alone(program), stream_frames(program)):
            agree(variant, samples, expected)
        for variant in (stream_rows(program), patches(program, 2, 3)):
            agree(variant, samples, expected)
            _check_on_board(variant)


def _check_on_board(
    program: Program, board: str = M4, find: Callable[[Target], Toolchain | None] = find_toolchain
) -> None:
    """Asserts that the board computes what the emulator does, up to rounding."""
    target = load_target(board)
    toolchain = find(target)
    if toolchain is None:
        pytest.skip(f"no cross compiler for {board} on this machine")
    placed = place(program)
    files = emit(placed, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    device = build_device(placed, files, target, [step.name for step in placed.steps], toolchain)
    rng = np.random.default_rng(0)
    shapes = {name: placed.buffers[name].shape for name in placed.inputs}
    given = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    wanted, run = Machine(placed).run(given), device.run(given)
    for name in placed.outputs:
        span = max(float(np.abs(wanted[name]).max(initial=0.0)), 1e-6)
        np.testing.assert_allclose(run.outputs[name], wanted[name], rtol=1e-5, atol=1e-5 * span)


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str) -> None:
    _check(_convolution(case, _activation(case, CONVOLUTIONS)), "fma_conv2d")


@pytest.mark.parametrize("case", DEPTHWISE)
def test_depthwise(case: str) -> None:
    _check(_depthwise(case, _activation(case, DEPTHWISE)), "fma_depthwise")


@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str) -> None:
    rows, inputs, outputs = MATRICES[case]
    activation = _activation(case, MATRICES)
    model = _model("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}, activation)
    _check(model, "fma_dense")


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("board", [M4, M7, "nrf5340dk", "corstone-300"])
def test_every_core_by_both_compilers(board: str, find: Callable[[Target], Toolchain | None]) -> None:
    _check_on_board(_tailored(_convolution("3x3, odd", "Clip"), "fma_conv2d", board), board, find)
    _check_on_board(_tailored(_depthwise("odd channels", "Relu"), "fma_depthwise", board), board, find)


@pytest.mark.parametrize(
    ("shape", "weights", "attributes", "template"),
    [
        ((1, 4, 5, 6), (4, 2, 3, 3), {"group": 2}, "conv2d"),
        ((1, 4, 5, 9), (4, 4, 3, 3), {"dilations": [1, 2]}, "conv2d"),
        ((1, 3, 5, 6), (3, 1, 3, 3), {"group": 3}, "depthwise"),
    ],
)
def test_other_layers_stay_with_the_portable_kernels(
    shape: Sequence[int], weights: Sequence[int], attributes: dict[str, Any], template: str
) -> None:
    _tailored(_model("Conv", shape, weights, attributes, None), template)


@pytest.mark.parametrize("name", ["nucleo-g0b1re", "esp32-c3", "host"])
def test_targets_without_an_fpu_and_the_host_keep_their_kernels(name: str) -> None:
    program = lowered(_convolution("pointwise"))
    assert tailor(program, load_target(name)).steps == program.steps


@pytest.mark.parametrize("case", ["pointwise", "3x3, odd", "pointwise, one channel"])
def test_weights_take_the_place_of_the_original_ones(case: str) -> None:
    """Filled up to four channels, and not a byte more."""
    before, after = lowered(_convolution(case)), _tailored(_convolution(case), "fma_conv2d")
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
    placed, target = place(_tailored(model, "fma_conv2d")), load_target(M4)
    toolchain = find_toolchain(target)
    if toolchain is None:
        pytest.skip("no cross compiler for a Cortex-M4 on this machine")
    files = emit(placed, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    device = build_device(placed, files, target, [step.name for step in placed.steps], toolchain)
    given = np.array([np.nan, -np.inf, np.inf, -0.0, -1e-40, 1.5, -2.5, 0.0], np.float32)
    (name,), (output,) = placed.inputs, placed.outputs
    found = device.run({name: given.reshape(placed.buffers[name].shape)}).outputs[output]
    wanted = np.repeat(np.array([np.nan, 0, np.inf, 0, 0, 1.5, 0, 0], np.float32), 5)
    np.testing.assert_array_equal(found.reshape(-1), wanted)
