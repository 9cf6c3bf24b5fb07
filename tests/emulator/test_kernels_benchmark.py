"""The benchmark of kernels: what the fast ones promise on each core, and what the table says."""

from __future__ import annotations

import pytest

from tinyc.benchmarks.kernels import (
    BOARD,
    CASES,
    float_model_of,
    float_table,
    measure,
    measure_float,
    model_of,
    table,
)
from tinyc.emulator.toolchain import gcc
from tinyc.targets import load_target

from .subjects import toolchain_for

PROMISED = {
    BOARD: {
        "pointwise 64 → 64, 25×5": 0.85,
        "depthwise 3×3, 24×24×32": 2.25,
        "3×3, 8×8×64 → 64": 0.85,
        "dense 128 → 128": 1.05,
        "dense 640 → 128": 1.15,
    },
    "nucleo-g0b1re": {"3×3, 8×8×64 → 64": 2.9, "depthwise 3×3, 24×24×32": 10.0, "dense 640 → 128": 4.3},
    "esp32-c3": {"3×3, 8×8×64 → 64": 2.7, "depthwise 3×3, 24×24×32": 5.6, "dense 640 → 128": 3.5},
}
"""Instructions for a multiply-accumulate, at most, by board and kernel."""
PROMISED_FLOAT = {
    "pointwise 64 → 64, 25×5": 2.35,
    "depthwise 3×3, 25×5×64": 3.4,
    "3×3, 8×8×64 → 64": 1.95,
    "dense 640 → 128": 2.3,
}


@pytest.mark.parametrize(("board", "name"), [(board, name) for board in PROMISED for name in PROMISED[board]])
def test_instructions_for_a_multiply_accumulate(board: str, name: str) -> None:
    target = load_target(board)
    toolchain_for(target, gcc)
    (case,) = (case for case in CASES if case.name == name)
    row = measure(case, target)
    assert row.floor < row.instructions / row.macs <= PROMISED[board][name]
    assert 0.99 * row.per_mac <= row.wide < row.portable  # how often outputs saturate differs a little
    assert f"| {name} | {row.macs:,} | {row.instructions:,} | {row.per_mac:.2f} |" in table([row])


@pytest.mark.parametrize("name", PROMISED_FLOAT)
def test_instructions_for_a_multiply_accumulate_of_floats(name: str) -> None:
    target = load_target(BOARD)
    toolchain_for(target, gcc)
    (case,) = (case for case in CASES if case.name == name)
    row = measure_float(case, target)
    assert 1.0 < row.instructions / row.macs <= PROMISED_FLOAT[name]
    assert row.per_mac < row.portable
    assert f"| {name} | {row.macs:,} | {row.instructions:,} | {row.per_mac:.2f} |" in float_table([row])


def test_cases_are_layers_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(len(model_of(case).steps) == 1 for case in CASES)
    assert all(len(float_model_of(case).steps) == 1 for case in CASES if not case.operator)
