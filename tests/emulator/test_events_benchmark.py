"""The curves of event-driven layers: what they promise, and how near the model of costs comes to them."""

from __future__ import annotations

import pytest

from tinyc.benchmarks.events import BOARD, CASES, Case, crossing, measure, table
from tinyc.emulator.toolchain import gcc
from tinyc.targets import load_target

from .subjects import toolchain_for

RATES = (0.0, 0.05, 0.5, 1.0)
PROMISED = {
    BOARD: {Case(128, 128): 0.055, Case(256, 128): 0.05, Case(512, 64): 0.055, Case(32, 32, 8): 0.065},
    "nucleo-g0b1re": {Case(128, 128): 0.4},
    "esp32-c3": {Case(128, 128): 0.3},
}
"""Instructions for a multiply-accumulate of the dense layer, at most, where one input in twenty spikes."""


@pytest.mark.parametrize(("board", "case"), [(board, case) for board in PROMISED for case in PROMISED[board]])
def test_one_input_in_twenty(board: str, case: Case) -> None:
    target = load_target(board)
    toolchain_for(target, gcc)
    curve = measure(case, target, RATES)
    few = curve.events[1]
    assert few.instructions <= PROMISED[board][case]
    assert 10 * few.instructions < curve.int8
    assert f"| 5 % | {few.instructions:.3f} |" in table(curve)


def test_a_few_outputs_too_take_a_fifth_of_int8() -> None:
    target = load_target(BOARD)
    toolchain_for(target, gcc)
    curve = measure(Case(128, 10), target, (0.05,))
    assert 7 * curve.events[0].instructions < curve.int8


@pytest.mark.parametrize("case", [Case(128, 128), Case(512, 64), Case(32, 32, 8)])
def test_the_break_even_is_where_the_model_expects_it(case: Case) -> None:
    target = load_target(BOARD)
    toolchain_for(target, gcc)
    curve = measure(case, target, RATES)
    assert curve.all_weights is not None
    assert curve.cycles_even is not None and curve.predicted_even is not None
    assert abs(curve.cycles_even - curve.predicted_even) < 0.04
    for point in (*curve.events[1:], curve.all_weights):
        assert point.cycles is not None
        assert point.predicted == pytest.approx(point.cycles, rel=0.06)
    assert curve.events[0].instructions < curve.all_weights.instructions < curve.events[-1].instructions


def test_cores_without_a_form_of_all_weights_have_no_break_even() -> None:
    target = load_target("nucleo-g0b1re")
    toolchain_for(target, gcc)
    curve = measure(Case(16, 16, 8), target, RATES)
    assert curve.all_weights is None and curve.predicted_even is None
    assert "all weights" not in table(curve)


@pytest.mark.parametrize(("level", "rate"), [(0.0, 0.0), (3.0, 0.6), (4.0, None), (-1.0, None)])
def test_crossing(level: float, rate: float | None) -> None:
    assert crossing([(0.0, 0.0), (0.2, 1.0), (0.6, 3.0)], level) == rate


def test_cases_are_layers_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
