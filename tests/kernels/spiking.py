"""Layers whose inputs are spikes, and what they have to compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import helper

from tinyc.benchmarks.spikes import spikes_at, spiking_program
from tinyc.ir.program import Program
from tinyc.kernels.event import EventLayer
from tinyc.kernels.event_conv2d import EventConvolution, event_convolution
from tinyc.kernels.event_dense import EventDense
from tinyc.kernels.sliding import Sliding
from tinyc.kernels.threshold import Threshold

from .checks import agree, float_model, reference
from .layers import CONVOLUTIONS, DEPTHWISE, SCATTERED, Convolution, grouped
from .schedules import can_be_windowed, column_tiles, patches, rows_alone, stream_frames, stream_rows

RATES = (0.0, 0.05, 0.4, 1.0)
"""Shares of the inputs that spike."""
ALONE = CONVOLUTIONS
"""Convolutions without groups."""
GROUPED = SCATTERED | {f"depthwise, {name}": grouped(case) for name, case in DEPTHWISE.items()}
WEIGHTS = {
    "random": (-128, 128), "no -128": (-127, 128), "all -128": (-128, -127), "all 127": (127, 128),
    "none": (0, 1),
}  # fmt: skip
"""From, and up to but not including."""
Change = Callable[[Program], Program]
"""Of a program into one that computes the same."""


def unchanged(program: Program) -> Program:
    return program


def rebuilt(program: Program, kernel: EventLayer) -> Program:
    """The program with another form of its layer."""
    spikes, out = program.steps[0].kernel, program.buffers["y"]
    assert isinstance(spikes, Threshold)
    return spiking_program(kernel, spikes.shape, out.shape, out.dtype, spikes.threshold)


def random_weights(kind: str, shape: Sequence[int], bias: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 weights of a ``shape`` that begins with the outputs, and biases from -``bias`` to ``bias``."""
    rng = np.random.default_rng(sum(shape))
    weights = rng.integers(*WEIGHTS[kind], tuple(shape)).astype(np.int8)
    return weights, rng.integers(-bias, bias + 1, shape[0])


def dense(
    inputs: int, outputs: int, rows: int = 1, weights: str = "random", bias: int = 900,
    rate: float | None = None, threshold: int = 0,
) -> Program:  # fmt: skip
    """A dense layer; of random inputs spike those above ``threshold``."""
    kernel = EventDense.of((rows, outputs), *random_weights(weights, (outputs, inputs), bias), rate)
    return spiking_program(kernel, (rows, inputs), kernel.shape, kernel.dtype, threshold)


def convolution(
    case: Convolution, weights: str = "random", bias: int = 900, rate: float | None = None,
    threshold: int = 0,
) -> Program:  # fmt: skip
    (batch, channels, *size), dims, attributes = case
    integers, currents = random_weights(weights, dims, bias)
    sliding = sliding_of(case)
    ordered = integers.reshape(*dims[:2], *sliding.kernel).transpose(0, 2, 3, 1)
    kernel = event_convolution(sliding, attributes.get("group", 1), ordered, currents, rate)
    out = (batch, *sliding.output[: len(size)], dims[0])
    return spiking_program(kernel, (batch, *size, channels), out, kernel.dtype, threshold)


def wider(case: Convolution, more: int) -> Convolution:
    """The case with more output channels."""
    shape, (outputs, *others), attributes = case
    return shape, (outputs + more, *others), attributes


def sliding_of(case: Convolution) -> Sliding:
    """The geometry of a case."""
    (batch, _, *size), (_, _, *kernel), attributes = case
    missing = [1] * len(size)
    strides, dilations = attributes.get("strides", missing), attributes.get("dilations", missing)
    pads = attributes.get("pads", [0] * (2 * len(size)))
    out = [
        (n + pads[i] + pads[i + len(size)] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1
        for i, n in enumerate(size)
    ]

    def pair(values: Any, last: int = 1) -> tuple[int, int]:
        return (values[0], values[1] if len(size) == 2 else last)

    return Sliding(pair(kernel), pair(strides), pair(dilations), pair(pads, 0), pair(size), pair(out), batch)


def check_convolution(case: Convolution, program: Program, change: Change = unchanged) -> None:
    """``change`` of the program against ONNX Runtime at all rates, under every schedule."""
    shape, dims, attributes = case
    kernel = program.steps[1].kernel
    assert isinstance(kernel, EventConvolution)
    weights = kernel.weights.transpose(0, 3, 1, 2).reshape(dims).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes)
    model = float_model([node], {"x": shape}, ["y"], {"w": weights, "b": kernel.bias.astype(np.float32)})
    samples = [spikes_at(rate, program.buffers["x"].shape) for rate in RATES]
    first = [{"x": np.moveaxis(sample["x"], -1, 1).astype(np.float32)} for sample in samples]
    expected = [[np.moveaxis(y, 1, -1)] for (y,) in reference(model, first)]
    for variant in every_schedule(change(program)):
        agree(variant, samples, expected, lsb=0)


def every_schedule(program: Program) -> list[Program]:
    """Layer by layer, and the others that the program allows."""
    if not can_be_windowed(program):
        return [program]
    streams = [stream_rows(program), patches(program, 2, 3), column_tiles(program, 3, upward=True)]
    return [program, *streams, rows_alone(program, upward=True), stream_frames(program)]


def check_dense(program: Program, change: Change = unchanged) -> None:
    """``change`` of the program against sums of Python's integers at all rates."""
    kernel = program.steps[1].kernel
    assert isinstance(kernel, EventDense)
    weights, bias = kernel.weights.T.astype(object), kernel.bias.astype(object)
    samples = [spikes_at(rate, program.buffers["x"].shape) for rate in RATES]
    expected = [[sample["x"].astype(object) @ weights + bias] for sample in samples]
    agree(change(program), samples, expected, lsb=0)
