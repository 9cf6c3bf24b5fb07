"""Micro-kernels for Arm's DSP extension: the emulator's numbers on the host and on a Cortex-M4."""

from __future__ import annotations

from functools import cache

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

from .checks import agree, lowered, qdq_model, reference, samples_of
from .dsp import check_all, check_on_board, layer, tailored

# input NCHW, weights OIHW, attributes
CONVOLUTIONS = {
    "pointwise": ((1, 8, 5, 7), (8, 8, 1, 1), {}),
    "pointwise, odd": ((1, 5, 3, 7), (7, 5, 1, 1), {}),
    "pointwise, one channel": ((1, 1, 4, 3), (1, 1, 1, 1), {}),
    "pointwise, one pixel": ((1, 13, 1, 1), (3, 13, 1, 1), {}),
    "pointwise, stride 2": ((1, 12, 7, 6), (9, 12, 1, 1), {"strides": [2, 2]}),
    "3x3": ((1, 4, 6, 11), (6, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "3x3, odd": ((1, 3, 5, 8), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "3x3, 9 and 10 quads": ((1, 13, 4, 6), (4, 13, 3, 3), {"pads": [1, 1, 1, 1]}),
    "padding on one side, stride 2": ((1, 3, 7, 9), (5, 3, 3, 3), {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
    "tall kernel": ((1, 1, 13, 5), (4, 1, 7, 2), {"pads": [3, 0, 3, 1], "strides": [2, 1]}),
    "10x4, stride 2": ((1, 1, 13, 10), (6, 1, 10, 4), {"pads": [4, 1, 5, 1], "strides": [2, 2]}),
    "stride 3, wide": ((1, 2, 8, 14), (3, 2, 2, 5), {"strides": [3, 3]}),
    "rows dilated": ((1, 4, 9, 8), (3, 4, 3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}),
    "kernel larger than input": ((1, 2, 2, 3), (3, 2, 5, 5), {"pads": [2, 2, 2, 2]}),
    "width 1": ((1, 6, 5, 1), (4, 6, 3, 1), {"pads": [1, 0, 1, 0]}),
    "1-D": ((1, 3, 11), (4, 3, 4), {"pads": [2, 1], "strides": [2]}),
    "batch of 2": ((2, 4, 4, 5), (4, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "batch of 2, pointwise": ((2, 4, 4, 5), (4, 4, 1, 1), {}),
}
# input NCHW, attributes; kernels of 3 x 3
DEPTHWISE = {
    "same": ((1, 8, 5, 6), {"pads": [1, 1, 1, 1]}),
    "odd channels": ((1, 7, 4, 5), {"pads": [1, 1, 1, 1]}),
    "no padding": ((1, 4, 5, 7), {}),
    "stride 2, one side": ((1, 5, 6, 9), {"pads": [0, 1, 1, 0], "strides": [2, 2]}),
    "stride 2, other side": ((1, 12, 7, 8), {"pads": [1, 0, 0, 1], "strides": [1, 2]}),
    "wide": ((1, 4, 4, 55), {"pads": [1, 1, 1, 1]}),
    "wide, stride 2": ((1, 4, 5, 55), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "width 1": ((1, 6, 5, 1), {"pads": [1, 1, 1, 1]}),
    "much padding": ((1, 6, 2, 2), {"pads": [3, 3, 3, 3]}),
    "rows dilated": ((1, 4, 8, 5), {"pads": [2, 1, 2, 1], "dilations": [2, 1]}),
    "batch of 2": ((2, 4, 4, 5), {"pads": [1, 1, 1, 1]}),
}
# rows, inputs, outputs
MATRICES = {
    "128 to 24": (1, 128, 24),
    "one of each": (1, 1, 1),
    "odd": (1, 13, 7),
    "12 to 5": (1, 12, 5),
    "rows": (5, 9, 6),
    "long": (1, 264, 8),
    "long, odd": (1, 272, 7),
    "long, rows": (2, 264, 5),
    "long, not of eights": (1, 300, 6),
}


def _convolution(case: str, activation: str | None) -> onnx.ModelProto:
    shape, weights, attributes = CONVOLUTIONS[case]
    return layer("Conv", shape, weights, attributes, activation)


def _depthwise(case: str, activation: str | None) -> onnx.ModelProto:
    shape, attributes = DEPTHWISE[case]
    return layer("Conv", shape, (shape[1], 1, 3, 3), attributes | {"group": shape[1]}, activation)


def _matrix(case: str, activation: str | None) -> onnx.ModelProto:
    rows, inputs, outputs = MATRICES[case]
    return layer("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}, activation)


@pytest.mark.parametrize("activation", [None, "Clip"])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(case: str, activation: str | None) -> None:
    check_all(_convolution(case, activation), "dsp_conv2d", every=activation is None)


@pytest.mark.parametrize("activation", [None, "Clip"])
@pytest.mark.parametrize("case", DEPTHWISE)
def test_depthwise(case: str, activation: str | None) -> None:
    check_all(_depthwise(case, activation), "dsp_depthwise", every=activation is None)


@pytest.mark.parametrize("activation", [None, "Relu"])
@pytest.mark.parametrize("case", MATRICES)
def test_matrices(case: str, activation: str | None) -> None:
    model = _matrix(case, activation)
    program = tailored(model, "dsp_dense")
    samples = samples_of(model)
    agree(program, samples, reference(model, samples))
    check_on_board(program, optimize="size" if activation else "speed")


APART = {
    **{case: "conv2d" for case in ("pointwise", "pointwise, odd", "3x3, odd", "10x4, stride 2", "width 1")},
    **{case: "dense" for case in ("128 to 24", "long, odd", "long, rows")},
}


@pytest.mark.parametrize("case", APART)
def test_weights_apart(case: str) -> None:
    if APART[case] == "dense":
        rows, inputs, outputs = MATRICES[case]
        model = layer("Gemm", (rows, inputs), (outputs, inputs), {"transB": 1}, None, apart=True)
    else:
        shape, weights, attributes = CONVOLUTIONS[case]
        model = layer("Conv", shape, weights, attributes, None, apart=True)
    program = tailored(model, f"dsp_{APART[case]}")
    kernels = [step.kernel for step in program.steps]
    assert all(k.form is Form.APART for k in kernels if isinstance(k, DspConv2D | DspDense))
    check_all(model, f"dsp_{APART[case]}", every=True)


def test_odd_vectors_with_weights_apart_stay_with_the_portable_kernel() -> None:
    model = layer("Gemm", (1, 13), (7, 13), {"transB": 1}, None, apart=True)
    check_all(model, "dense", every=False)


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("find", [gcc, zig])
def test_both_compilers(find, optimize: Optimize) -> None:
    check_on_board(tailored(_convolution("3x3, odd", "Clip"), "dsp_conv2d"), find, optimize)


@cache
def _weights(values: tuple[int, int]) -> onnx.ModelProto:
    integers = np.tile(np.array([[values[0]], [values[1]]], np.int8), (1, 8)).reshape(2, 8, 1, 1)
    return qdq_model(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")], {"x": (1, 8, 2, 2)}, ["y"],
        {"x": (0.05, 9), "y": (0.9, 0)}, dequantized={"w": (integers, np.full(2, 0.01), 0)}, stage=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "template"),
    [
        ((-1, -128), "dsp_conv2d"),
        ((0, -128), "dsp_conv2d"),
        ((-128, 127), "dsp_conv2d"),
        ((127, 127), "dsp_conv2d"),
    ],
)
def test_weights_that_do_and_do_not_fit_one_half_word(
    values: tuple[int, int], template: str
) -> None:
    model = _weights(values)
    program = tailored(model, template)
    samples = samples_of(model)
    agree(program, samples, reference(model, samples))
    check_on_board(program)


def test_a_target_without_the_extension_takes_no_such_kernels() -> None:
    program = lowered(_convolution("pointwise", None))
    templates = [step.kernel.template for step in tailor(program, load_target("nucleo-g0b1re")).steps]
    assert not [template for template in templates if template.startswith("dsp")]


def test_equal_numbers_of_channels_work_in_place() -> None:
    """Input and output of 280 bytes share them; working memory is beside."""
    placed = place(tailored(_convolution("pointwise", None), "dsp_conv2d"))
    assert placed.plan is not None
    (step,) = (step for step in placed.steps if step.kernel.template == "dsp_conv2d")
    assert placed.offset(step.inputs[0]) == placed.offset(step.outputs[0])
