"""``tinyc compile`` with schedules: the front in the report; what --schedule, --pareto and budgets choose."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.toolchain import find_toolchain
from tinyc.targets import load_target

from .command_line import Outcome
from .command_line import tinyc as run_tinyc

MODELS = Path(str(files("tinyc.models")))
SCHEMA = json.loads((Path(__file__).parents[1] / "report_schema.json").read_text(encoding="utf-8"))
BOARD = "nucleo-f446re"
DIGITS = ("compile", MODELS / "digits.onnx", "-t", BOARD, "--calibration", MODELS / "digits_calibration.npz")


@pytest.fixture
def board() -> None:
    if find_toolchain(load_target(BOARD)) is None:
        pytest.skip("no cross compiler for Cortex-M4 on this machine")


@cache
def digits(**options: Any) -> Compiled:
    given = CompileOptions(BOARD, calibration=MODELS / "digits_calibration.npz", **options)
    return compile_model(MODELS / "digits.onnx", given)


def report(**options: Any) -> dict[str, Any]:
    """report.json of the digits model; it follows its schema, and names the chosen point's figures."""
    made = digits(**options).report.to_dict()
    jsonschema.validate(made, SCHEMA)
    front = made["pareto"]
    assert [entry["point"] for entry in front] == list(range(1, len(front) + 1))
    (chosen,) = (entry for entry in front if entry["chosen"])
    sram, compute = made["sram"], made["compute"]
    assert chosen["arena"] == sram["arena"] and chosen["macs"] == compute["macs_executed"]
    assert chosen["recompute_ratio"] == compute["recompute_ratio"] == chosen["macs"] / made["model"]["macs"]
    assert chosen["input_passes"] == sram["input_passes"] == 0
    assert front[0]["arena"] == sram["layer_by_layer"]
    return made


def chosen_point(made: dict[str, Any]) -> int:
    return next(entry["point"] for entry in made["pareto"] if entry["chosen"])


# ---- what is chosen ----


def test_the_front() -> None:
    front = report(verify=False)["pareto"]
    assert len(front) >= 4
    arenas, times = [entry["arena"] for entry in front], [entry["cycles"] for entry in front]
    assert arenas == sorted(arenas, reverse=True) and len(set(arenas)) == len(arenas)
    assert times == sorted(times)
    assert front[0]["schedule"] == "layer by layer" and front[0]["recompute_ratio"] == 1
    assert all(entry["schedule"] != "layer by layer" for entry in front[1:])
    assert arenas[-1] <= arenas[0] / 2


def test_fast_is_layer_by_layer() -> None:
    made = report(schedule="fast", verify=False)
    assert len(made["pareto"]) == 1 and made["sram"]["arena"] == made["sram"]["layer_by_layer"]
    assert all(buffer["storage"] == "full" for buffer in made["buffers"])


def test_fit_takes_the_fastest_where_all_fit() -> None:
    assert chosen_point(report(verify=False)) == 1


def test_min_sram_takes_the_last_and_is_bit_exact(board: None) -> None:
    made = report(schedule="min-sram")
    assert chosen_point(made) == len(made["pareto"])
    assert made["verification"]["host_bit_exact"] and made["verification"]["board_bit_exact"]
    assert made["sram"]["total"] < report(schedule="fast")["sram"]["total"]
    assert any(buffer["storage"] != "full" for buffer in made["buffers"])
    assert "--schedule min-sram" in made["options"]


def test_the_same_options_give_the_same_files() -> None:
    options = {"schedule": "min-sram", "verify": False}
    assert digits(**options).files == digits.__wrapped__(**options).files


def test_any_point_can_be_chosen() -> None:
    front = report(verify=False)["pareto"]
    for point in (1, 2, len(front)):
        made = report(pareto=point, verify=False)
        assert chosen_point(made) == point
        assert made["sram"]["arena"] == front[point - 1]["arena"]
        assert f"--pareto {point}" in made["options"]


