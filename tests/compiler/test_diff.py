"""``tinyc diff``: figures of two reports, limits, and what cannot be compared."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tinyc
from tinyc.compiler.limits import Limit, parse_limit
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model

from .command_line import Outcome
from .command_line import tinyc as run_tinyc
from .hostile import two_headed

Report = dict[str, Any]
Edit = Callable[[Report], None]
MODELS = Path(tinyc.__file__).parent / "models"


@pytest.fixture(scope="session")
def real() -> Report:
    """A report as a compile writes it, with figures in place of those that this machine may not measure."""
    options = CompileOptions("nucleo-f446re", precision="float32", verify=False)
    report = json.loads(compile_model(two_headed(), options).files["report.json"])
    report["sram"] |= {"total": 10_000, "stack": 200, "method": "measured"}
    report["flash"] |= {"total": 50_000, "code": 5_000, "method": "measured"}
    report["compute"] |= {"cycles": 1_000_000, "instructions": 700_000}
    report["accuracy"] = {
        "samples": 100,
        "metric": "top-1",
        "reference": 0.95,
        "compiled": 0.94,
        "agreement": 0.99,
        "max_error": 0.1,
    }
    report["toolchain"] = "gcc 12"
    return report


@pytest.fixture
def diff(real: Report, tmp_path: Path) -> Callable[..., Outcome]:
    """Runs ``tinyc diff`` on the report and on what an edit makes of it."""

    def run(edit: Edit = lambda report: None, *options: str) -> Outcome:
        changed = copy.deepcopy(real)
        edit(changed)
        for name, report in (("before", real), ("after", changed)):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "report.json").write_text(json.dumps(report), encoding="utf-8")
        return run_tinyc("diff", tmp_path / "before", tmp_path / "after" / "report.json", *options)

    return run


def grown(room: str, key: str, by: float) -> Edit:
    def edit(report: Report) -> None:
        report[room][key] += by

    return edit


# ---- limits ----


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("+0", Limit(0)),
        ("512", Limit(512)),
        ("+2k", Limit(2048)),
        ("1.5K", Limit(1536)),
        ("+1M", Limit(1024**2)),
        ("+2%", Limit(2, is_percent=True)),
        (" +0.5% ", Limit(0.5, is_percent=True)),
        ("-1k", None),
        ("1G", None),
        ("%", None),
        ("", None),
        ("1e3", None),
    ],
)
def test_limits_are_read(text: str, limit: Limit | None) -> None:
    assert parse_limit(text, 1024) == limit


def test_k_of_cycles_is_a_thousand() -> None:
    assert parse_limit("+3k", 1000) == Limit(3000)


LIMITS = [
    ("sram", "total", 0, "--max-sram", "+0", 0),
    ("sram", "total", 1, "--max-sram", "+0", 6),
    ("sram", "total", -1, "--max-sram", "+0", 0),
    ("sram", "total", 2048, "--max-sram", "+2k", 0),
    ("sram", "total", 2049, "--max-sram", "+2k", 6),
    ("sram", "total", 500, "--max-sram", "+5%", 0),
    ("sram", "total", 501, "--max-sram", "+5%", 6),
    ("flash", "total", 1025, "--max-flash", "1k", 6),
    ("flash", "total", 1025, "--max-sram", "+0", 0),
    ("compute", "cycles", 20_000, "--max-cycles", "+2%", 0),
    ("compute", "cycles", 20_001, "--max-cycles", "+2%", 6),
    ("compute", "cycles", 20_000, "--max-cycles", "+20k", 0),
    ("compute", "instructions", 1, "--max-instructions", "+0", 6),
    ("accuracy", "compiled", -0.01, "--max-accuracy-drop", "1", 0),
    ("accuracy", "compiled", -0.0101, "--max-accuracy-drop", "1", 6),
    ("accuracy", "compiled", 0.02, "--max-accuracy-drop", "0", 0),
]


@pytest.mark.parametrize(("room", "key", "by", "option", "limit", "code"), LIMITS)
def test_the_exit_code(
    diff: Callable[..., Outcome], room: str, key: str, by: float, option: str, limit: str, code: int
) -> None:
    outcome = diff(grown(room, key, by), option, limit)
    assert outcome.code == code, outcome.err
    if code:
        name = {"sram": "SRAM"}.get(room, room if room != "compute" else key)
        assert outcome.err.startswith(f"tinyc: Past the limit: {name}") and "too much" in outcome.out
        allowing = outcome.err.strip().rsplit("allow it: ", 1)[1].split()
        assert diff(grown(room, key, by), *allowing).code == 0, "the remedy helps"


def test_without_limits_everything_passes(diff: Callable[..., Outcome]) -> None:
    outcome = diff(grown("sram", "total", 10**6))
    assert outcome.code == 0 and "+1,000,000 (+10000.0%)" in outcome.out


def test_several_limits_are_told_at_once(diff: Callable[..., Outcome]) -> None:
    def edit(report: Report) -> None:
        report["sram"]["total"] += 5
        report["flash"]["total"] += 7

    outcome = diff(edit, "--max-sram", "+0", "--max-flash", "+0")
    assert outcome.code == 6 and "SRAM and flash" in outcome.err
    assert "--max-sram +5 --max-flash +7" in outcome.err


# ---- what is shown ----


def test_json(diff: Callable[..., Outcome], real: Report) -> None:
    outcome = diff(grown("sram", "total", 3), "--max-sram", "+0", "--json")
    found = json.loads(outcome.out)
    assert outcome.code == 6
    figures = {row["name"]: row for row in found["figures"]}
    assert figures["SRAM"] == {
        "name": "SRAM", "before": 10_000, "after": 10_003, "limit": "+0", "exceeded": True,
    }  # fmt: skip
    assert figures["accuracy"]["before"] == 94.0
    assert found["layers"] == [] and found["notes"] == [] and found["models"] == [real["model"]["name"]] * 2


def test_layers_are_matched_by_node(diff: Callable[..., Outcome], real: Report) -> None:
    def edit(report: Report) -> None:
        rest = report["layers"][1:]
        rest[0]["sram"] += 64
        rest[0]["name"] = "renamed"
        rest[1]["node"] = "new|<b>node"
        report["layers"] = rest

    changes = {row["node"]: row for row in json.loads(diff(edit, "--json").out)["layers"]}
    gone, changed, replaced = (row["node"] for row in real["layers"][:3])
    assert changes[gone]["after"] is None and changes[replaced]["after"] is None
    assert changes["new|<b>node"]["before"] is None
    assert changes[changed]["after"]["sram"] == changes[changed]["before"]["sram"] + 64
    assert set(changes) == {gone, changed, replaced, "new|<b>node"}
    shown = diff(edit, "--markdown").out
    assert "new\\|&lt;b&gt;node (new)" in shown and "<b>" not in shown
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in (7, 8) for line in rows)
    assert "(gone)" in diff(edit).out


def test_layers_of_one_node_are_matched_in_their_order(diff: Callable[..., Outcome], real: Report) -> None:
    before = copy.deepcopy(real["layers"])
    try:
        for row in real["layers"]:
            row["node"] = "same"
        found = json.loads(diff(lambda report: report["layers"][1].update(weights=1), "--json").out)
        assert [(row["node"], row["after"]["weights"]) for row in found["layers"]] == [("same", 1)]
    finally:
        real["layers"] = before


def test_what_came_about_in_other_ways_is_noted(diff: Callable[..., Outcome]) -> None:
    outcome = diff(lambda report: report.update(toolchain="gcc 13"))
    assert outcome.code == 0 and "note: toolchain: gcc 12 before, gcc 13 now" in outcome.out
    assert "_toolchain: gcc 12 before, gcc 13 now_" in diff(
        lambda report: report.update(toolchain="gcc 13"), "--markdown"
    ).out


# ---- what is refused ----


def unmeasured(report: Report) -> None:
    report["sram"] |= {"method": "estimated", "stack": None}


def other_board(report: Report) -> None:
    report["target"]["name"] = "rpi-pico"


@pytest.mark.parametrize(
    ("edit", "options", "words"),
    [
        (other_board, (), ("different targets", "rpi-pico", "--target")),
        (unmeasured, ("--max-sram", "+0"), ("--max-sram cannot be checked", "estimated", "--no-verify")),
        (
            lambda report: report["compute"].update(cycles=None),
            ("--max-cycles", "+1%"),
            ("--max-cycles cannot be checked", "--no-verify"),
        ),
        (
            lambda report: report.update(accuracy=None),
            ("--max-accuracy-drop", "1"),
            ("--max-accuracy-drop cannot be checked", "not judged", "--evaluate"),
        ),
        (
            lambda report: report["accuracy"].update(samples=99),
            ("--max-accuracy-drop", "1"),
            ("--max-accuracy-drop cannot be checked", "99 samples", "--evaluate"),
        ),
        (lambda report: report.pop("layers"), (), ("version of tinyc", "layers", "compile the model again")),
    ],
)
def test_what_cannot_be_compared(
    diff: Callable[..., Outcome], edit: Edit, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    outcome = diff(edit, *options)
    assert outcome.code == 2 and outcome.out == ""
    assert all(word in outcome.err for word in words), outcome.err


def test_what_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    for path in (tmp_path, tmp_path / "missing.json", tmp_path / "list.json"):
        outcome = run_tinyc("diff", path, path)
        assert outcome.code == 2 and "try: " in outcome.err, outcome.err


def test_what_is_no_limit(diff: Callable[..., Outcome]) -> None:
    outcome = diff(lambda report: None, "--max-sram", "much")
    assert outcome.code == 2 and "'much' is not of the form +512, +2k or +1.5%" in outcome.err
