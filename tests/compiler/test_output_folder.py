"""Output is written whole or not at all, and nobody else's files are touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .command_line import tinyc
from .refusals import TARGET, assert_style, refused


def cannot_write(model: Path, folder: Path | str) -> str:
    text = refused(2, model, "-o", folder)
    assert "The output folder cannot be written" in text and "name another folder with -o DIR" in text
    return text


def test_a_file_in_the_way(tmp_path: Path, model: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    assert "it is a file" in cannot_write(model, tmp_path / "taken")
    assert "taken is a file" in cannot_write(model, tmp_path / "taken" / "deeper" / "out")


def test_files_of_somebody_else(tmp_path: Path, model: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "main.c").write_text("int main(void) { return 0; }")
    assert "files that tinyc did not write: main.c" in cannot_write(model, tmp_path / "project")
    (tmp_path / "project" / "report.json").write_text('{"tests": 3}')
    assert "files that tinyc did not write: main.c, report.json" in cannot_write(model, tmp_path / "project")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a /proc that nobody can write to")
def test_folder_that_nobody_can_write_to(model: Path) -> None:
    cannot_write(model, "/proc/out")


def test_name_that_is_too_long(tmp_path: Path, model: Path) -> None:
    assert "too long" in cannot_write(model, tmp_path / ("a" * 300))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path, model: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert "ermission" in cannot_write(model, locked / "out")


def test_compiling_again_replaces_only_what_tinyc_wrote(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "out"
    assert tinyc("compile", model, *TARGET, "--name", "first", "-o", out).code == 0
    (out / "main.c").write_text("mine")
    assert tinyc("compile", model, *TARGET, "--name", "second", "-o", out).code == 0
    names = {path.name for path in out.iterdir()}
    assert {"main.c", "second.c", "second.h", "report.json"} <= names
    assert not any(name.startswith("first") or name.startswith(".") for name in names)
    assert (out / "main.c").read_text() == "mine"
    (out / "third.c").write_text("mine too")
    text = refused(2, model, "--name", "third", "-o", out)
    assert "names that tinyc did not write: third.c" in text


def test_a_report_cannot_make_tinyc_delete_files_elsewhere(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "out"
    assert tinyc("compile", model, *TARGET, "-o", out).code == 0
    (tmp_path / "precious").write_text("mine")
    report = json.loads((out / "report.json").read_text())
    report["files"] += ["../precious", str(tmp_path / "precious")]
    (out / "report.json").write_text(json.dumps(report))
    assert tinyc("compile", model, *TARGET, "-o", out).code == 0
    assert (tmp_path / "precious").read_text() == "mine"


def test_passes_cannot_be_dumped(tmp_path: Path, model: Path) -> None:
    (tmp_path / "file").write_text("")
    text = refused(2, model, "--dump-passes", tmp_path / "file" / "dumps")
    assert "--dump-passes cannot be written" in text


# ---- the folder that `run` and `verify` are given ----


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"model": 3}', '{"model": {"inputs": [{}]}}', "\xff"]
)
@pytest.mark.parametrize("command", ["run", "verify"])
def test_folder_that_tinyc_did_not_write(tmp_path: Path, command: str, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content, encoding="latin-1")
    options = ["--input", tmp_path / "x.npz"] if command == "run" else []
    outcome = tinyc(command, tmp_path, *options)
    assert outcome.code == 2
    assert_style(outcome)
    assert "report.json" in outcome.err and "tinyc" in outcome.err
