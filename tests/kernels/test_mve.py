"""Micro-kernels for Helium: the emulator's numbers on the host and on a Cortex-M55."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.devices import build_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.qemu import EMULATOR, find_qemu
from tinyc.emulator.toolchain import Toolchain, find_toolchain, gcc, zig
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.schedule.reductions import split_reductions
from tinyc.passes.tailor import tailor
from tinyc.targets import Target, load_target

from .checks import OPSET, agree, lowered, qdq_model, reference, samples_of
from .schedules import can_be_windowed, patches, stream_frames, stream_rows

# input NCHW, weights OIHW, attributes
CONVOLUTIONS = {
    "pointwise": ((1, 16, 5, 7), (8, 16, 1, 1), {}),
    "pointwise, odd": ((1, 5, 3, 7), (7, 5, 1, 1), {}),
    "pointwise, as many channels": ((1, 18, 3, 5), (18, 18, 1, 1), {}),
    "pointwise, one channel": ((1, 1, 4, 3), (1, 1, 1, 1), {}),
    "pointwise, one pixel": ((1, 33, 1, 1), (3, 33, 1, 1), {}),
    "pointwise, 12 fours": ((1, 8, 3, 5), (12, 8, 1, 1), {}),
    "pointwise, deep": ((1, 100, 3, 3), (6, 100, 1, 1), {}),
    "pointwise, stride 2": ((1, 12, 7, 6), (9, 12, 1, 1), {"strides": [2, 2]}),
    "pointwise, padding": ((1, 6, 3, 4), (5, 6, 1, 1), {"pads": [1, 1, 0, 1]}),
    "3x3": ((1, 4, 6, 11), (6, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "3x3, odd": ((1, 3, 5, 8), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "3x3, 16 channels": ((1, 16, 4, 6), (4, 16, 3, 3), {"pads": [1, 1, 1, 1]}),
    "padding on one side, stride 2": ((1, 3, 7, 9), (5, 3, 3, 3), {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
    "tall kernel": ((1, 1, 13, 5), (4, 1, 7, 2), {"pads": [3, 0, 3, 1], "strides": [2, 1]}),
    "10x4, stride 2": ((1, 1, 13, 10), (6, 1, 10, 4), {"pads": [4, 1, 5, 1], "strides": [2, 2]}),
    "stride 3, wide": ((1, 2, 8, 14), (3, 2, 2, 5), {"strides": [3, 3]}),
    "rows dilated": ((1, 4, 9, 8), (3, 4, 3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}),
    "kernel larger than input": ((1, 2, 2, 3), (3, 2, 5, 5), {"pads": [2, 2, 2, 2]}),
    "width 1": ((1, 6, 5, 1), (4, 6, 3, 1), {"pads": [1, 0, 1, 0]}),
    "1-D": ((1, 3, 11), (4, 3, 4), {"pads": [2, 1], "strides": [2]}),
    "batch of 2": ((2, 4, 4, 5), (4, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "batch of 2, pointwise": ((2, 4, 4, 5), (4, 4, 1, 1), {}),
}
# input NCHW, kernel, attributes
DEPTHWISE = {
    "16 channels": ((1, 16, 5, 6), (3, 3), {"pads": [1, 1, 1, 1]}),
    "48 channels": ((1, 48, 3, 4), (3, 3), {"pads": [1, 1, 1, 1]}),
    "19 channels": ((1, 19, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
    "8 channels": ((1, 8, 4, 9), (3, 3), {"pads": [1, 1, 1, 1]}),
    "8 channels, stride 2": ((1, 8, 5, 9), (3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "2 channels": ((1, 2, 4, 21), (3, 3), {"pads": [1, 1, 1, 1]}),
    "7 channels": ((1, 7, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
    "no padding": ((1, 20, 5, 7), (3, 3), {}),
    "stride 2, one side": ((1, 17, 6, 9), (3, 3), {"pads": [0, 1, 1, 0], "strides": [2, 2]}),
    "stride 3": ((1, 32, 7, 10), (3, 3), {"pads": [1, 0, 0, 1], "strides": [1, 3]}),
    "width 1": ((1, 18, 5, 1), (3, 3), {"pads": [1, 1, 1, 1]}),
    "much padding": ((1, 16, 2, 2), (3, 3), {"pads": [3, 3, 3, 3]}),
    "dilated": ((1, 16, 8, 9), (3, 3), {"pads": [2, 2, 2, 2], "dilations": [2, 2]}),
    "5x5": ((1, 20, 6, 7), (5, 5), {"pads": [2, 2, 2, 2]}),
    "2x3, 9 channels": ((1, 9, 5, 6), (2, 3), {"pads": [0, 1, 1, 1], "strides": [2, 1]}),
    "5x5, dilated": ((1, 6, 9, 9), (5, 5), {"pads": [4, 4, 4, 4], "dilations": [2, 2]}),
    "1-D": ((1, 16, 9), (3,), {"pads": [1, 1]}),
    "batch of 2": ((2, 16, 4, 5), (3, 3), {"pads": [1, 1, 1, 1]}),
}
# rows, inputs, outputs
MATRICES = {
    "128 to 24": (1, 128, 24),
    "one of each": (1, 1, 1),
    "odd": (1, 13, 7),
    "rows": (5, 9, 6),
    "long": (1, 264, 9),
    "long, rows": (2, 272, 5),
}
# shape NCHW, kernel, attributes
POOLS = {
    "all of it": ((1, 19, 5, 7), (5, 7), {}),
    "2x2": ((1, 8, 6, 8), (2, 2), {"strides": [2, 2]}),
    "overlapping": ((1, 5, 5, 6), (3, 2), {"strides": [2, 1]}),
    "batch of 2": ((2, 4, 4, 4), (4, 4), {}),
}
SUMS = {"image": (1, 6, 5, 7), "vector": (1, 37), "one": (1, 1), "batch of 2": (2, 3, 4, 5)}
M55 = "corstone-300"


def _layer(
    operator: str, shape: Sequence[int], weights: Sequence[int], attributes: dict, activation: str | None
) -> onnx.ModelProto:
    """The operator on int8, between two requantizations."""
    rng = np.random.default_rng(sum(weights))
    integers = rng.integers(-127, 128, weights).astype(np.int8)
    scales, x_scale = rng.uniform(0.002, 0.02, weights[0]), 0.05
    bias = (rng.integers(-2000, 2000, weights[0]).astype(np.int32), x_scale * scales.astype(np.float32), 0)
    return _staged(
        helper.make_node(operator, ["x", "w", "b"], ["sum" if activation else "y"], "op", **attributes),
        {"x": shape}, {"x": (x_scale, 9), "y": (0.11, -3)}, activation,
        {"w": (integers, scales, 0), "b": bias},
    )  # fmt: skip


def _staged(
    node: onnx.NodeProto, inputs: dict, quants: dict, activation: str | None, dequantized: dict | None = None
) -> onnx.ModelProto:
    nodes = [node]
    if activation:
        bounds = ["low", "high"] if activation == "Clip" else []
        nodes.append(helper.make_node(activation, [node.output[0], *bounds], ["y"], "activation"))
    constants = {"low": np.float32(-1.5), "high": np.float32(4.0)} if activation == "Clip" else {}
    return qdq_model(nodes, inputs, ["y"], quants, constants, dequantized, stage=True)


def _tailored(model: onnx.ModelProto, template: str) -> Program:
    program = tailor(lowered(model), load_target(M55))
    assert [step.kernel.template for step in program.steps].count(template) == 1
    return program


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in CONVOLUTIONS), ("3x3, odd", "Clip")])
def test_convolutions(case: str, activation: str | None) -> None:
    shape, weights, attributes = CONVOLUTIONS[case]
    _check(_layer("Conv", shape, weights, attributes, activation), "mve_conv2d")


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in DEPTHWISE), ("19 channels", "Clip")])
def test_depthwise(case: str, activation: str | None) -> None:
    shape, kernel, attributes = DEPTHWISE[case]
    model = _layer("Conv", shape, (shape[1], 1, *kernel), attributes | {"group": shape[1]}, activation)
    _check(model, "mve_depthwise")


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in MATRICES), ("rows", "Relu")])
def test_matrices(case: str, activation: str | None) -> None:
    rows, inputs, outputs = MATRICES[case]
    model = _layer("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}, activation)
    _check(model, "mve_dense")


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in POOLS), ("2x2", "Clip")])
def test_averages(case: str, activation: str | None) -> None:
    shape, kernel, attributes = POOLS[case]
    target = "sum" if activation else "y"
    node = helper.make_node("AveragePool", ["x"], [target], "op", kernel_shape=kernel, **attributes)
    quants = {"x": (0.05, 9), "y": (0.021, -3)}
    _check(_staged(node, {"x": shape}, quants, activation), "mve_mean")


@pytest.mark.parametrize("shape", [(1, 19, 5, 7), (1, 4, 3, 1), (1, 5, 16, 17)])
def test_averages_row_by_row(shape: Sequence[int]) -> None:
    """Sums of 16 bits in Helium, of the last case 32 in C; the mean's own schedule and as it is split."""
    node = helper.make_node("AveragePool", ["x"], ["y"], "op", kernel_shape=shape[2:])
    model = _staged(node, {"x": shape}, {"x": (0.05, 9), "y": (0.021, -3)}, None)
    program = split_reductions(_tailored(model, "mve_mean"))
    assert "mve_running_sum" in [step.kernel.template for step in program.steps]
    samples = samples_of(model)
    agree(program, samples, reference(model, samples))
    _check_on_board(program)


