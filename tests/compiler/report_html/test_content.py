"""What report.json has for the page: occupancy, intervals, confusion, origins, the command."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy.stats import binomtest

from tinyc.compiler import occupancy
from tinyc.compiler.accuracy import judge, wilson
from tinyc.compiler.memory import live_bytes
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.reproduce import reproduction
from tinyc.ir.program import Program

from ..command_line import tinyc
from ..test_cli import SCHEMA
from .subjects import MODELS, content, digits, measured, over_budget


def used(program: Program) -> np.ndarray:
    """Bytes in use by task, as the rectangles tell."""
    total = np.zeros(len(program.tasks), np.int64)
    for parts in occupancy.held(program).values():
        for part in parts:
            total[part.first : part.last + 1] += part.end - part.begin
    return total


@pytest.mark.parametrize("schedule", ["fast", "min-sram"])
def test_rectangles_cover_what_is_in_use(schedule: Any) -> None:
    program = digits(schedule=schedule).program
    np.testing.assert_array_equal(used(program), live_bytes(program))
    for name, parts in occupancy.held(program).items():
        assert 0 <= min(p.begin for p in parts) < max(p.end for p in parts) <= program.buffers[name].nbytes


@pytest.mark.parametrize(("columns", "rectangles"), [(7, 1500), (400, 30), (5, 12), (400, 1)])
def test_coarse_rectangles_cover_more(monkeypatch: pytest.MonkeyPatch, columns: int, rectangles: int) -> None:
    program = digits(schedule="min-sram").program
    monkeypatch.setattr(occupancy, "_COLUMNS", columns)
    monkeypatch.setattr(occupancy, "_RECTANGLES", rectangles)
    assert np.all(used(program) >= live_bytes(program))
    parts = [part for parts in occupancy.held(program).values() for part in parts]
    assert len(parts) <= max(rectangles, len(occupancy.held(program)))  # no buffer is left out
    assert {part.first % -(-len(program.tasks) // columns) for part in parts} == {0}


@pytest.mark.parametrize(("hits", "samples"), [(0, 1), (0, 10), (7, 10), (537, 540), (540, 540)])
def test_wilson(hits: int, samples: int) -> None:
    truth = binomtest(hits, samples).proportion_ci(0.95, "wilson")
    assert wilson(hits / samples, samples) == pytest.approx((truth.low, truth.high), abs=1e-6)


def test_confusion_counts_what_the_compiled_model_gives() -> None:
    classes = np.eye(3)
    reference, compiled = classes[[0, 1, 2, 2]], classes[[0, 2, 2, 1]]
    found = judge(list(reference), list(compiled), np.array([0, 1, 2, 1], np.uint8))
    assert found.confusion == ((0, 0, 1), (1, 1, 1), (1, 2, 1), (2, 2, 1)) and found.classes == 3
    assert judge(list(reference), list(compiled), None).confusion is None


def test_report_follows_its_schema() -> None:
    for made in (measured(), digits(), over_budget()):
        jsonschema.validate(content(made), SCHEMA)


GIVEN = {
    "budget", "index", "output_shape", "activation_bits", "weight_bits", "parameters", "removed_channels",
    "opset", "shape", "axes", "scale", "zero_point", "offset", "passes", "sram_bytes", "flash_bytes",
    "clock_hz", "point", "first", "last", "layer", "tasks", "runs", "held", "samples", "classes", "vectors",
    "left_out",
    "input_passes", "level", "code_by_goal", "max_lsb_per_layer",
}  # fmt: skip
"""Numbers that were given or count something, and those that are others again."""


def numbers(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Paths of all numbers that are not flags."""
    if isinstance(value, dict):
        return {found for key, item in value.items() for found in numbers(item, (*path, key))}
    if isinstance(value, list):
        return {found for item in value for found in numbers(item, path)}
    return {path} if isinstance(value, (int, float)) and not isinstance(value, bool) else set()


@pytest.mark.parametrize("ran", [True, False])
def test_every_figure_has_an_origin(ran: bool) -> None:
    report = content(measured() if ran else digits())
    origins = report["origins"]
    figures = {path for path in numbers(report) if not GIVEN & set(path)}
    told = {path for path in figures if any(".".join(path[:n]) in origins for n in range(1, len(path) + 1))}
    assert figures - told == set()
    named = {".".join(path[:n]) for path in figures for n in range(1, len(path) + 1)}
    assert set(origins) - named <= {"accuracy.confusion"}
    assert ("measured on the emulated board" in origins.values()) == ran
    assert origins["sram.total"] == ("measured on the emulated board" if ran else "estimated")


def test_the_command_gives_the_same_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(MODELS / "digits.onnx", tmp_path / "my 'model'.onnx")
    shutil.copy(MODELS / "digits_calibration.npz", tmp_path / "a b.npz")
    monkeypatch.chdir(tmp_path)
    first = tinyc(
        "compile", "my 'model'.onnx", "--target", "nucleo-f446re", "--calibration", "a b.npz", "--no-verify",
        "--schedule", "min-sram", "--input-shape", "image=1,1,8,8", "--name", "net", "-o", "out",
    )  # fmt: skip
    assert first.code == 0, first.err
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    program, *arguments = shlex.split(json.loads(before["report.json"])["reproduce"]["command"])
    assert program == "tinyc" and tinyc(*arguments, "-o", "again").code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == before


def test_options_come_as_words_of_a_shell() -> None:
    options = CompileOptions(
        "my board.toml",
        precision="mixed",
        objective="bitops",
        patches=(3, 3),
        states=("a b:c",),
        verify=False,
    )
    words = shlex.split(reproduction(options, "-m.onnx")["command"])
    assert words[words.index("--state") + 1] == "a b:c" and words[words.index("--patches") + 1] == "3x3"
    assert (
        words[words.index("--lambda") + 1] == "0.5" and words[words.index("--target") + 1] == "my board.toml"
    )
