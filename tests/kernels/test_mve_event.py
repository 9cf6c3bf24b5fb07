"""Layers whose inputs are spikes by Arm's Helium: on the host, and on an emulated Cortex-M55."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.benchmarks.spikes import spiking_program
from tinyc.emulator.toolchain import gcc, zig
from tinyc.ir.program import Program
from tinyc.kernels.event_dense import EventDense
from tinyc.kernels.mve_event import MveEventConv2D, MveEventDense, MveMaskedConv2D, MveMaskedDense
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from . import spiking
from .boards import M55, Find, check_on_board, check_schedules, sampled
from .spiking import ALONE, check_convolution, check_dense, convolution, dense, wider

FORMS = {
    "events": (MveEventDense.like, MveEventConv2D.like),
    "all weights": (MveMaskedDense.fitting, MveMaskedConv2D.fitting),
}
QUICK = ("3x3, odd", "pointwise, padding behind", "1-D")
OUTPUTS = (1, 7, 8, 9, 16, 17, 31, 32, 35, 64, 65)


def formed(program: Program, form: str) -> Program:
    return spiking.formed(program, *FORMS[form])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", sampled(ALONE, *QUICK))
def test_convolutions(case: str, form: str) -> None:
    wide = wider(ALONE[case], 30)
    program = convolution(wide, "no -128")
    check_convolution(wide, program, lambda p: formed(p, form))
    check_on_board(formed(program, form), M55)


@pytest.mark.parametrize("form", FORMS)
def test_convolutions_in_other_schedules(form: str) -> None:
    check_schedules(formed(convolution(ALONE["3x3, odd"], "no -128"), form), M55)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bias", [900, 10**6])
@pytest.mark.parametrize("outputs", sampled([str(n) for n in OUTPUTS], "9", "35", "64"))
def test_dense(outputs: str, bias: int, form: str) -> None:
    """Currents of 16 and of 32 bits; no input spikes, one in nine, nearly all."""
    check_dense(formed(dense(37, int(outputs), weights="no -128", bias=bias), form))
    for threshold in (127, 100, -128):
        program = dense(37, int(outputs), 2, "no -128", bias, threshold=threshold)
        check_on_board(formed(program, form), M55)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("edge", [2**15 - 1, -(2**15), 2**30 - 1, -(2**30) + 1])
def test_the_largest_currents(edge: int, form: str) -> None:
    """All inputs spike."""
    weights = np.full((9, 257), np.sign(edge) * 127, np.int8)
    kernel = EventDense.of((1, 9), weights, edge - weights.sum(axis=1, dtype=np.int64))
    check_dense(formed(spiking_program(kernel, (1, 257), kernel.shape, kernel.dtype), form))
    every = spiking_program(kernel, (1, 257), kernel.shape, kernel.dtype, threshold=-128)
    check_on_board(formed(every, form), M55)


def test_weights_of_minus_128() -> None:
    """Events take them."""
    program = dense(300, 40, weights="all -128", rate=1.0, threshold=-128)
    changed = tailor(program, load_target(M55))
    assert isinstance(changed.steps[1].kernel, MveEventDense)
    check_on_board(changed, M55)


@pytest.mark.parametrize(
    ("rate", "template"),
    [(None, "mve_event_dense"), (0.05, "mve_event_dense"), (0.5, "mve_event_dense"),
     (0.8, "mve_masked_dense")],
)  # fmt: skip
def test_the_expected_rate_decides(rate: float | None, template: str) -> None:
    program = tailor(dense(128, 128, weights="no -128", rate=rate), load_target(M55))
    assert program.steps[1].kernel.template == template


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("find", [gcc, zig])
def test_both_compilers(find: Find, form: str) -> None:
    for bias in (900, 10**6):
        check_on_board(formed(dense(33, 37, 3, "no -128", bias), form), M55, find)