def test_frames_slide() -> None:
    shape, weights, attributes = CONVOLUTIONS["3x3, odd"]
    for upward in (False, True):
        program = _tailored(_layer("Conv", shape, weights, attributes, None), "mve_conv2d")
        _check_on_board(stream_frames(program, upward))


@pytest.mark.parametrize(("case", "activation"), [*((c, None) for c in SUMS), ("image", "Clip")])
def test_sums(case: str, activation: str | None) -> None:
    operator = "Sub" if case == "vector" else "Add"
    node = helper.make_node(operator, ["x", "z"], ["sum" if activation else "y"], "op")
    quants = {"x": (0.05, 9), "z": (0.031, -20), "y": (0.06, -3)}
    model = _staged(node, {"x": SUMS[case], "z": SUMS[case]}, quants, activation)
    _check(model, "mve_sum")


def _check(model: onnx.ModelProto, template: str) -> None:
    """Under every schedule on the host; layer by layer and in patches on the board."""
    program = _tailored(model, template)
    samples = samples_of(model)
    expected = reference(model, samples)
    agree(program, samples, expected)
    _check_on_board(program)
    if can_be_windowed(program):
        for variant in (stream_rows(program), stream_frames(program), patches(program, 2, 3)):
            agree(variant, samples, expected)
        _check_on_board(patches(program, 2, 3))


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("case", ["pointwise, odd", "3x3, odd"])
def test_both_compilers_take_convolutions(case: str, find: Callable[[Target], Toolchain | None]) -> None:
    shape, weights, attributes = CONVOLUTIONS[case]
    _check_on_board(_tailored(_layer("Conv", shape, weights, attributes, "Clip"), "mve_conv2d"), find)


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("case", ["19 channels", "5x5"])
def test_both_compilers_take_depthwise(case: str, find: Callable[[Target], Toolchain | None]) -> None:
    shape, kernel, attributes = DEPTHWISE[case]
    model = _layer("Conv", shape, (shape[1], 1, *kernel), attributes | {"group": shape[1]}, "Clip")
    _check_on_board(_tailored(model, "mve_depthwise"), find)


