"""examples/bare-metal-m4, as a user copies it: built with arm-none-eabi-gcc and run in QEMU's Cortex-M4."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tinyc.compiler.folder import load_folder
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.output import write_folder
from tinyc.compiler.pipeline import compile_model

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "bare-metal-m4"
MODELS = Path(str(files("tinyc.models")))
TOOLS = ("cmake", "arm-none-eabi-gcc", "qemu-system-arm")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with the digits model compiled into it, and configured; skips without tools."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}, which is not installed")
    copy = tmp_path_factory.mktemp("example") / "project"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("build", "digits"))
    options = CompileOptions("nucleo-f446re", MODELS / "digits_calibration.npz", export="cmake", verify=False)
    write_folder(copy / "digits", compile_model(MODELS / "digits.onnx", options).files)
    run(["cmake", "-S", ".", "-B", "build", "-D", "CMAKE_TOOLCHAIN_FILE=toolchain.cmake"], copy)
    return copy


def run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr
    return done.stdout + done.stderr  # QEMU says what comes by semihosting to standard error


def printed_class(project: Path) -> int:
    said = re.findall(r"^class (\d)$", run(["cmake", "--build", "build", "--target", "run"], project), re.M)
    assert len(said) == 1
    return int(said[0])


def evaluation() -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the evaluation set as whole numbers from 0 to 16, and the labels."""
    with np.load(MODELS / "digits_evaluation.npz") as archive:
        return np.rint(archive["x"][:, 0] * 16).astype(int), archive["y"]


def test_committed_image(project: Path) -> None:
    images, labels = evaluation()
    text = (EXAMPLE / "image.h").read_text(encoding="utf-8")
    body = re.search(r"pixels\[64\] = \{(.*?)\};", text, re.S)
    assert body is not None
    assert [int(v) for v in re.findall(r"\d+", body[1])] == images[0].ravel().tolist()
    assert f"A handwritten {labels[0]}:" in text
    assert printed_class(project) == labels[0]


def test_another_image_prints_what_the_library_computes_on_the_host(project: Path, tmp_path: Path) -> None:
    images, labels = evaluation()
    chosen = int(np.flatnonzero(labels == 7)[0])
    np.savez(tmp_path / "x.npz", x=(images[chosen][None, None] / 16).astype(np.float32))
    (logits,) = load_folder(project / "digits").run(tmp_path / "x.npz").values()
    header = project / "image.h"
    committed = header.read_text(encoding="utf-8")
    pixels = ", ".join(map(str, images[chosen].ravel()))
    header.write_text(re.sub(r"\{.*?\};", f"{{ {pixels} }};", committed, flags=re.S), encoding="utf-8")
    try:
        assert printed_class(project) == np.argmax(logits) == 7
    finally:
        header.write_text(committed, encoding="utf-8")


def test_missing_model_is_told(tmp_path: Path) -> None:
    if shutil.which("cmake") is None or shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs cmake and arm-none-eabi-gcc")
    shutil.copytree(EXAMPLE, tmp_path / "bare", ignore=shutil.ignore_patterns("build", "digits"))
    command = ["cmake", "-S", "bare", "-B", "build", "-D", "CMAKE_TOOLCHAIN_FILE=toolchain.cmake"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "run the first command of README.md" in " ".join(done.stderr.split())


def test_readme_command_compiles_the_model(tmp_path: Path) -> None:
    """The command that README.md tells, run as it stands but for the output folder."""
    from ..compiler.command_line import tinyc

    text = (EXAMPLE / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    told = re.search(r"^tinyc (.*)$", text, re.M)
    assert told is not None
    root = EXAMPLE.parents[1]
    words = [str(root / word) if word.startswith("models/") else word for word in told[1].split()]
    assert words[-2:] == ["-o", "examples/bare-metal-m4/digits"]
    assert tinyc(*words[:-1], tmp_path / "digits").code == 0
    assert (tmp_path / "digits" / "CMakeLists.txt").is_file()
