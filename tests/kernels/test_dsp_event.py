"""Layers whose inputs are spikes by Arm's DSP extension: on the host, and on an emulated Cortex-M4."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tinyc.benchmarks.spikes import spiking_program
from tinyc.emulator.toolchain import gcc, zig
from tinyc.ir.dtype import DType
from tinyc.ir.program import Program
from tinyc.kernels.dsp_event import DspEventConv2D, DspEventDense
from tinyc.kernels.dsp_masked import DspMaskedConv2D, DspMaskedDense
from tinyc.kernels.event_dense import EventDense
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from . import spiking
from .boards import M4, M7, Find, check_on_board, check_schedules, sampled
from .layers import windowed
from .spiking import ALONE, check_convolution, check_dense, convolution, dense, wider

FORMS = {
    "events": (DspEventDense.fitting, DspEventConv2D.fitting),
    "all weights": (DspMaskedDense.fitting, DspMaskedConv2D.fitting),
}
QUICK = ("3x3, odd", "stride 3, wide", "pointwise, padding behind", "1-D", "batch of 2")
INPUTS = (1, 7, 8, 9, 31, 33, 65)
OUTPUTS = (5, 10, 16, 19, 32, 127)


def formed(program: Program, form: str) -> Program:
    return spiking.formed(program, *FORMS[form])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", sampled(ALONE, *QUICK))
def test_convolutions(case: str, form: str) -> None:
    wide = wider(ALONE[case], 16)
    program = convolution(wide, "no -128")
    check_convolution(wide, program, partial(formed, form=form))
    check_on_board(formed(program, form), M4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", sampled(windowed(ALONE), "3x3, odd"))
def test_convolutions_in_other_schedules(case: str, form: str) -> None:
    program = convolution(wider(ALONE[case], 16), "no -128")
    check_schedules(formed(program, form), M4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("threshold", [127, 100, -128])
@pytest.mark.parametrize("bias", [900, 100_000])
def test_convolutions_at_rates(bias: int, threshold: int, form: str) -> None:
    """No input spikes, one in nine, nearly all; currents of 16 and of 32 bits."""
    case = wider(ALONE["3x3, 13 channels"], 17)
    program = convolution(case, "no -128", bias, threshold=threshold)
    assert program.buffers["y"].dtype is (DType.INT16 if bias == 900 else DType.INT32)
    check_on_board(formed(program, form), M4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_dense(inputs: int, outputs: int, form: str) -> None:
    program = dense(inputs, outputs, weights="no -128")
    check_dense(program, partial(formed, form=form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("inputs", [8, 9, 33, 64, 700])
@pytest.mark.parametrize(
    ("outputs", "bias"), [(16, 900), (35, 900), (35, 10**6), (10, 900), (25, 10**6)]
)
def test_dense_on_a_board(inputs: int, outputs: int, bias: int, form: str) -> None:
    """Every way into the unrolled loops, and out of them."""
    for threshold in (127, 100, 0, -128):
        program = dense(inputs, outputs, 2, "no -128", bias, threshold=threshold)
        check_on_board(formed(program, form), M4)


@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
def test_few_outputs_of_all_weights(outputs: int) -> None:
    check_on_board(formed(dense(40, outputs, weights="no -128"), "all weights"), M4)


@pytest.mark.parametrize(
    ("weights", "form"),
    [("all -128", "events"), ("all 127", "events"), ("all 127", "all weights"), ("none", "all weights")],
)
def test_extreme_weights(weights: str, form: str) -> None:
    check_dense(formed(dense(300, 21, weights=weights), form))
    check_on_board(formed(dense(300, 21, weights=weights, threshold=-128), form), M4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("edge", [2**15 - 1, -(2**15), 2**30 - 1, -(2**30) + 1])
def test_the_largest_currents(edge: int, form: str) -> None:
    """All inputs spike."""
    weights = np.full((16, 257), np.sign(edge) * 127, np.int8)
    kernel = EventDense.of((1, 16), weights, edge - weights.sum(axis=1, dtype=np.int64))
    check_dense(formed(spiking_program(kernel, (1, 257), kernel.shape, kernel.dtype), form))
    every = spiking_program(kernel, (1, 257), kernel.shape, kernel.dtype, threshold=-128)
    check_on_board(formed(every, form), M4)


@pytest.mark.parametrize(("weight", "bias"), [(-128, 0), (127, 2**30), (-127, -(2**30))])
def test_weights_and_currents_that_differences_do_not_hold(weight: int, bias: int) -> None:
    """Whatever the rate."""
    kernel = EventDense.of((1, 16), np.full((16, 9), weight, np.int8), np.full(16, bias), rate=1.0)
    assert DspMaskedDense.fitting(kernel) is None
    program = tailor(spiking_program(kernel, (1, 9), kernel.shape, kernel.dtype), load_target(M4))
    assert isinstance(program.steps[1].kernel, DspEventDense)
    check_on_board(program, M4)


@pytest.mark.parametrize(
    ("outputs", "rate", "template"),
    [(128, None, "dsp_event_dense"), (128, 0.05, "dsp_event_dense"), (128, 0.5, "dsp_event_dense"),
     (128, 0.8, "dsp_masked_dense"), (128, 1.0, "dsp_masked_dense"), (10, None, "dsp_event_dense"),
     (10, 0.05, "dsp_event_dense"), (10, 0.8, "dsp_masked_dense"), (4, 0.05, "event_dense")],
)  # fmt: skip
def test_the_expected_rate_decides(outputs: int, rate: float | None, template: str) -> None:
    program = tailor(dense(128, outputs, weights="no -128", rate=rate), load_target(M4))
    assert program.steps[1].kernel.template == template


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("find", [gcc, zig])
def test_both_compilers(find: Find, form: str) -> None:
    for board in (M4, M7):
        check_on_board(formed(dense(33, 37, rows=3, weights="no -128"), form), board, find)


@pytest.mark.parametrize("form", FORMS)
def test_optimized_for_size(form: str) -> None:
    check_on_board(formed(dense(33, 37, weights="no -128"), form), M4, optimize="size")
    check_on_board(formed(convolution(wider(ALONE["3x3"], 16), "no -128"), form), M4, optimize="size")