@pytest.mark.parametrize("find", [gcc, zig])
def test_both_compilers_take_sums(find: Callable[[Target], Toolchain | None]) -> None:
    node = helper.make_node("Add", ["x", "z"], ["sum"], "op")
    quants = {"x": (0.05, 9), "z": (0.031, -20), "y": (0.06, -3)}
    shapes = {"x": (1, 5, 3, 3), "z": (1, 5, 3, 3)}
    _check_on_board(_tailored(_staged(node, shapes, quants, "Clip"), "mve_sum"), find)


def _check_on_board(
    program: Program, find: Callable[[Target], Toolchain | None] = find_toolchain
) -> None:
    """Asserts that the board computes what the emulator does, on random bytes."""
    target = load_target(M55)
    toolchain = find(target)
    if toolchain is None:
        pytest.skip("no cross compiler for a Cortex-M55 on this machine")
    if find_qemu() is None:
        pytest.skip(f"needs {EMULATOR}, which is not installed")
    placed = place(program)
    files = emit(placed, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    device = build_device(placed, files, target, [step.name for step in placed.steps], toolchain)
    given = _random_inputs(placed)
    wanted, run = Machine(placed).run(given), device.run(given)
    for name in placed.outputs:
        np.testing.assert_array_equal(run.outputs[name], wanted[name])


def _random_inputs(program: Program) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: rng.integers(-128, 128, program.buffers[name].shape).astype(np.int8) for name in program.inputs
    }


