"""``tinyc compile --optimize``: what it changes in C, report and folder, and what it costs and gains."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tinyc.benchmarks.inputs import random_inputs
from tinyc.codegen.board import board_files
from tinyc.codegen.optimization import LEVELS, Optimize, other
from tinyc.compiler.console import show_report
from tinyc.compiler.measurement import Measurement, measure
from tinyc.compiler.options import CompileOptions, OptimizeGoal
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.compiler.verdict import require_fit
from tinyc.emulator.board import BoardRun
from tinyc.emulator.devices import build_device, flash_bytes
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import gcc, zig
from tinyc.ir.errors import BudgetError, UsageError
from tinyc.targets import load_target

from ..emulator.subjects import Subject, functions, toolchain_for
from ..emulator.subjects import compiled as subject_of
from .command_line import tinyc

MODELS = Path(str(files("tinyc.models")))
SCHEMA = json.loads((Path(__file__).parents[1] / "report_schema.json").read_text(encoding="utf-8"))
BOARD = "nucleo-f446re"
GOALS: tuple[Optimize, ...] = ("speed", "size")
ROUTINES = ("tinyc_dsp_conv_row", "tinyc_dsp_taps")


@pytest.fixture(autouse=True)
def board() -> None:
    toolchain_for(load_target(BOARD))


@cache
def digits(optimize: OptimizeGoal, **options: Any) -> Compiled:
    calibration = MODELS / "digits_calibration.npz"
    given = CompileOptions(BOARD, calibration=calibration, schedule="fast", optimize=optimize, **options)
    return compile_model(MODELS / "digits.onnx", given)


def floats(optimize: OptimizeGoal, **options: Any) -> Compiled:
    """The same network on float32, whose layers share more code than records of layers take."""
    return digits(optimize, precision="float32", **options)


# ---- the emitted C ----


def test_the_c_differs_in_one_definition() -> None:
    speed, size = (digits(goal).files for goal in GOALS)
    assert {name for name in speed if speed[name] != size[name]} == {
        "digits.h", "CMakeLists.txt", "report.json"
    }  # fmt: skip
    code = [re.sub(r"/\*.*?\*/", "", made["digits.h"], flags=re.DOTALL) for made in (speed, size)]
    fast, small = ([line.strip() for line in text.splitlines()] for text in code)
    assert [pair for pair in zip(fast, small, strict=True) if pair[0] != pair[1]] == [
        ("#  define TINYC_SPECIALIZED 1", "#  define TINYC_SPECIALIZED 0"),
        *[(f"#  define DIGITS_STACK_BYTES {stack(speed)}u", f"#  define DIGITS_STACK_BYTES {stack(size)}u")],
    ]


def stack(made: Any) -> int:
    return json.loads(made["report.json"])["sram"]["stack"]


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("emitted", GOALS)
@pytest.mark.parametrize("defined", [None, *GOALS])
def test_layers_share_routines_or_hold_them(
    tmp_path: Path, find: Any, emitted: Optimize, defined: Optimize | None
) -> None:
    """As the header says, or -D where the user wants otherwise."""
    toolchain, program = toolchain_for(load_target(BOARD), find), digits(emitted).program
    library = {} if toolchain.complete else board_files(program, load_target(BOARD), with_memory=True)
    for name, text in {**digits(emitted).files, **library}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    flags = [] if defined is None else [f"-DTINYC_SPECIALIZED={int(defined == 'speed')}"]
    command = [*toolchain.command, "-std=c99", "-O2", *flags, "-I.", "-c", "digits.c", "-o", "digits.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    names = functions((tmp_path / "digits.o").read_bytes())
    shared = (defined or emitted) == "size"
    assert all((routine in names) == shared for routine in ROUTINES)
    assert "tinyc_dsp_two" in names, "nothing in a micro-kernel depends on the layer"


# ---- the same outputs ----


@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("optimize", GOALS)
@pytest.mark.parametrize("name", ["digits", "kws01"])
def test_outputs_are_the_same(name: str, optimize: Optimize, find: Any) -> None:
    model = subject_of(name, BOARD)
    run, _ = ran(model, optimize, find)
    for output, wanted in model.wanted.items():
        np.testing.assert_array_equal(run.outputs[output], wanted)


def ran(model: Subject, optimize: Optimize, find: Any = gcc) -> tuple[BoardRun, int]:
    """A run on the board, and the bytes of code."""
    target = load_target(BOARD)
    toolchain = replace(toolchain_for(target, find), optimize=optimize)
    layers = [step.name for step in model.program.steps]
    device = build_device(model.program, model.files, target, layers, toolchain)
    return device.run(model.given), device.image.text


# ---- what it costs and gains ----

SHARED_AT_O2 = {"ad01": 273_187, "ic01": 11_070_702, "kws01": 2_872_889, "vww01": 4_815_397}
"""Instructions of each network with shared routines, by arm-none-eabi-gcc 12.2 -O2."""


@pytest.mark.parametrize("name", SHARED_AT_O2)
def test_speed_takes_fewer_instructions_and_size_less_code(name: str) -> None:
    model = subject_of(name, BOARD)
    (fast, more), (slow, less) = (ran(model, goal) for goal in GOALS)
    assert fast.instructions < SHARED_AT_O2[name] < slow.instructions * 1.001
    assert less < more
    if name == "kws01":
        assert less <= 8 * 1024 and more <= 24 * 1024


# ---- report, table, header, folder ----


@pytest.mark.parametrize("optimize", GOALS)
def test_the_report_has_the_code_of_both(optimize: Optimize) -> None:
    made = digits(optimize).report.to_dict()
    jsonschema.validate(made, SCHEMA)
    assert made["optimize"] == optimize
    assert ("--optimize size" in made["options"]) == (optimize == "size")
    flash = made["flash"]
    assert flash["code"] == flash["code_by_goal"][optimize]
    assert flash["total"] == flash["code"] + flash["weights"]
    assert flash["code_by_goal"] == digits(other(optimize)).report.to_dict()["flash"]["code_by_goal"]
    assert 0 < flash["code_by_goal"]["size"] < flash["code_by_goal"]["speed"]


@pytest.mark.parametrize("optimize", GOALS)
def test_header_and_table_say_which(optimize: Optimize, capsys: pytest.CaptureFixture[str]) -> None:
    made = digits(optimize)
    code, otherwise = (made.report.code_by_goal()[goal] for goal in (optimize, other(optimize)))
    header = made.files["digits.h"]
    assert f" * code     optimized for {optimize}: compile it with {LEVELS[optimize]}," in header
    assert f"{code:,} bytes of code (--optimize {other(optimize)}: {otherwise:,})" in header
    assert f"{LEVELS[optimize]} on the emulated {BOARD}" in header
    show_report(made.report, "out", ())
    shown = " ".join(capsys.readouterr().out.split())
    assert f"code {code:,} B (" in shown
    assert f"for {optimize}, {LEVELS[optimize]}; --optimize {other(optimize)}: {otherwise:,} B (" in shown


def test_what_was_not_measured_is_not_known() -> None:
    made = digits("size", verify=False)
    assert made.report.to_dict()["flash"]["code_by_goal"] == {"speed": None, "size": None}
    assert "optimized for size: compile it with -Os" in made.files["digits.h"]
    assert "# --optimize size" in made.files["CMakeLists.txt"]


def test_flash_that_lacks_is_gained_by_sharing() -> None:
    total = floats("size").report.flash_total
    assert total < floats("speed").report.flash_total
    with pytest.raises(BudgetError, match="bytes of flash") as caught:
        require_fit(floats("speed", flash_budget=total).report)
    size = floats("size").report.code_by_goal()["size"]
    assert f"--optimize size (code of {size:,} bytes, {total:,} of flash in all)" in caught.value.remedy
    require_fit(floats("size", flash_budget=total).report)
    with pytest.raises(BudgetError) as caught:
        require_fit(floats("size", flash_budget=total - 1).report)
    assert "--optimize" not in caught.value.remedy


def test_speed_gives_way_to_size_where_flash_has_no_room_for_it() -> None:
    size, speed = (floats(goal).report.flash_total for goal in ("size", "speed"))
    for budget, wanted in ((speed - 1, "size"), (size - 1, "speed")):
        made = floats("auto", flash_budget=budget)
        assert (made.report.facts.optimize, made.report.fits) == (wanted, budget >= size)
        assert ("optimized for size" in made.files["digits.h"]) == (wanted == "size")


def test_a_schedule_gives_way_to_one_with_smaller_constants() -> None:
    def made(**options: Any) -> Compiled:
        model = MODELS / "digits.onnx"
        calibration = MODELS / "digits_calibration.npz"
        return compile_model(model, CompileOptions(BOARD, calibration=calibration, **options))

    least = made(schedule="min-sram", optimize="size").report.flash_total
    fast = made(schedule="fast", optimize="size", flash_budget=least).report
    assert not fast.fits  # it was chosen
    fitting = made(flash_budget=least).report
    assert fitting.fits and fitting.constants < fast.constants


def test_code_of_the_other_is_known_where_flash_has_no_room_for_it() -> None:
    """It is linked on a board with more of it."""
    model, board = floats("speed"), load_target(BOARD)
    tight = replace(board.main_memory("flash"), bytes=floats("size").report.flash_total + 64)
    target = replace(board, memory=(tight, board.main_memory("ram")))
    with pytest.raises(BudgetError):
        flash_bytes(model.program, model.files, target, toolchain_for(target))
    given = random_inputs(model.program)
    wanted = Machine(model.program).run(given)
    found = measure(model.program, model.files, target, [given], [wanted], "size")
    assert isinstance(found, Measurement)
    assert found.footprint.code_otherwise == model.report.code_by_goal()["speed"]


@pytest.mark.parametrize("optimize", GOALS)
def test_a_folder_is_run_as_it_was_measured(tmp_path: Path, optimize: Optimize) -> None:
    out = tmp_path / "out"
    given = ("--calibration", MODELS / "digits_calibration.npz", "--optimize", optimize, "-o", out)
    done = tinyc("compile", MODELS / "digits.onnx", "-t", BOARD, *given)
    assert done.code == 0, done.err
    code = json.loads((out / "report.json").read_text())["flash"]["code"]
    found = json.loads(tinyc("bench", out, "--json").out)
    assert (found["optimize"], found["text"]) == (optimize, code)
    assert LEVELS[optimize] in tinyc("bench", out).out


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    for name, text in digits("speed").files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    report = json.loads((tmp_path / "report.json").read_text())
    for broken in ({k: v for k, v in report.items() if k != "optimize"}, report | {"optimize": "beauty"}):
        (tmp_path / "report.json").write_text(json.dumps(broken))
        done = tinyc("bench", tmp_path)
        assert done.code == 2 and "compile the model again" in done.err


@pytest.mark.parametrize("wrong", ["", "fast", "Size"])
def test_another_goal_is_refused(wrong: str) -> None:
    done = tinyc("compile", MODELS / "digits.onnx", "-t", BOARD, "--optimize", wrong)
    assert done.code == 2 and "--optimize" in done.err and "speed" in done.err
    with pytest.raises(UsageError, match="--optimize cannot be") as caught:
        CompileOptions(BOARD, optimize=wrong)  # pyright: ignore[reportArgumentType]
    assert "speed, size" in caught.value.remedy
