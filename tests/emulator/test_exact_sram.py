"""``sram.total`` of a compile is what a device needs: with that much SRAM it runs, with less it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyc.emulator.toolchain import gcc
from tinyc.ir.errors import BudgetError
from tinyc.targets import load_target

from ..compiler.command_line import Outcome, tinyc
from .subjects import ROOT, SHARED, compiled, device, toolchain_for

BOARD = "nucleo-f446re"


def with_sram(folder: Path, nbytes: int) -> Path:
    """The board's own file with so many bytes of SRAM, in one bank."""
    text = (ROOT / "targets" / f"{BOARD}.toml").read_text(encoding="utf-8")
    name, first, second = f"{BOARD}-{nbytes}", *text.split("[[memory]]")[2:4]
    assert "SRAM1" in first and "SRAM2" in second
    text = text.replace(f"[[memory]]{second}", "")
    text = text.replace("bytes = 114_688  # 112 KiB", f"bytes = {nbytes}").replace(f'"{BOARD}"', f'"{name}"')
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    assert load_target(path).sram_bytes == nbytes
    return path


def compile_for(model: str, target: Path | str, folder: Path) -> Outcome:
    arguments: list[object] = [SHARED / f"{model}_qdq.onnx"]
    if model == "digits":
        calibration = ROOT / "models" / "digits_calibration.npz"
        arguments = [ROOT / "models" / "digits.onnx", "--calibration", calibration, "--precision", "int8"]
    fixed = ("--schedule", "fast")  # a smaller budget would be met by another schedule
    return tinyc("compile", *arguments, "--target", target, *fixed, "--json", "-o", folder / "out")


def sram(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)["sram"]


@pytest.mark.parametrize("model", ["digits", "kws01", pytest.param("ic01", marks=pytest.mark.slow)])
def test_sram_of_exactly_the_total_is_enough_and_64_bytes_less_are_not(model: str, tmp_path: Path) -> None:
    if model != "digits" and not SHARED.is_dir():
        pytest.skip("needs the MLPerf Tiny models in ../shared/models, which are not part of the repository")
    toolchain = toolchain_for(load_target(BOARD), gcc)
    full = sram(compile_for(model, BOARD, tmp_path))
    assert full["method"] == "measured" and full["total"] == full["arena"] + full["static"] + full["stack"]

    exact = with_sram(tmp_path, full["total"])
    tight = sram(compile_for(model, exact, tmp_path))
    assert (tight["total"], tight["budget"], tight["fits"]) == (full["total"], full["total"], True)
    network = compiled(model, str(exact))
    run = device(network, load_target(exact), toolchain).run(network.given)
    for output, wanted in network.wanted.items():
        np.testing.assert_array_equal(run.outputs[output], wanted)

    cut = with_sram(tmp_path, full["total"] - 64)
    refused = compile_for(model, cut, tmp_path)
    assert refused.code == 4 and "64" in refused.err
    with pytest.raises(BudgetError):
        device(network, load_target(cut), toolchain).run(network.given)
