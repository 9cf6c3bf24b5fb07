"""What docs/ tells a new user to type: the path of the quickstart, the C of the how-to, the target file."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.emulator.host import build
from tinyc.emulator.machine import Machine
from tinyc.targets import load_target

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
EXAMPLE = ROOT / "examples" / "bare-metal-m4"


def blocks(name: str) -> list[str]:
    """The fenced blocks of a page."""
    return [text.strip() for text in (DOCS / name).read_text("utf-8").split("```")[1::2]]


def run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    if words[0] == "tinyc":
        words = [sys.executable, "-m", *words]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_quickstart_leads_from_a_model_to_firmware_that_runs(tmp_path: Path) -> None:
    for tool in ("cmake", "arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}, which is not installed")
    to_report, to_firmware, *_ = blocks("quickstart.md")
    shutil.copytree(EXAMPLE, tmp_path, ignore=shutil.ignore_patterns("build", "digits"), dirs_exist_ok=True)
    for name in ("digits.onnx", "digits_calibration.npz"):
        shutil.copy(ROOT / "models" / name, tmp_path)
    install, compile_, *more = to_report.splitlines()
    assert install.startswith("pip install") and not more
    assert "fits" in run(compile_, tmp_path)
    assert (tmp_path / "digits" / "report.html").exists()
    commands = to_firmware.splitlines()
    assert len(commands) == 3
    label = np.load(ROOT / "models" / "digits_evaluation.npz")["y"][0]
    assert f"class {label}" in [run(command, tmp_path) for command in commands][-1]


def test_the_firmware_page_classifies_a_digit(tmp_path: Path) -> None:
    options = CompileOptions(
        "nucleo-f446re", calibration=ROOT / "models" / "digits_calibration.npz", verify=False
    )
    compiled = compile_model(ROOT / "models" / "digits.onnx", options)
    sample = np.load(ROOT / "models" / "digits_evaluation.npz")["x"][0]
    example = blocks("firmware.md")[0].removeprefix("c\n")
    pixels = ", ".join(f"{value}f" for value in sample.ravel().astype(float))
    main = f"#include <stdio.h>\n{example}\nint main(void)\n{{\n    const float pixels[] = {{ {pixels} }};\n"
    program = build(tmp_path, compiled.files, main + '    return printf("%d", classify(pixels)) < 0;\n}\n')
    printed = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    name = compiled.program.inputs[0]
    given = stored_inputs(compiled.program, {compiled.program.buffers[name].source: sample})
    assert int(printed) == int(Machine(compiled.program).run(given)["logits"].argmax())


def test_the_target_file_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(next(b for b in blocks("targets.md") if b.startswith("toml\n")).removeprefix("toml\n"))
    board = load_target(path)
    assert (board.name, board.sram_bytes, board.dsp) == ("mine", 40_960, True)
