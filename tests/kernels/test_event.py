"""Event-driven layers: ONNX Runtime's sums of floats, the emulator's, and compiled C, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from tinyc.benchmarks.spikes import spikes_at, spiking_program
from tinyc.emulator.toolchain import gcc, zig
from tinyc.ir.dtype import DType
from tinyc.ir.program import Program
from tinyc.kernels.event_conv2d import EventConvolution, event_convolution
from tinyc.kernels.event_dense import EventDense
from tinyc.kernels.event_rows import current_type
from tinyc.kernels.sliding import Sliding

from .boards import M0, M4, RV32, Find, check_on_board, check_schedules, sampled
from .checks import agree, float_model, reference
from .layers import CONVOLUTIONS, DEPTHWISE, SCATTERED, Convolution, grouped, windowed
from .schedules import column_tiles, patches, rows_alone, stream_frames, stream_rows

BOARDS = (M0, M4, RV32)
RATES = (0.0, 0.05, 0.4, 1.0)
"""Shares of the inputs that spike."""
CASES = CONVOLUTIONS | SCATTERED | {f"depthwise, {name}": grouped(case) for name, case in DEPTHWISE.items()}
INPUTS = (1, 7, 8, 9, 31, 33, 65)
OUTPUTS = (1, 3, 4, 5, 127)
WEIGHTS = {"random": (-128, 128), "all -128": (-128, -127), "all 127": (127, 128), "none": (0, 1)}
"""From, and up to but not including."""


def dense(inputs: int, outputs: int, rows: int = 1, weights: str = "random", bias: int = 900) -> EventDense:
    rng = np.random.default_rng(inputs + outputs)
    integers = rng.integers(*WEIGHTS[weights], (outputs, inputs)).astype(np.int8)
    return EventDense.of((rows, outputs), integers, rng.integers(-bias, bias + 1, outputs))


def dense_program(kernel: EventDense, threshold: int = 0) -> Program:
    shape = (kernel.rows, kernel.weights.shape[1])
    return spiking_program(kernel, shape, kernel.shape, kernel.dtype, threshold)


def convolution(case: Convolution, weights: str = "random", bias: int = 900) -> EventConvolution:
    _, dims, attributes = case
    rng = np.random.default_rng(sum(dims))
    integers = rng.integers(*WEIGHTS[weights], dims).astype(np.int8)
    sliding = sliding_of(case)
    ordered = integers.reshape(*dims[:2], *sliding.kernel).transpose(0, 2, 3, 1)
    currents = rng.integers(-bias, bias + 1, dims[0])
    return event_convolution(sliding, attributes.get("group", 1), ordered, currents)


def sliding_of(case: Convolution) -> Sliding:
    """The geometry of a case, whose output is as large as its padding allows."""
    (batch, _, *size), (_, _, *kernel), attributes = case
    missing = (*[1] * len(size), *[0] * len(size))
    strides, dilations = attributes.get("strides", missing), attributes.get("dilations", missing)
    pads = attributes.get("pads", [0] * (2 * len(size)))
    out = [
        (n + pads[i] + pads[i + len(size)] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1
        for i, n in enumerate(size)
    ]

    def pair(values: Any, last: int = 1) -> tuple[int, int]:
        return (values[0], values[1] if len(size) == 2 else last)

    return Sliding(pair(kernel), pair(strides), pair(dilations), pair(pads, 0), pair(size), pair(out), batch)


def convolution_program(case: Convolution, kernel: EventConvolution, threshold: int = 0) -> Program:
    (batch, channels, *size), (outputs, *_), _ = case
    s = kernel.sliding
    return spiking_program(
        kernel, (batch, *size, channels), (batch, *s.output[: len(size)], outputs), kernel.dtype, threshold
    )


def check_convolution(case: Convolution, kernel: EventConvolution) -> None:
    """Against ONNX Runtime at all rates, under every schedule."""
    shape, dims, attributes = case
    weights = kernel.weights.transpose(0, 3, 1, 2).reshape(dims).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes)
    model = float_model([node], {"x": shape}, ["y"], {"w": weights, "b": kernel.bias.astype(np.float32)})
    program = convolution_program(case, kernel)
    variants = [program]
    if shape[0] == 1:
        variants += [stream_rows(program), patches(program, 2, 3), column_tiles(program, 3, upward=True)]
        variants += [rows_alone(program, upward=True), stream_frames(program)]
    samples = [spikes_at(rate, program.buffers["x"].shape) for rate in RATES]
    first = [{"x": np.moveaxis(s["x"], -1, 1).astype(np.float32)} for s in samples]
    expected = [[np.moveaxis(y, 1, -1)] for (y,) in reference(model, first)]
    for variant in variants:
        agree(variant, samples, expected, lsb=0)


def check_dense(kernel: EventDense) -> None:
    """Against sums of Python's integers at all rates."""
    program = dense_program(kernel)
    samples = [spikes_at(rate, program.buffers["x"].shape) for rate in RATES]
    expected = [[s["x"].astype(object) @ kernel.weights.T.astype(object) + kernel.bias] for s in samples]
    agree(program, samples, expected, lsb=0)


