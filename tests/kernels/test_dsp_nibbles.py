"""Weights of 4 bits by the micro-kernels for Arm's DSP extension: two channels' in one byte."""

from __future__ import annotations

from collections.abc import Sequence

import ml_dtypes
import onnx
import pytest
from onnx import numpy_helper

from tinyc.emulator.toolchain import gcc, zig
from tinyc.ir.program import Program
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


def _layer(
    operator: str, shape: Sequence[int], weights: Sequence[int], attributes: dict,
    activation: str | None = None, largest: int = 7, y_scale: float = 0.11,
) -> onnx.ModelProto:  # fmt: skip
    """The operator with weights that are stored as int4."""
    model = layer(operator, shape, weights, attributes, activation, largest=largest, y_scale=y_scale)
    (stored,) = [initializer for initializer in model.graph.initializer if initializer.name == "w_i"]
    stored.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(stored).astype(ml_dtypes.int4), "w_i"))
    return model


def _tailored(model: onnx.ModelProto, template: str) -> Program:
    made = tailor(lowered(model), load_target(M4))
    (kernel,) = [step.kernel for step in made.steps if step.kernel.template == template]
    assert isinstance(kernel, DspConv2D | DspDense | DspScattered) and kernel.form is Form.NIBBLES
    return made


def _check(model: onnx.ModelProto, template: str) -> None:
    program = _tailored(model, template)
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
    _check(_layer("Conv", shape, weights, attributes), "dsp_conv2d")


@pytest.mark.parametrize("case", SCATTERED)
def test_groups_and_dilated_columns(case: str) -> None:
    shape, weights, attributes = SCATTERED[case]
    _check(_layer("Conv", shape, weights, attributes), "dsp_scattered")


@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str) -> None:
    rows, inputs, outputs = MATRICES[case]
    _check(_layer("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}), "dsp_dense")


def test_steep_scales() -> None:
    """Scales above 1/4: inputs are shifted up, and so is what the stored 8 adds."""
    shape, weights, attributes = CONVOLUTIONS["3x3, odd"]
    _check(_layer("Conv", shape, weights, attributes, largest=2, y_scale=0.002), "dsp_conv2d")


@pytest.mark.parametrize("find", [gcc, zig])
def test_each_compiler(find) -> None:
    model = _layer("Conv", *CONVOLUTIONS["3x3, odd"], "Clip")
    check_on_board(_tailored(model, "dsp_conv2d"), find)
