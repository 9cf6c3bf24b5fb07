"""``tinyc inspect``: its verdicts against compiles, its output, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tinyc
from tinyc.compiler.fitting import STACK, Fit, Need, Needs, Verdict, judge
from tinyc.compiler.inspection import Sizes, inspect_model
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.compiler.report import Report
from tinyc.targets import load_target

from .command_line import tinyc as run_tinyc
from .hostile import two_headed
from .refusals import saved

MODELS = Path(tinyc.__file__).parent / "models"
BOARD = "nucleo-f446re"
LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("kws01", "ic01", "vww01", "ad01")]
models = pytest.mark.parametrize("name", ["digits", *LONG])


@dataclass(frozen=True)
class Compiles:
    """The least that compiles reach with the image in the arena, and fed by rows (None: it cannot be)."""

    buffer: Report
    rows: Report | None


@pytest.fixture
def path(name: str, request: pytest.FixtureRequest) -> Path:
    """Of a model that comes with tinyc, or of a network of MLPerf Tiny, in float."""
    if name == "digits":
        return MODELS / "digits.onnx"
    return request.getfixturevalue("shared_models") / f"{name}_float.onnx"


@cache
def sizes_of(path: Path) -> Sizes:
    sizes = inspect_model(path, {}).sizes
    assert sizes is not None
    return sizes


@cache
def least_of(path: Path) -> Compiles:
    options = CompileOptions(BOARD, calibration="random", precision="int8", schedule="min-sram")
    feedable = sizes_of(path).needs.rows is not None
    fed = compile_model(path, replace(options, input_mode="rows")).report if feedable else None
    return Compiles(compile_model(path, options).report, fed)


def on_board_with(sizes: Sizes, sram: int, flash: int = 2**30) -> Fit:
    return judge(sizes.needs, replace(load_target(BOARD), sram_bytes=sram, flash_bytes=flash))


# ---- what it promises ----


@models
def test_what_fits_by_estimate_fits_when_compiled(path: Path) -> None:
    sizes, reports = sizes_of(path), least_of(path)
    needs, buffer = sizes.needs, reports.buffer
    enough = needs.least.sram + STACK
    assert on_board_with(sizes, enough).verdict is Verdict.FITS
    assert buffer.sram_total <= enough, "the verdict is kept on the smallest board that gets it"
    assert buffer.flash_total <= needs.least.flash + needs.code
    if needs.rows is not None and reports.rows is not None:
        assert reports.rows.sram_total <= needs.rows.sram + STACK
        assert reports.rows.flash_total <= needs.rows.flash + needs.code


@models
def test_what_does_not_fit_by_estimate_does_not_when_compiled(path: Path) -> None:
    """In SRAM and, apart from that, in flash; just above, the verdict is left to the compile."""
    sizes, reports = sizes_of(path), least_of(path)
    compiled = [report for report in (reports.buffer, reports.rows) if report is not None]
    sram = min(report.sram_total for report in compiled)
    flash = min(report.flash_total for report in compiled)
    assert on_board_with(sizes, sram).verdict is not Verdict.NOT
    assert on_board_with(sizes, 2**30, flash).verdict is not Verdict.NOT
    assert on_board_with(sizes, sram // 4).verdict is Verdict.NOT
    assert on_board_with(sizes, 2**30, flash // 2).verdict is Verdict.NOT


@models
def test_weights_are_those_of_the_compiled_model(path: Path) -> None:
    sizes, report = sizes_of(path), least_of(path).buffer
    assert 0.9 * sizes.needs.least.flash <= report.constants <= 1.02 * sizes.needs.least.flash
    assert 0.9 * sizes.macs <= report.facts.macs <= sizes.macs, "ranges may show more dead channels"


# ---- verdicts ----


NEEDS = Needs(
    layers=Need("layer by layer", 10_000, 10_100, 50_000),
    least=Need("row streams", 5_000, 5_100, 51_000),
    rows=Need("row streams", 2_000, 2_100, 51_000),
    again=Need("3 x 3 patches", 1_000, 1_100, 52_000),
    state=100,
    code=8_000,
)


@pytest.mark.parametrize(
    ("sram", "flash", "verdict", "left"),
    [
        (10_100 + STACK, 58_000, Verdict.FITS, (0, 0)),
        (10_100 + STACK - 1, 59_000, Verdict.FITS, (4_999, 0)),
        (10_100 + STACK, 57_999, Verdict.CLOSE, (9_000, -2_001)),
        (5_100 + STACK, 59_000, Verdict.FITS, (0, 0)),
        (5_100 + STACK - 1, 59_000, Verdict.ROWS, (2_999, 0)),
        (1_100 + STACK, 60_000, Verdict.ROWS, (0, 0)),
        (1_100 + STACK - 1, 60_000, Verdict.CLOSE, (-1, 0)),
        (990, 60_000, Verdict.CLOSE, (-110 - STACK, 0)),
        (989, 60_000, Verdict.NOT, (-111 - STACK, 0)),
        (100_000, 46_800, Verdict.CLOSE, (98_900 - STACK, -13_200)),
        (100_000, 46_799, Verdict.NOT, (98_900 - STACK, -13_201)),
    ],
)
def test_verdicts(sram: int, flash: int, verdict: Verdict, left: tuple[int, int]) -> None:
    board = replace(load_target(BOARD), sram_bytes=sram, flash_bytes=flash)
    assert judge(NEEDS, board) == Fit(BOARD, verdict, *left)


def test_a_model_without_rows_is_judged_as_it_is() -> None:
    board = replace(load_target(BOARD), sram_bytes=4_000, flash_bytes=100_000)
    assert judge(replace(NEEDS, rows=None, again=None), board).verdict is Verdict.NOT


# ---- what it prints ----


def test_what_is_shown() -> None:
    shown = run_tinyc("inspect", MODELS / "digits.onnx")
    assert shown.code == 0 and shown.err == ""
    for word in ("7,754", "77,312", "Conv ×", BOARD, "fits", "█", "at least", "rows fed once", "estimated"):
        assert word in shown.out


def test_what_json_holds() -> None:
    found = json.loads(run_tinyc("inspect", MODELS / "digits.onnx", "--json").out)
    assert found["parameters"] == 7754 and found["macs"] == 77_312 and found["unsupported"] == []
    assert max(row["sram"] for row in found["layers"]) <= found["arena"]
    assert found["least"]["buffer"]["arena"] < found["arena"]
    verdicts = {fit["board"]: fit["verdict"] for fit in found["boards"]}
    assert verdicts[BOARD] == "fits" and "host" not in verdicts and len(verdicts) >= 15
    assert all(fit["method"] == "estimated" for fit in found["boards"])


def test_boards_of_ones_own_choice(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    text = (Path(tinyc.__file__).parent / "targets" / f"{BOARD}.toml").read_text(encoding="utf-8")
    mine.write_text(text.replace(BOARD, "mine"), encoding="utf-8")
    options = ("--target", mine, "-t", "ch32v003", "--json")
    found = json.loads(run_tinyc("inspect", MODELS / "digits.onnx", *options).out)
    assert [fit["board"] for fit in found["boards"]][1:] == ["ch32v003"] and len(found["boards"]) == 2
    wrong = run_tinyc("inspect", MODELS / "digits.onnx", "--target", "nucleo-f446")
    assert wrong.code == 2 and BOARD in wrong.err


def test_what_cannot_be_compiled(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"nonsense")
    outcome = run_tinyc("inspect", path)
    assert outcome.code == 3 and "This is not an ONNX model" in outcome.err
    made = two_headed()
    made.graph.node[7].op_type = "Bernoulli"
    found: dict[str, Any] = json.loads(run_tinyc("inspect", saved(made, tmp_path), "--json").out)
    assert found["unsupported"] == ["Bernoulli"] and "boards" not in found
    assert "Bernoulli" in run_tinyc("inspect", path).out