@pytest.mark.parametrize("case", CASES)
def test_convolutions(case: str) -> None:
    check_convolution(CASES[case], convolution(CASES[case]))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", sampled(CASES, "3x3, odd", "two groups", "depthwise, odd channels", "1-D"))
def test_convolutions_on_boards(case: str, board: str) -> None:
    check_on_board(convolution_program(CASES[case], convolution(CASES[case])), board)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("case", sampled(windowed(CASES), "3x3, odd"))
def test_convolutions_in_other_schedules_on_boards(case: str, board: str) -> None:
    check_schedules(convolution_program(CASES[case], convolution(CASES[case])), board)


@pytest.mark.parametrize("case", ["3x3", "two groups", "depthwise, same"])
def test_convolutions_with_currents_of_32_bits(case: str) -> None:
    kernel = convolution(CASES[case], bias=100_000)
    assert kernel.dtype is DType.INT32
    check_convolution(CASES[case], kernel)


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_dense(inputs: int, outputs: int) -> None:
    kernel = dense(inputs, outputs)
    assert kernel.dtype is DType.INT16
    check_dense(kernel)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("inputs", [255, 256, 700])
def test_long_dense(inputs: int, weights: str) -> None:
    check_dense(dense(inputs, 13, rows=2, weights=weights))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("threshold", [127, 100, -128])
@pytest.mark.parametrize(("inputs", "outputs", "weights"), [(65, 19, "random"), (700, 6, "all -128")])
def test_dense_on_boards(inputs: int, outputs: int, weights: str, threshold: int, board: str) -> None:
    """No input spikes, one in nine, nearly all."""
    check_on_board(dense_program(dense(inputs, outputs, weights=weights), threshold), board)


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("board", BOARDS)
def test_both_compilers(board: str, find: Find) -> None:
    check_on_board(dense_program(dense(33, 5, rows=3)), board, find)
    case = CASES["two groups"]
    check_on_board(convolution_program(case, convolution(case)), board, find)


@pytest.mark.parametrize(
    ("weights", "bias", "dtype"),
    [
        ([127] * 258, 1, DType.INT16),
        ([127] * 258, 2, DType.INT32),
        ([-128] * 256, 0, DType.INT16),
        ([-128] * 256, -1, DType.INT32),
        ([127, -128] * 256, 255, DType.INT16),
        ([127, -128] * 258, 2, DType.INT32),
        ([0], 2**31 - 1, DType.INT32),
    ],
)
def test_currents_have_16_bits_where_that_is_proved(weights: list[int], bias: int, dtype: DType) -> None:
    """To the last unit: of the largest sum and of the least."""
    assert current_type(np.array([weights], np.int8), np.array([bias])) is dtype


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_currents_that_fit(sign: int) -> None:
    """All inputs spike, and the sum is the last one of its type."""
    for count, last in ((258, 2**15), (300, 2**31)):
        edge = last - 1 if sign > 0 else -last
        weights = np.full((1, count), sign * 127, np.int8)
        kernel = EventDense.of((1, 1), weights, np.array([edge - sign * 127 * count]))
        assert kernel.dtype is (DType.INT16 if last == 2**15 else DType.INT32)
        check_dense(kernel)


def test_sums_beyond_32_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 32 bits"):
        EventDense.of((1, 1), np.array([[1]], np.int8), np.array([2**31 - 1]))


def test_more_inputs_than_can_be_listed_are_refused() -> None:
    with pytest.raises(ValueError, match="65,536"):
        EventDense.of((1, 1), np.zeros((1, 2**16 + 1), np.int8), np.zeros(1))
