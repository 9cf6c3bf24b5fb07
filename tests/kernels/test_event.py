"""Event-driven layers in portable C: exact sums, the emulator's, and compiled C agree bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.benchmarks.spikes import spiking_program
from tinyc.emulator.toolchain import gcc, zig
from tinyc.ir.dtype import DType
from tinyc.kernels.event_dense import EventDense
from tinyc.kernels.event_rows import current_type

from .boards import M0, M4, RV32, Find, check_on_board, check_schedules, sampled
from .layers import windowed
from .spiking import ALONE, GROUPED, WEIGHTS, check_convolution, check_dense, convolution, dense

BOARDS = (M0, M4, RV32)
CASES = ALONE | GROUPED
QUICK = ("3x3, odd", "stride 3, wide", "two groups", "depthwise, odd channels", "1-D")
INPUTS = (1, 7, 8, 9, 31, 33, 65)
OUTPUTS = (1, 3, 4, 5, 127)


@pytest.mark.parametrize(
    "case", sampled(CASES, *QUICK, "pointwise, padding behind", "more outputs than inputs", "batch of 2")
)
def test_convolutions(case: str) -> None:
    check_convolution(CASES[case], convolution(CASES[case]))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", sampled(CASES, *QUICK))
def test_convolutions_on_boards(case: str, board: str) -> None:
    check_on_board(convolution(CASES[case]), board)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", sampled(windowed(CASES), "3x3, odd"))
def test_convolutions_in_other_schedules_on_boards(case: str, board: str) -> None:
    check_schedules(convolution(CASES[case]), board)


@pytest.mark.parametrize("case", ["3x3", "two groups", "depthwise, same"])
def test_convolutions_with_currents_of_32_bits(case: str) -> None:
    program = convolution(CASES[case], bias=100_000)
    assert program.buffers["y"].dtype is DType.INT32
    check_convolution(CASES[case], program)


def test_groups_of_many_outputs() -> None:
    """A table of 16 bits says where their currents are."""
    case = ((1, 6, 2, 2), (390, 2, 1, 1), {"group": 3})
    check_convolution(case, convolution(case))


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_dense(inputs: int, outputs: int) -> None:
    program = dense(inputs, outputs)
    assert program.buffers["y"].dtype is DType.INT16
    check_dense(program)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("inputs", [255, 256, 700])
def test_long_dense(inputs: int, weights: str) -> None:
    check_dense(dense(inputs, 13, rows=2, weights=weights))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("threshold", [127, 100, -128])
@pytest.mark.parametrize(("inputs", "outputs", "weights"), [(65, 19, "random"), (700, 6, "all -128")])
def test_dense_on_boards(inputs: int, outputs: int, weights: str, threshold: int, board: str) -> None:
    """No input spikes, one in nine, nearly all."""
    check_on_board(dense(inputs, outputs, weights=weights, threshold=threshold), board)


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("board", BOARDS)
def test_both_compilers(board: str, find: Find) -> None:
    check_on_board(dense(33, 5, rows=3), board, find)
    check_on_board(convolution(CASES["two groups"]), board, find)


@pytest.mark.parametrize(
    ("weights", "bias", "dtype"),
    [([127] * 258, 1, DType.INT16), ([127] * 258, 2, DType.INT32), ([-128] * 256, 0, DType.INT16),
     ([-128] * 256, -1, DType.INT32), ([127, -128] * 256, 255, DType.INT16),
     ([127, -128] * 258, 2, DType.INT32), ([0], 2**31 - 1, DType.INT32)],
)  # fmt: skip
def test_currents_have_16_bits_where_that_is_proved(weights: list[int], bias: int, dtype: DType) -> None:
    """To the last unit: of the largest sum and of the least."""
    assert current_type(np.array([weights], np.int8), np.array([bias])) is dtype


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("inputs", "dtype"), [(258, DType.INT16), (300, DType.INT32)])
def test_the_largest_currents_that_fit(inputs: int, dtype: DType, sign: int) -> None:
    """All inputs spike, and the sum is the last one of its type."""
    edge = int(dtype.highest if sign > 0 else dtype.lowest)
    weights = np.full((1, inputs), sign * 127, np.int8)
    kernel = EventDense.of((1, 1), weights, np.array([edge - sign * 127 * inputs]))
    assert kernel.dtype is dtype
    check_dense(spiking_program(kernel, (1, inputs), kernel.shape, dtype))


def test_sums_beyond_32_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 32 bits"):
        EventDense.of((1, 1), np.array([[1]], np.int8), np.array([2**31 - 1]))


def test_more_inputs_than_can_be_listed_are_refused() -> None:
    with pytest.raises(ValueError, match="65,536"):
        EventDense.of((1, 1), np.zeros((1, 2**16 + 1), np.int8), np.zeros(1))