def test_extreme_weights_and_inputs() -> None:
    """Sums of products as large as they get: 16 bits hold two of a depthwise layer, not more."""
    weights = np.full((16, 1, 3, 3), -128, np.int8)
    weights[::2] = 127
    node = helper.make_node("Conv", ["x", "w"], ["y"], "conv", group=16)
    model = qdq_model(
        [node], {"x": (1, 16, 3, 3)}, ["y"], {"x": (0.05, 0), "y": (6.0, 0)},
        dequantized={"w": (weights, np.full(16, 0.01), 0)}, stage=True,
    )  # fmt: skip
    program = place(_tailored(model, "mve_depthwise"))
    target = load_target(M55)
    if find_toolchain(target) is None or find_qemu() is None:
        pytest.skip("no cross compiler or no QEMU for a Cortex-M55 on this machine")
    files = emit(program, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    device = build_device(program, files, target, [step.name for step in program.steps], gcc(target))
    for value in (-128, 127):
        given = {name: np.full(program.buffers[name].shape, value, np.int8) for name in program.inputs}
        wanted, run = Machine(program).run(given), device.run(given)
        for name in program.outputs:
            np.testing.assert_array_equal(run.outputs[name], wanted[name])


def test_a_core_with_the_dsp_extension_only_gets_no_helium() -> None:
    shape, weights, attributes = CONVOLUTIONS["pointwise"]
    program = tailor(lowered(_layer("Conv", shape, weights, attributes, None)), load_target("nrf5340dk"))
    assert "dsp_conv2d" in [step.kernel.template for step in program.steps]


def test_equal_numbers_of_channels_work_in_place() -> None:
    """Input and output share their bytes; working memory is beside: the inputs of some pixels."""
    shape, weights, attributes = CONVOLUTIONS["pointwise, as many channels"]
    placed = place(_tailored(_layer("Conv", shape, weights, attributes, None), "mve_conv2d"))
    (step,) = (step for step in placed.steps if step.kernel.template == "mve_conv2d")
    assert placed.offset(step.inputs[0]) == placed.offset(step.outputs[0])
    assert step.kernel.scratch() == 14 * 18


def test_layers_read_where_inputs_lie() -> None:
    """Where the output is elsewhere anyway no working memory is taken."""
    shape, weights, attributes = CONVOLUTIONS["pointwise"]
    program = _tailored(_layer("Conv", shape, weights, attributes, None), "mve_conv2d")
    assert all(not step.scratch for step in program.steps)
