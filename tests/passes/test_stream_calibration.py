"""Calibration of streams: what the whole model computes once for a sequence has to hold at every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from onnx import helper

from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.stepping import Stepper
from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program
from tinyc.ir.values import to_real
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.lower import lower
from tinyc.passes.place import place
from tinyc.passes.quantize import QuantizeOptions, quantize
from tinyc.passes.settle import settle_states
from tinyc.passes.shift import shift_states
from tinyc.passes.streaming import stream

from ..kernels.checks import float_model

FRAMES, FEATURES, UNITS = 8, 3, 5


def behind_the_last_step() -> onnx.ModelProto:
    """A layer that forgets quickly, and a dense one that reads its last state: x [8, 1, 3] to y [1, 4]."""
    rng = np.random.default_rng(0)
    forget = np.zeros((1, 8 * UNITS), np.float32)
    forget[0, 2 * UNITS : 3 * UNITS] = -4
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R", "B"], ["Y"], "cell", hidden_size=UNITS),
        helper.make_node("Gather", ["Y", "last"], ["state"], "last", axis=0),
        helper.make_node("Reshape", ["state", "flat"], ["row"], "flat"),
        helper.make_node("Gemm", ["row", "M"], ["hidden"], "hidden"),
        helper.make_node("Relu", ["hidden"], ["kept"], "kept"),
        helper.make_node("Gemm", ["kept", "N"], ["y"], "head"),
    ]
    constants = {
        "W": rng.normal(size=(1, 4 * UNITS, FEATURES)) * 2, "R": rng.normal(size=(1, 4 * UNITS, UNITS)) * 0.1,
        "B": forget, "M": rng.normal(size=(UNITS, 6)), "N": rng.normal(size=(6, 4)),
    }  # fmt: skip
    integers = {"last": np.array(-1), "flat": np.array([1, UNITS])}
    floats = {name: array.astype(np.float32) for name, array in constants.items()}
    return float_model(nodes, {"x": (FRAMES, 1, FEATURES)}, ["y"], {**floats, **integers})


def behind_a_window() -> onnx.ModelProto:
    """A causal convolution, the mean over all frames and a dense layer: x [1, 3, 8] to y [1, 4]."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["x", "W"], ["maps"], "conv", pads=[2, 0]),
        helper.make_node("ReduceMean", ["maps", "time"], ["mean"], "mean", keepdims=0),
        helper.make_node("Gemm", ["mean", "M"], ["y"], "head"),
    ]
    constants = {"W": rng.normal(size=(UNITS, FEATURES, 3)), "M": rng.normal(size=(UNITS, 4))}
    floats = {name: array.astype(np.float32) for name, array in constants.items()}
    return float_model(nodes, {"x": (1, FEATURES, FRAMES)}, ["y"], {**floats, "time": np.array([2])})


CASES = {"last step": (behind_the_last_step, 0), "window": (behind_a_window, 2)}


def sequences(shape: Sequence[int], axis: int) -> np.ndarray:
    """Sixteen samples whose second half is quiet, or takes back the first where frames are summed up."""
    first = np.random.default_rng(1).normal(size=(16, *shape)).astype(np.float32)
    first = np.take(first, range(FRAMES // 2), axis=1 + axis)
    return np.concatenate([first, -first if axis == 2 else 0.02 * first], axis=1 + axis)


def in_calls(program: Program, sample: np.ndarray, axis: int) -> np.ndarray:
    """The integers that the stream gives, frame by frame."""
    machine = Machine(program)
    frames = np.split(sample, FRAMES, axis=axis)
    return np.stack([
        machine.run(stored_inputs(program, {"x": frame}))[program.outputs[0]].reshape(-1) for frame in frames
    ])  # fmt: skip


def largest_error(model: oir.Model, quantized: oir.Model, samples: np.ndarray, axis: int) -> float:
    """Of an answer at any step, as a share of the range of all; the integers of the last steps are those of
    the whole model."""
    whole = place(lower(quantized.clone(), "whole"))
    step = place(settle_states(shift_states(lower(stream(quantized, axis).model, "step"))))
    output, real = step.buffers[step.outputs[0]], Stepper(stream(model.clone(), axis).model)
    wanted: list[np.ndarray] = []
    found: list[np.ndarray] = []
    for sample in samples:
        given = in_calls(step, sample, axis)
        last = Machine(whole).run(stored_inputs(whole, {"x": sample}))[whole.outputs[0]]
        np.testing.assert_array_equal(given[-1], last.reshape(-1))
        found.append(np.stack([to_real(answer, output).reshape(-1) for answer in given]))
        _, answers = real.run([{"x": frame} for frame in np.split(sample, FRAMES, axis=axis)])
        wanted.append(np.stack([answer["y"].reshape(-1) for answer in answers]))
    span = np.max(wanted) - np.min(wanted)
    return float(np.abs(np.subtract(found, wanted)).max() / span)


@pytest.mark.parametrize("case", CASES)
def test_every_step_is_in_range(case: str) -> None:
    """A stream that is calibrated on last steps saturates where its answers before them are larger."""
    make, axis = CASES[case]
    model = canonicalize(oir.serde.deserialize_model(make()))
    samples = sequences([int(size) for size in model.graph.inputs[0].shape or ()], axis)
    before, after = (
        largest_error(model, quantize(model, {"x": samples}, options), samples, axis)
        for options in (QuantizeOptions(), QuantizeOptions(time_axis=axis))
    )
    assert before > 0.1 and after < 0.03
