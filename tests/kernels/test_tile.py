"""Kernels for cores without DSP instructions: the emulator's numbers on the host, a Cortex-M0+ and RV32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.benchmarks.inputs import random_inputs
from tinyc.codegen.emit import Facts, emit
from tinyc.codegen.optimization import Optimize
from tinyc.emulator.devices import build_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import find_toolchain, gcc, zig
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .checks import OPSET, agree, lowered, qdq_model, reference, samples_of
from .dsp import layer
from .schedules import can_be_windowed, patches, stream_rows
from .test_dsp import CONVOLUTIONS, DEPTHWISE, MATRICES, _convolution, _depthwise, _matrix

BOARDS = {"nucleo-g0b1re": "tile_pairs", "esp32-c3": "tile_conv2d"}
"""And the convolution that each takes."""
FILTERS = {"nucleo-g0b1re": "tile_taps", "esp32-c3": "tile_depthwise"}
"""And the depthwise one."""


def _tailored(model: onnx.ModelProto, board: str, template: str) -> Program:
    program = tailor(lowered(model), load_target(board))
    assert [step.kernel.template for step in program.steps].count(template) == 1
    return program


def _check_all(model: onnx.ModelProto, board: str, template: str, every: bool) -> None:
    """Under every schedule on the host; on the board layer by layer, or under ``every`` schedule too."""
    program = _tailored(model, board, template)
    samples = samples_of(model)
    expected = reference(model, samples)
    variants = [program]
    if can_be_windowed(program):
        variants += [stream_rows(program), patches(program, 2, 3)]
    for variant in variants:
        agree(variant, samples, expected)
    for variant in variants if every else variants[:1]:
        _check_on_board(variant, board, optimize="speed" if every else "size")


def _check_on_board(
    program: Program, board: str, find=find_toolchain, optimize: Optimize = "speed"
) -> None:
    """Asserts that the board computes what the emulator does, on random bytes."""
    target = load_target(board)
    toolchain = find(target)
    if toolchain is None:
        pytest.skip(f"no cross compiler for {target.cpu} on this machine")
    placed = place(program)
    files = emit(placed, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    toolchain = replace(toolchain, optimize=optimize)
    device = build_device(placed, files, target, [step.name for step in placed.steps], toolchain)
    given = random_inputs(placed)
    wanted, run = Machine(placed).run(given), device.run(given)
    for name in placed.outputs:
        np.testing.assert_array_equal(run.outputs[name], wanted[name])


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("activation", [None, "Clip"])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str, activation: str | None, board: str) -> None:
    channels = CONVOLUTIONS[case][1][0]
    enough = channels >= (4 if board == "esp32-c3" else 2)
    template = BOARDS[board] if enough else "conv2d"
    _check_all(_convolution(case, activation), board, template, every=activation is None)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("inputs", [2, 3])
@pytest.mark.parametrize("width", [2, 3, 6, 7])
def test_pixels_left_at_the_end_of_a_row(width: int, inputs: int, board: str) -> None:
    """By fours, two or three are left; with two inputs RV32 gathers the taps."""
    model = layer("Conv", (1, inputs, 3, width), (6, inputs, 3, 3), {"pads": [1, 1, 1, 1]}, None)
    _check_all(model, board, BOARDS[board], every=False)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("activation", [None, "Clip"])
@pytest.mark.parametrize("case", DEPTHWISE)
def test_depthwise(case: str, activation: str | None, board: str) -> None:
    _check_all(_depthwise(case, activation), board, FILTERS[board], every=activation is None)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("activation", [None, "Relu"])
@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str, activation: str | None, board: str) -> None:
    _check_all(_matrix(case, activation), board, "tile_dense", every=False)


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("board", BOARDS)
def test_both_compilers(board: str, find) -> None:
    _check_on_board(_tailored(_convolution("3x3, odd", "Clip"), board, BOARDS[board]), board, find)
    _check_on_board(_tailored(_depthwise("odd channels", "Clip"), board, FILTERS[board]), board, find)
    _check_on_board(_tailored(_matrix("odd", None), board, "tile_dense"), board, find)


def _with_weights(first: int, second: int) -> onnx.ModelProto:
    """A pointwise convolution of two channels, whose weights of either are these two by turns."""
    integers = np.tile(np.array([first, second], np.int8), (2, 4)).reshape(2, 8, 1, 1)
    return qdq_model(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")], {"x": (1, 8, 2, 2)}, ["y"],
        {"x": (0.05, 9), "y": (0.9, 0)}, dequantized={"w": (integers, np.full(2, 0.01), 0)}, stage=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "template"),
    [((127, 127), "tile_pairs"), ((-127, -127), "tile_pairs"), ((-128, 127), "tile_pairs"),
     ((-128, -127), "tile_pairs"), ((-128, -128), "conv2d")],
)  # fmt: skip
def test_products_of_two_taps_have_to_fit_half_a_word(weights: tuple[int, int], template: str) -> None:
    model = _with_weights(*weights)
    program = _tailored(model, "nucleo-g0b1re", template)
    samples = [{name: np.full_like(x, -6.85)} for name, x in samples_of(model)[0].items()] + samples_of(model)
    agree(program, samples, reference(model, samples))
    _check_on_board(program, "nucleo-g0b1re")


@pytest.mark.parametrize("target", ["host", "ch32v003"])
def test_targets_that_keep_the_portable_kernels(target: str) -> None:
    """The machine that compiles, and a core that cannot multiply."""
    program = lowered(_convolution("pointwise", None))
    assert tailor(program, load_target(target)).steps == program.steps


@pytest.mark.parametrize(("board", "words"), [("nucleo-g0b1re", 28), ("esp32-c3", 0)])
def test_working_memory(board: str, words: int) -> None:
    """A word for each of 27 taps, filled up to an even number; on RV32 none."""
    program = _tailored(_convolution("3x3, odd", None), board, BOARDS[board])
    (step,) = (step for step in program.steps if step.kernel.template == BOARDS[board])
    assert sum(program.buffers[name].shape[0] for name in step.scratch) == words
