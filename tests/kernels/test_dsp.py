"""Micro-kernels for Arm's DSP extension: the emulator's numbers on the host and on a Cortex-M4."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.optimization import Optimize
from tinyc.emulator.toolchain import gcc, zig
from tinyc.kernels.dsp_conv2d import DspConv2D
from tinyc.kernels.dsp_dense import DspDense
from tinyc.kernels.dsp_words import Form
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .boards import (
    M0,
    M4,
    Find,
    check_all,
    check_layer,
    check_on_board,
    check_schedules,
    sampled,
    tailored,
)  # fmt: skip
from .checks import lowered, qdq_model
from .layers import (
    CONVOLUTIONS,
    DEPTHWISE,
    MATRICES,
    grouped,
    int8_convolution,
    int8_matrix,
    windowed,
)  # fmt: skip


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str) -> None:
    check_all(int8_convolution(CONVOLUTIONS[case]), M4, "dsp_conv2d")


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_activated_convolutions(case: str) -> None:
    check_layer(int8_convolution(CONVOLUTIONS[case], "Clip"), M4, "dsp_conv2d")


@pytest.mark.parametrize("case", sampled(windowed(CONVOLUTIONS), "pointwise, stride 2", "3x3, odd"))
def test_convolutions_in_other_schedules(case: str) -> None:
    check_schedules(tailored(int8_convolution(CONVOLUTIONS[case]), M4, "dsp_conv2d"), M4)


@pytest.mark.parametrize("case", DEPTHWISE)
def test_depthwise(case: str) -> None:
    check_all(int8_convolution(grouped(DEPTHWISE[case])), M4, "dsp_depthwise")


@pytest.mark.parametrize("case", DEPTHWISE)
def test_activated_depthwise(case: str) -> None:
    check_layer(int8_convolution(grouped(DEPTHWISE[case]), "Clip"), M4, "dsp_depthwise")


@pytest.mark.parametrize("case", sampled(windowed(DEPTHWISE), "stride 2, one side"))
def test_depthwise_in_other_schedules(case: str) -> None:
    check_schedules(tailored(int8_convolution(grouped(DEPTHWISE[case])), M4, "dsp_depthwise"), M4)


@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str) -> None:
    check_all(int8_matrix(MATRICES[case]), M4, "dsp_dense")


@pytest.mark.parametrize("case", MATRICES)
def test_activated_matrices(case: str) -> None:
    check_layer(int8_matrix(MATRICES[case], "Relu"), M4, "dsp_dense")


APART = ("pointwise", "pointwise, odd", "3x3, odd", "10x4, stride 2", "width 1")


@pytest.mark.parametrize("case", APART)
def test_weights_apart(case: str) -> None:
    _check_apart(int8_convolution(CONVOLUTIONS[case], apart=True), "dsp_conv2d")


@pytest.mark.parametrize("case", ["128 to 24", "long, odd", "long, rows"])
def test_matrices_apart(case: str) -> None:
    _check_apart(int8_matrix(MATRICES[case], apart=True), "dsp_dense")


def _check_apart(model: onnx.ModelProto, template: str) -> None:
    kernels = [step.kernel for step in tailored(model, M4, template).steps]
    assert all(k.form is Form.APART for k in kernels if isinstance(k, DspConv2D | DspDense))
    check_all(model, M4, template)


@pytest.mark.parametrize("case", sampled(APART, "3x3, odd"))
def test_weights_apart_in_other_schedules(case: str) -> None:
    check_schedules(tailored(int8_convolution(CONVOLUTIONS[case], apart=True), M4, "dsp_conv2d"), M4)


def test_odd_vectors_with_weights_apart_stay_with_the_portable_kernel() -> None:
    check_layer(int8_matrix((1, 13, 7), apart=True), M4, "dense")


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("find", [gcc, zig])
def test_both_compilers(find: Find, optimize: Optimize) -> None:
    model = int8_convolution(CONVOLUTIONS["3x3, odd"], "Clip")
    check_on_board(tailored(model, M4, "dsp_conv2d"), M4, find, optimize)


def _weights(values: tuple[int, int]) -> onnx.ModelProto:
    integers = np.tile(np.array([[values[0]], [values[1]]], np.int8), (1, 8)).reshape(2, 8, 1, 1)
    return qdq_model(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")], {"x": (1, 8, 2, 2)}, ["y"],
        {"x": (0.05, 9), "y": (0.9, 0)}, dequantized={"w": (integers, np.full(2, 0.01), 0)}, stage=True,
    )  # fmt: skip


@pytest.mark.parametrize("values", [(-1, -128), (0, -128), (-128, 127), (127, 127)])
def test_weights_that_do_and_do_not_fit_one_half_word(values: tuple[int, int]) -> None:
    check_all(_weights(values), M4, "dsp_conv2d")


def test_a_target_without_the_extension_takes_no_such_kernels() -> None:
    program = lowered(int8_convolution(CONVOLUTIONS["pointwise"]))
    templates = [step.kernel.template for step in tailor(program, load_target(M0)).steps]
    assert not [template for template in templates if template.startswith("dsp")]


def test_equal_numbers_of_channels_work_in_place() -> None:
    """Input and output of 280 bytes share them; working memory is beside."""
    placed = place(tailored(int8_convolution(CONVOLUTIONS["pointwise"]), M4, "dsp_conv2d"))
    assert placed.plan is not None
    (step,) = (step for step in placed.steps if step.kernel.template == "dsp_conv2d")
    assert placed.offset(step.inputs[0]) == placed.offset(step.outputs[0])
