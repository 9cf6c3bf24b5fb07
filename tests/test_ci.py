"""The examples of docs/ci.md, run as GitHub and pre-commit would."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml

from tinyc.emulator.toolchain import find_toolchain
from tinyc.targets import load_target

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BASE = "${{ github.event.pull_request.base.sha }}"


def example(marker: str) -> dict[Any, Any]:
    """The YAML that follows a marker comment."""
    return yaml.safe_load(TEXT.split(f"<!-- {marker}:", 1)[1].split("```yaml\n", 1)[1].split("```", 1)[0])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where ``tinyc`` is a command."""
    command = tmp_path / "bin" / "tinyc"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tinyc "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    people = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
    names = {f"GIT_{person}": "test@example.org" for person in people}
    return {**os.environ, **names, "PATH": path, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}


@pytest.fixture
def repository(tmp_path: Path, environment: dict[str, str]) -> Path:
    """One commit with the model of digits and its data."""
    folder = tmp_path / "repository"
    (folder / "models").mkdir(parents=True)
    for name in ("digits.onnx", "digits_calibration.npz", "digits_evaluation.npz"):
        shutil.copy(ROOT / "models" / name, folder / "models")
    for command in ("git init -q", "git add models", "git commit -qm first"):
        subprocess.run(shlex.split(command), cwd=folder, env=environment, check=True)
    return folder


def shell(script: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As GitHub runs a step."""
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def grow(model: Path) -> None:
    """Two layers more behind the last one: 10 values by way of 128 become 10 again."""
    proto = onnx.load(model)
    output = proto.graph.output[0]
    last = next(node for node in proto.graph.node if output.name in node.output)
    last.output[0] = "narrow"
    weights = np.random.default_rng(0).normal(size=(10, 128)).astype(np.float32)
    constants = {"wider": weights, "narrower": weights.T.copy()}
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(a, name) for name, a in constants.items())
    proto.graph.node.extend([
        onnx.helper.make_node("Gemm", ["narrow", "wider"], ["wide"], "grown"),
        onnx.helper.make_node("Gemm", ["wide", "narrower"], [output.name], "grown_too"),
    ])  # fmt: skip
    onnx.save(proto, model)


def test_the_action(repository: Path, environment: dict[str, str]) -> None:
    if find_toolchain(load_target("nucleo-f446re")) is None:
        pytest.skip("no cross compiler for Cortex-M4 on this machine")
    action = example("action")
    assert action[True] == "pull_request", "YAML 1.1 takes `on` for a truth"
    (job,) = action["jobs"].values()
    steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    assert list(steps) == ["install", "compile", "compare"]
    assert steps["install"].startswith("pip install 'tinyc[")
    assert BASE in steps["compile"]
    grow(repository / "models" / "digits.onnx")
    done = shell(steps["compile"].replace(BASE, "HEAD"), repository, environment)
    assert done.returncode == 0, done.stderr
    compared = shell(steps["compare"], repository, environment)
    assert compared.returncode == 6 and "Past the limit" in compared.stderr, compared.stderr
    summary = Path(environment["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")
    assert summary.startswith("### digits, nucleo-f446re") and "too much" in summary and "grown" in summary
    shutil.rmtree(repository.parent / "base" / "build" / "digits")
    shutil.copytree(repository / "build" / "digits", repository.parent / "base" / "build" / "digits")
    assert shell(steps["compare"], repository, environment).returncode == 0


def test_the_hooks(repository: Path, environment: dict[str, str]) -> None:
    hooks = example("pre-commit")["repos"][0]["hooks"]
    fits, grows = (hook["entry"] for hook in hooks)
    assert all(hook["pass_filenames"] is False for hook in hooks)
    done = shell(fits, repository, environment)
    assert done.returncode == 0, done.stderr
    (repository / "reports").mkdir()
    shutil.copy(repository / "build" / "digits" / "report.json", repository / "reports" / "digits.json")
    assert shell(grows, repository, environment).returncode == 0
    report = repository / "reports" / "digits.json"
    smaller = json.loads(report.read_text(encoding="utf-8"))
    smaller["sram"]["total"] -= 1
    report.write_text(json.dumps(smaller), encoding="utf-8")
    assert shell(grows, repository, environment).returncode == 6
    assert shell(fits.replace("8k", "512"), repository, environment).returncode == 4
