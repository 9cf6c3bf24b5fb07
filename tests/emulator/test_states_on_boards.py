"""Models with states on the emulated boards: every step, and exactly the SRAM that the report counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.folder import load_folder
from tinyc.compiler.output import write_folder
from tinyc.emulator.devices import make_device, obstacle
from tinyc.emulator.machine import Machine
from tinyc.ir.errors import BudgetError
from tinyc.targets import load_target

from ..compiler.stateful import MODELS, compiled, saved
from .test_exact_sram import with_sram

BOARDS = ("nucleo-f446re", "rpi-pico", "esp32-c3", "corstone-300")


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", ["cell", "window", "stream"])
def test_every_step_is_the_emulators(name: str, board: str, tmp_path: Path) -> None:
    target = load_target(board)
    if (reason := obstacle(target)) is not None:
        pytest.skip(reason.why)
    made = compiled(name, tmp_path, int8=True, target=board)
    assert made.report.verification is not None and made.report.verification.board_bit_exact
    program, xs = made.program, MODELS[name].sequences(1, 4, seed=8)[0]
    device, _ = make_device(program, made.files, target, [step.name for step in program.steps])
    stored = [stored_inputs(program, {"x": x}) for x in xs]
    for _ in range(2):  # each sequence begins with a reset
        machine = Machine(program)
        for run, inputs in zip(device.run_steps(stored), stored, strict=True):
            for output, wanted in machine.run(inputs).items():
                np.testing.assert_array_equal(run.outputs[output], wanted)


def test_sram_of_exactly_the_total_is_enough_with_states(tmp_path: Path) -> None:
    board = "nucleo-f446re"
    if (reason := obstacle(load_target(board))) is not None:
        pytest.skip(reason.why)
    fixed = {"schedule": "fast"}  # a smaller budget would be met by another schedule
    full = compiled("stream", tmp_path, True, board, **fixed).report.to_dict()["sram"]
    assert full["method"] == "measured" and full["state"] >= 14 * 7 * 3
    assert full["total"] == full["arena"] + full["state"] + full["static"] + full["stack"]
    exact = with_sram(tmp_path, full["total"])
    tight = compiled("stream", tmp_path, True, str(exact), **fixed)
    assert tight.report.fits and tight.report.sram_total == full["total"]
    program, x = tight.program, MODELS["stream"].sequences(1, 1)[0, 0]
    names, inputs = [step.name for step in program.steps], stored_inputs(program, {"x": x})
    make_device(program, tight.files, load_target(exact), names)[0].run(inputs)
    cut = load_target(with_sram(tmp_path, full["total"] - 64))
    with pytest.raises(BudgetError):
        make_device(program, tight.files, cut, names)[0].run(inputs)


def test_a_folder_runs_sequences_on_the_board(tmp_path: Path) -> None:
    board = "nucleo-f446re"
    if (reason := obstacle(load_target(board))) is not None:
        pytest.skip(reason.why)
    made = compiled("cell", tmp_path, True, board)
    write_folder(tmp_path / "out", made.files)
    samples = saved(MODELS["cell"].sequences(2, 4, seed=9), tmp_path)
    library = load_folder(tmp_path / "out")
    here, there = library.run(samples), library.run_on_board(samples)
    assert here["y"].shape == (2, 4, 1, 3)
    np.testing.assert_array_equal(here["y"], there["y"])