@pytest.mark.parametrize("mode", ["rows", "reread"])
def test_rows_that_are_fed(mode: str) -> None:
    made = digits(input_mode=mode, schedule="min-sram", verify=False).report.to_dict()
    jsonschema.validate(made, SCHEMA)
    sram, (image,) = made["sram"], made["model"]["inputs"]
    assert sram["input_mode"] == "rows" and sram["input_passes"] == image["passes"] >= 1
    assert sram["arena"] <= report(schedule="min-sram", verify=False)["sram"]["arena"]
    if mode == "rows":
        assert all(entry["input_passes"] == 1 for entry in made["pareto"]) and image["in_order"]


# ---- the command line ----


def compiled(folder: Path, *arguments: object) -> Outcome:
    return run_tinyc(*DIGITS, *arguments, "-o", folder)


@pytest.mark.parametrize("point", [0, -1, 99])
def test_a_point_that_does_not_exist_is_refused(tmp_path: Path, point: int) -> None:
    outcome = compiled(tmp_path / "out", "--pareto", point, "--no-verify")
    assert outcome.code == 2
    assert f"There is no schedule {point} on the front of this model" in outcome.err
    count = len(report(verify=False)["pareto"])
    assert f"--pareto 1 to --pareto {count}" in outcome.err
    assert "layer by layer" in outcome.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("goal", ["fit", "min-sram"])
def test_the_dump_is_the_schedule_of_the_report(tmp_path: Path, goal: str) -> None:
    file = tmp_path / "schedule.json"
    outcome = compiled(
        tmp_path / "out", "--schedule", goal, "--schedule-dump", file, "--no-verify", "--json"
    )
    assert outcome.code == 0, outcome.err
    dump, made = json.loads(file.read_text(encoding="utf-8")), json.loads(outcome.out)
    assert dump["steps"] == [layer["name"] for layer in made["layers"]]
    assert {task["step"] for task in dump["tasks"]} == set(dump["steps"])
    stored = {buffer["name"]: buffer["storage"] for buffer in made["buffers"]}
    assert {name: dump["buffers"][name]["storage"] for name in stored} == stored
    for task in dump["tasks"]:
        for name in task.get("origins", {}):
            assert dump["buffers"][name]["storage"].startswith("tile")
    assert (len(dump["tasks"]) == len(dump["steps"])) == (goal == "fit")


def test_a_dump_into_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "schedule.json"
    outcome = compiled(tmp_path / "out", "--schedule-dump", file, "--no-verify")
    assert outcome.code == 2 and "schedule.json" in outcome.err


# ---- budgets ----


def test_a_budget_that_only_a_stream_meets(tmp_path: Path, board: None) -> None:
    totals = [report(schedule=goal)["sram"]["total"] for goal in ("fast", "min-sram")]
    budget = sum(totals) // 2
    refused = compiled(tmp_path / "fast", "--schedule", "fast", "--sram-budget", budget)
    assert refused.code == 4 and "--schedule min-sram" in refused.err
    outcome = compiled(tmp_path / "fit", "--sram-budget", budget, "--json")
    assert outcome.code == 0, outcome.err
    made = json.loads(outcome.out)
    assert made["sram"]["fits"] and made["sram"]["total"] <= budget and chosen_point(made) > 1
    assert made["verification"]["board_bit_exact"]


def test_a_point_that_was_asked_for_is_not_traded(tmp_path: Path, board: None) -> None:
    least = report(schedule="min-sram")["sram"]["total"]
    outcome = compiled(tmp_path / "out", "--pareto", 1, "--sram-budget", least, "--json")
    assert outcome.code == 4 and chosen_point(json.loads(outcome.out)) == 1


def test_fit_is_exact_to_the_byte(board: None) -> None:
    """A budget of exactly what a point takes, stack included, is met by this point, a byte less by the
    next."""
    total = report(pareto=2)["sram"]["total"]
    assert chosen_point(report(sram_budget=total)) == 2
    assert chosen_point(report(sram_budget=total - 1)) == 3


def test_less_than_the_least_is_refused(tmp_path: Path, board: None) -> None:
    least = report(schedule="min-sram")["sram"]["total"]
    outcome = compiled(tmp_path / "out", "--sram-budget", least - 1, "--json")
    made = json.loads(outcome.out)
    assert outcome.code == 4 and "1 too many" in outcome.err
    assert chosen_point(made) == len(made["pareto"]) and made["sram"]["total"] == least
