"""``tinyc bench`` and ``tinyc run --on board``: the folder's C on the emulated board."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinyc
from tinyc.emulator.toolchain import find_toolchain
from tinyc.targets import load_target

MODELS = Path(__file__).resolve().parents[2] / "models"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tinyc", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_toolchain(load_target("nucleo-f446re")) is None:
        pytest.skip("no cross compiler for Cortex-M4 on this machine")
    folder = tmp_path_factory.mktemp("bench") / "digits"
    tinyc.compile(
        MODELS / "digits.onnx", "nucleo-f446re", calibration=MODELS / "digits_calibration.npz", output=folder
    )
    return folder


def test_bench_counts_every_layer(digits: Path) -> None:
    done = command("bench", str(digits), "--json")
    assert done.returncode == 0, done.stderr
    found, report = json.loads(done.stdout), json.loads((digits / "report.json").read_text())
    assert [row["name"] for row in found["layers"]] == [row["name"] for row in report["layers"]]
    assert all(row["instructions"] > 0 for row in found["layers"])
    assert sum(row["instructions"] for row in found["layers"]) <= found["instructions"]
    assert found["rodata"] >= report["flash"]["weights"]
    assert found["milliseconds"] == pytest.approx(found["cycles"] / 180e6 * 1e3)


def test_bench_prints_the_dearest_layer_first(digits: Path) -> None:
    found = json.loads(command("bench", str(digits), "--json").stdout)["layers"]
    dearest = [row["name"] for row in sorted(found, key=lambda row: -row["instructions"])]
    lines = command("bench", str(digits)).stdout.splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("layer "))
    assert [line.split()[0] for line in lines[head + 1 :]] == dearest


def test_board_and_host_give_the_same_outputs(digits: Path, tmp_path: Path) -> None:
    samples = str(MODELS / "digits_calibration.npz")
    for where in ("host", "board"):
        done = command(
            "run", str(digits), "--input", samples, "--on", where, "-o", str(tmp_path / f"{where}.npz")
        )
        assert done.returncode == 0, done.stderr
    host, board = np.load(tmp_path / "host.npz"), np.load(tmp_path / "board.npz")
    np.testing.assert_array_equal(host["logits"], board["logits"])


@pytest.mark.parametrize("name", ["nucleo-f446re", "my-board"])
def test_a_board_of_a_file_is_asked_for_and_not_mistaken(digits: Path, tmp_path: Path, name: str) -> None:
    """The file's board may have less memory than one of the same name that comes with tinyc."""
    text = (MODELS.parent / "targets" / "nucleo-f446re.toml").read_text(encoding="utf-8")
    own, folder = tmp_path / "own.toml", tmp_path / "out"
    text = text.replace("16_384", "16_000").replace('"nucleo-f446re"', f'"{name}"')
    own.write_text(text, encoding="utf-8")
    samples = str(MODELS / "digits_calibration.npz")
    tinyc.compile(MODELS / "digits.onnx", str(own), calibration=samples, output=folder, verify=False)
    for arguments in (["run", str(folder), "--input", samples, "--on", "board"], ["bench", str(folder)]):
        refused = command(*arguments)
        assert refused.returncode == 2 and "--on FILE.toml" in refused.stderr
    assert command("bench", str(folder), "--target", str(own)).returncode == 0
    done = command("run", str(folder), "--input", samples, "--on", str(own), "-o", str(tmp_path / "y.npz"))
    assert done.returncode == 0, done.stderr


def test_this_computer_is_no_board(digits: Path) -> None:
    done = command("bench", str(digits), "--target", "host")
    assert done.returncode == 2
    assert "there is no board to emulate" in done.stderr and "--target" in done.stderr
