"""Kernels for cores without DSP instructions: the emulator's numbers on the host, a Cortex-M0+ and RV32."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.emulator.toolchain import gcc, zig
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .boards import M0, RV32, Find, check_all, check_layer, check_on_board, check_schedules, sampled, tailored
from .checks import agree, lowered, qdq_model, reference, samples_of
from .layers import CONVOLUTIONS, DEPTHWISE, MATRICES, grouped, int8_convolution, int8_matrix, windowed

BOARDS = {M0: "tile_pairs", RV32: "tile_conv2d"}
"""And the convolution that each takes."""
FILTERS = {M0: "tile_taps", RV32: "tile_depthwise"}
"""And the depthwise one."""


def _template(case: str, board: str) -> str:
    """Few channels stay with the portable kernel."""
    enough = CONVOLUTIONS[case][1][0] >= {M0: 2, RV32: 4}[board]
    return BOARDS[board] if enough else "conv2d"


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str, board: str) -> None:
    check_all(int8_convolution(CONVOLUTIONS[case]), board, _template(case, board))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_activated_convolutions(case: str, board: str) -> None:
    check_layer(int8_convolution(CONVOLUTIONS[case], "Clip"), board, _template(case, board))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", sampled(windowed(CONVOLUTIONS), "3x3, odd"))
def test_convolutions_in_other_schedules(case: str, board: str) -> None:
    program = tailored(int8_convolution(CONVOLUTIONS[case]), board, _template(case, board))
    check_schedules(program, board)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("inputs", [2, 3])
@pytest.mark.parametrize("width", [2, 3, 6, 7])
def test_pixels_left_at_the_end_of_a_row(width: int, inputs: int, board: str) -> None:
    """By fours, two or three are left; with two inputs RV32 gathers the taps."""
    model = int8_convolution(((1, inputs, 3, width), (6, inputs, 3, 3), {"pads": [1, 1, 1, 1]}))
    check_all(model, board, BOARDS[board])


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", DEPTHWISE)
def test_depthwise(case: str, board: str) -> None:
    check_all(int8_convolution(grouped(DEPTHWISE[case])), board, FILTERS[board])


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", DEPTHWISE)
def test_activated_depthwise(case: str, board: str) -> None:
    check_layer(int8_convolution(grouped(DEPTHWISE[case]), "Clip"), board, FILTERS[board])


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", sampled(windowed(DEPTHWISE), "stride 2, one side"))
def test_depthwise_in_other_schedules(case: str, board: str) -> None:
    program = tailored(int8_convolution(grouped(DEPTHWISE[case])), board, FILTERS[board])
    check_schedules(program, board)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("activation", [None, "Relu"])
@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str, activation: str | None, board: str) -> None:
    check_layer(int8_matrix(MATRICES[case], activation), board, "tile_dense")


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("board", BOARDS)
def test_both_compilers(board: str, find: Find) -> None:
    convolution = int8_convolution(CONVOLUTIONS["3x3, odd"], "Clip")
    depthwise = int8_convolution(grouped(DEPTHWISE["odd channels"]), "Clip")
    check_on_board(tailored(convolution, board, BOARDS[board]), board, find)
    check_on_board(tailored(depthwise, board, FILTERS[board]), board, find)
    check_on_board(tailored(int8_matrix(MATRICES["odd"]), board, "tile_dense"), board, find)


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
    program = tailored(model, M0, template)
    samples = [{name: np.full_like(x, -6.85)} for name, x in samples_of(model)[0].items()] + samples_of(model)
    agree(program, samples, reference(model, samples))
    check_on_board(program, M0)


@pytest.mark.parametrize("target", ["host", "ch32v003"])
def test_targets_that_keep_the_portable_kernels(target: str) -> None:
    """The machine that compiles, and a core that cannot multiply."""
    program = lowered(int8_convolution(CONVOLUTIONS["pointwise"]))
    assert tailor(program, load_target(target)).steps == program.steps


@pytest.mark.parametrize(("board", "words"), [(M0, 28), (RV32, 0)])
def test_working_memory(board: str, words: int) -> None:
    """A word for each of 27 taps, filled up to an even number; on RV32 none."""
    program = tailored(int8_convolution(CONVOLUTIONS["3x3, odd"]), board, BOARDS[board])
    (step,) = (step for step in program.steps if step.kernel.template == BOARDS[board])
    assert sum(program.buffers[name].shape[0] for name in step.scratch) == words
