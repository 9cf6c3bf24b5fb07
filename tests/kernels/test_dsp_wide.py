"""Micro-kernels of Arm's DSP extension for 16 bits: the emulator's numbers on the host and on a Cortex-M4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.emulator.toolchain import zig
from tinyc.ir.program import Program
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .boards import M4, check_on_board, check_on_host, check_schedules, other_schedules, sampled, tailored
from .checks import lowered, qdq_model
from .layers import CONVOLUTIONS, MATRICES, windowed

INT16 = np.dtype(np.int16)
QUICK = ("pointwise, odd", "3x3, odd", "10x4, stride 2", "width 1", "batch of 2, pointwise", "1-D")


def _layer(operator: str, shape: Sequence[int], weights: Sequence[int], **attributes: Any) -> onnx.ModelProto:
    """The operator on int16, of outputs that span their range."""
    rng = np.random.default_rng(sum(weights))
    integers = rng.integers(-127, 128, weights).astype(np.int8)
    scales = rng.uniform(0.002, 0.02, weights[0])
    reach = 0.0002 * 32768 * 0.01 * 64 * np.sqrt(np.prod(weights[1:]))
    node = helper.make_node(operator, ["x", "w", "b"], ["y"], "op", **attributes)
    return qdq_model(
        [node], {"x": shape}, ["y"], {"x": (0.0002, 1234), "y": (float(reach / 32768), -300)},
        {"b": rng.normal(size=weights[0]).astype(np.float32)}, {"w": (integers, scales, 0)},
        types={"x": INT16, "y": INT16},
    )  # fmt: skip


def _convolution(case: str) -> onnx.ModelProto:
    shape, weights, attributes = CONVOLUTIONS[case]
    return _layer("Conv", shape, weights, **attributes)


def _check(model: onnx.ModelProto, program: Program) -> None:
    check_on_host(model, program, *other_schedules(program))
    check_on_board(program, M4)


@pytest.mark.parametrize("case", sampled(CONVOLUTIONS, *QUICK))
def test_convolutions(case: str) -> None:
    model = _convolution(case)
    _check(model, tailored(model, M4, "dsp_wide_conv2d"))


@pytest.mark.parametrize("case", sampled(windowed(CONVOLUTIONS), "3x3, odd"))
def test_convolutions_in_other_schedules(case: str) -> None:
    check_schedules(tailored(_convolution(case), M4, "dsp_wide_conv2d"), M4)


@pytest.mark.parametrize("case", sampled(MATRICES, "128 to 24", "odd", "rows", "one of each"))
def test_matrices(case: str) -> None:
    rows, inputs, outputs = MATRICES[case]
    model = _layer("Gemm", (rows, inputs), (outputs, inputs), transB=1)
    _check(model, tailored(model, M4, "dsp_wide_dense"))


@pytest.mark.parametrize("count", range(4, 40, 4))
def test_every_entry_of_the_unrolled_loops(count: int) -> None:
    model = _layer("Conv", (1, count, 1, 5), (4, count, 1, 1))
    check_on_board(tailored(model, M4, "dsp_wide_conv2d"), M4)
    model = _layer("Gemm", (1, count), (6, count), transB=1)
    check_on_board(tailored(model, M4, "dsp_wide_dense"), M4)


def test_sums_of_64_bits_stay_portable() -> None:
    model = _layer("Gemm", (1, 1200), (4, 1200), transB=1)
    assert [s.kernel.template for s in tailor(lowered(model), load_target(M4)).steps] == ["dense"]


@pytest.mark.slow
def test_clang_assembles_it_too() -> None:
    check_on_board(tailored(_convolution("3x3, odd"), M4, "dsp_wide_conv2d"), M4, find=zig)
    check_on_board(tailored(_layer("Gemm", (3, 13), (7, 13), transB=1), M4, "dsp_wide_dense"), M4, find=zig)
