"""Weights of 4 bits by the micro-kernels for Arm's DSP extension: two channels' in one byte."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import onnx
import pytest

from tinyc.emulator.toolchain import gcc, zig
from tinyc.ir.program import Program
from tinyc.kernels.conv2d import Conv2D
from tinyc.kernels.dense import Dense
from tinyc.kernels.dsp_conv2d import DspConv2D
from tinyc.kernels.dsp_dense import DspDense
from tinyc.kernels.dsp_scattered import DspScattered
from tinyc.kernels.dsp_words import Form
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .checks import agree, lowered, reference, samples_of
from .dsp import M4, check_on_board, layer
from .schedules import can_be_windowed, patches, stream_rows
from .test_dsp import CONVOLUTIONS, MATRICES
from .test_dsp_filter import SCATTERED


def _with_nibbles(model: onnx.ModelProto, template: str) -> Program:
    program = lowered(model)
    steps = [
        replace(step, kernel=replace(step.kernel, weights=step.kernel.weights.astype(ml_dtypes.int4)))
        if isinstance(step.kernel, Conv2D | Dense)
        else step
        for step in program.steps
    ]
    made = tailor(replace(program, steps=tuple(steps)), load_target(M4))
    (kernel,) = [step.kernel for step in made.steps if step.kernel.template == template]
    assert isinstance(kernel, DspConv2D | DspDense | DspScattered) and kernel.form is Form.NIBBLES
    return made


def _check(model: onnx.ModelProto, template: str) -> None:
    program = _with_nibbles(model, template)
    samples = samples_of(model)
    expected = reference(model, samples)
    variants = [program]
    if can_be_windowed(program):
        variants += [stream_rows(program), patches(program, 2, 3)]
    for variant in variants:
        agree(variant, samples, expected)
        check_on_board(variant)


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str) -> None:
    shape, weights, attributes = CONVOLUTIONS[case]
    _check(layer("Conv", shape, weights, attributes, None, largest=7), "dsp_conv2d")


@pytest.mark.parametrize("case", SCATTERED)
def test_groups_and_dilated_columns(case: str) -> None:
    shape, weights, attributes = SCATTERED[case]
    _check(layer("Conv", shape, weights, attributes, None, largest=7), "dsp_scattered")


@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str) -> None:
    rows, inputs, outputs = MATRICES[case]
    _check(layer("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}, None, largest=7), "dsp_dense")


def test_steep_scales() -> None:
    """Scales above 1/4: inputs are shifted up, and so is what the stored 8 adds."""
    shape, weights, attributes = CONVOLUTIONS["3x3, odd"]
    _check(layer("Conv", shape, weights, attributes, None, y_scale=0.002, largest=2), "dsp_conv2d")


@pytest.mark.parametrize("find", [gcc, zig])
def test_each_compiler(find) -> None:
    model = layer("Conv", *CONVOLUTIONS["3x3, odd"], "Clip", largest=7)
    check_on_board(_with_nibbles(model, "dsp_conv2d"), find)
