"""Weights of 4 bits by the micro-kernels for Arm's DSP extension: two channels' in one byte."""

from __future__ import annotations

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

from .boards import M4, Find, check_all, check_on_board, check_schedules, sampled, tailored
from .layers import CONVOLUTIONS, MATRICES, SCATTERED, Convolution, int8_convolution, int8_matrix, windowed


def _convolution(case: Convolution, activation: str | None = None) -> onnx.ModelProto:
    return _in_int4(int8_convolution(case, activation, largest=7))


def _in_int4(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with weights that are stored as int4."""
    (stored,) = [initializer for initializer in model.graph.initializer if initializer.name == "w_i"]
    stored.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(stored).astype(ml_dtypes.int4), "w_i"))
    return model


def _tailored(model: onnx.ModelProto, template: str) -> Program:
    program = tailored(model, M4, template)
    (kernel,) = [step.kernel for step in program.steps if step.kernel.template == template]
    assert isinstance(kernel, DspConv2D | DspDense | DspScattered) and kernel.form is Form.NIBBLES
    return program


def _check(model: onnx.ModelProto, template: str) -> None:
    _tailored(model, template)
    check_all(model, M4, template)


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str) -> None:
    _check(_convolution(CONVOLUTIONS[case]), "dsp_conv2d")


@pytest.mark.parametrize("case", sampled(windowed(CONVOLUTIONS), "3x3, odd"))
def test_convolutions_in_other_schedules(case: str) -> None:
    check_schedules(_tailored(_convolution(CONVOLUTIONS[case]), "dsp_conv2d"), M4)


@pytest.mark.parametrize("case", SCATTERED)
def test_groups_and_dilated_columns(case: str) -> None:
    _check(_convolution(SCATTERED[case]), "dsp_scattered")


@pytest.mark.parametrize("case", sampled(windowed(SCATTERED), "columns dilated"))
def test_groups_and_dilated_columns_in_other_schedules(case: str) -> None:
    check_schedules(_tailored(_convolution(SCATTERED[case]), "dsp_scattered"), M4)


@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str) -> None:
    _check(_in_int4(int8_matrix(MATRICES[case], largest=7)), "dsp_dense")


def test_steep_scales() -> None:
    """Scales above 1/4: inputs are shifted up, and so is what the stored 8 adds."""
    model = int8_convolution(CONVOLUTIONS["3x3, odd"], y_scale=0.002, largest=2)
    _check(_in_int4(model), "dsp_conv2d")


@pytest.mark.parametrize("find", [gcc, zig])
def test_each_compiler(find: Find) -> None:
    check_on_board(_tailored(_convolution(CONVOLUTIONS["3x3, odd"], "Clip"), "dsp_conv2d"), M4, find)
