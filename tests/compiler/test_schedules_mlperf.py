"""Arena bytes of the MLPerf Tiny networks by schedule, and their bytes on the emulated board."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.toolchain import find_toolchain
from tinyc.passes.schedule import in_place
from tinyc.targets import load_target

BOARD = "nucleo-l4r5zi"


@dataclass(frozen=True)
class Limits:
    """Arena bytes at most, inputs, outputs and working memory included, with nothing computed twice."""

    in_place: int
    least: int


LIMITS = {
    "kws01": Limits(9_100, 6_400),
    "ic01": Limits(34_800, 15_600),
    "vww01": Limits(39_000, 33_000),
    "ad01": Limits(1_500, 1_500),
}
networks = pytest.mark.parametrize(
    "name", [name if name == "kws01" else pytest.param(name, marks=pytest.mark.slow) for name in LIMITS]
)


@cache
def least_memory(folder: Path, name: str) -> Compiled:
    return compile_model(folder / f"{name}_qdq.onnx", CompileOptions(BOARD, schedule="min-sram"))


@networks
def test_arenas_without_recomputation(shared_models: Path, name: str) -> None:
    schedules = least_memory(shared_models, name).report.schedules
    assert in_place(schedules.layers).arena <= LIMITS[name].in_place
    front = schedules.to_dicts()
    assert min(entry["arena"] for entry in front if entry["recompute_ratio"] == 1) <= LIMITS[name].least
    assert all(entry["input_passes"] == 0 for entry in front), "the whole input lies in the arena"


@networks
def test_the_least_memory_is_bit_exact(shared_models: Path, name: str) -> None:
    if find_toolchain(load_target(BOARD)) is None:
        pytest.skip("no cross compiler for Cortex-M4 on this machine")
    report = least_memory(shared_models, name).report
    assert report.arena == min(point.arena for point in report.schedules.points)
    verification = report.verification
    assert verification is not None and verification.host_bit_exact and verification.board_bit_exact


@networks
def test_the_plan_is_valid_and_its_bound_is_stated(shared_models: Path, name: str) -> None:
    for point in least_memory(shared_models, name).report.schedules.points:
        plan = point.program.plan
        assert plan is not None and plan.lower_bound <= plan.arena_bytes
        assert plan.proved_optimal == (plan.lower_bound == plan.arena_bytes)
