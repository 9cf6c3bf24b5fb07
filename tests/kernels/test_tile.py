"""Register tiles for cores without DSP instructions: the emulator's numbers on the host, a Cortex-M0+ and RV32."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.devices import build_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import find_toolchain, gcc, zig
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .checks import OPSET, agree, lowered, qdq_model, reference, samples_of
from .schedules import can_be_windowed, patches, stream_rows
from .test_dsp import CONVOLUTIONS, DEPTHWISE, MATRICES, _convolution, _depthwise, _matrix, _model, _random_inputs

BOARDS = {"nucleo-g0b1re": "tile_pairs", "esp32-c3": "tile_conv2d"}
"""And the convolution that each takes."""


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
        _check_on_board(variant, board)


def _check_on_board(program: Program, board: str, find=find_toolchain) -> None:
    """Asserts that the board computes what the emulator does, on random bytes."""
    target = load_target(board)
    toolchain = find(target)
    if toolchain is None:
        pytest.skip(f"no cross compiler for {target.cpu} on this machine")
    placed = place(program)
    files = emit(placed, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    device = build_device(placed, files, target, [step.name for step in placed.steps], toolchain)
    given = _random_inputs(placed)
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
