"""How refusals are judged: the exit code, the words, and that nothing was written."""

from __future__ import annotations

import re
from pathlib import Path

import onnx

from .command_line import Outcome, tinyc

TARGET = ("--target", "nucleo-f446re")


def saved(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    onnx.save(model, folder / name)
    return folder / name


def everything(folder: Path) -> dict[str, bytes | None]:
    return {str(p): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def refused(code: int, model: Path, *options: object) -> str:
    """Compiles, expects ``code``, and returns what was printed; nothing may have been written."""
    before = everything(model.parent)
    arguments = [*options] if "--target" in options else [*TARGET, *options]
    if "-o" not in options:
        arguments += ["-o", model.parent / "out"]
    outcome = tinyc("compile", model, *arguments)
    assert outcome.code == code, outcome.err
    assert everything(model.parent) == before
    assert outcome.out == ""
    assert_style(outcome)
    return outcome.err


def assert_style(outcome: Outcome) -> None:
    """One sentence, then where, why and what to do, each where there is something to say."""
    assert "Traceback" not in outcome.err
    first, *rest = outcome.err.rstrip("\n").split("\n")
    assert re.match(r"tinyc: [A-Z-]", first), first
    labels = [found[1] for line in rest if (found := re.match(r"  (\w+): ", line))]
    complete = ["where", "why", "try"]
    assert labels == complete or (outcome.code != 3 and labels in (["where", "try"], ["why", "try"], ["try"]))
    assert max(map(len, outcome.err.split("\n"))) < 450
