"""What the README claims: its terminal excerpt, its tables, its Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tinyc.emulator.toolchain import find_toolchain
from tinyc.kernels.registry import OPERATORS
from tinyc.targets import load_target, target_names

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STRUCTURAL = {"Reshape", "Transpose", "QuantizeLinear", "DequantizeLinear"}
"""Operators that lowering itself turns into views, parameters or conversions."""


def table_after(marker: str) -> list[list[str]]:
    """Cells of the body rows of the table that follows a marker comment."""
    block = README.split(f"<!-- {marker}", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[3:]]


def test_the_excerpt_is_what_the_command_prints(tmp_path: Path) -> None:
    excerpt = README.split("<!-- demo", 1)[1].split("```")[1].strip().splitlines()
    (tmp_path / "models").symlink_to(ROOT / "models")
    arguments = excerpt[0].removeprefix("$ tinyc ").split()
    done = subprocess.run(
        [sys.executable, "-m", "tinyc", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = [line.rstrip() for line in done.stdout.strip().splitlines()]
    toolchain = find_toolchain(load_target("nucleo-f446re"))
    assert toolchain is not None
    if toolchain.label in README:
        assert printed == excerpt[1:]
    else:  # another compiler: the same words around other figures
        assert [words(line) for line in printed] == [words(line) for line in excerpt[1:]]


def words(line: str) -> list[str]:
    """A line without its figures and the compiler's name."""
    return re.sub(r"\([\w -]+ [\d.]+\)|[\d,.]+", "", line).split()


def test_the_operators_are_those_of_the_registry() -> None:
    listed = [name.strip() for _, names in table_after("operators") for name in names.split(",")]
    assert len(listed) == len(set(listed))
    assert set(listed) == OPERATORS.keys() | STRUCTURAL


def test_the_targets_are_those_of_the_files() -> None:
    rows = [
        [b.name, b.title, b.cpu, f"{b.clock_hz / 1e6:g}", f"{b.sram_bytes:,}", f"{b.flash_bytes:,}"]
        for b in map(load_target, target_names())
    ]
    assert table_after("targets") == rows


def test_the_files_are_those_that_a_compile_writes(tmp_path: Path) -> None:
    import tinyc

    models, folder = ROOT / "models", tmp_path / "digits"
    samples = models / "digits_calibration.npz"
    tinyc.compile(models / "digits.onnx", "nucleo-f446re", calibration=samples, output=folder)
    section = README.split("then holds", 1)[1].split("\n\n", 2)[1]
    named = set(re.findall(r"`([\w.]+\.\w+)`", section))
    assert {path.name for path in folder.iterdir()} == named


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists()
