"""What the README and docs/ claim: terminal excerpts, tables, examples of code, links."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyc.benchmarks import sram
from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.emulator.host import build
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import find_toolchain
from tinyc.kernels.registry import OPERATORS
from tinyc.targets import load_target, target_names

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STRUCTURAL = {"Reshape", "Transpose", "QuantizeLinear", "DequantizeLinear"}
"""Operators that lowering itself turns into views, parameters or conversions."""


SCHEDULES = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")
DIGITS = ROOT / "models" / "digits.onnx"
CALIBRATION = ROOT / "models" / "digits_calibration.npz"
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)#:]+)\)")
LINKS = [(path, link) for path in DOCUMENTS for link in LINK.findall(path.read_text("utf-8"))]


def table_after(marker: str, text: str = README) -> list[list[str]]:
    """Cells of the body rows of the first table that follows a marker comment."""
    lines = text.split(f"<!-- {marker}", 1)[1].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[first + 2 :])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def code_after(marker: str, text: str) -> str:
    """The first fenced block that follows a marker comment."""
    return text.split(f"<!-- {marker}", 1)[1].split("```")[1]


@pytest.mark.parametrize(
    ("marker", "text", "board"),
    [("demo", README, "nucleo-f446re"), ("digits", SCHEDULES, "ch32v003")],
    ids=["README", "schedules"],
)
def test_the_excerpt_is_what_the_command_prints(tmp_path: Path, marker: str, text: str, board: str) -> None:
    excerpt = code_after(marker, text).strip().splitlines()
    (tmp_path / "models").symlink_to(ROOT / "models")
    arguments = excerpt[0].removeprefix("$ tinyc ").split()
    done = subprocess.run(
        [sys.executable, "-m", "tinyc", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = [line.rstrip() for line in done.stdout.strip().splitlines()]
    toolchain = find_toolchain(load_target(board))
    assert toolchain is not None
    if toolchain.label in code_after(marker, text):
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


@pytest.mark.parametrize("name", ["digits", "kws01", "ic01"])
def test_the_arenas_are_those_of_the_schedules(name: str, request: pytest.FixtureRequest) -> None:
    """The rows of the table that take seconds; MobileNetV2 takes a minute."""
    if name == "digits":
        layers = sram.lowered(DIGITS, calibration=str(CALIBRATION))
    else:
        folder: Path = request.getfixturevalue("shared_models")
        layers = sram.lowered(folder / f"{name}_qdq.onnx", calibration=None)
    base, in_place, *points = sram.schedules(name, layers, ("buffer", "rows"), every_point=False)
    cells = [
        " → ".join(
            f"{p.arena:,}" + (f" at {p.ratio:.2f}" if p.ratio > 1 else "") for p in points if p.input == mode
        )
        for mode in ("buffer", "rows")
    ]
    row = [name, sram.PUBLISHED.get(name, "–"), f"{base.arena:,}", f"{in_place.arena:,}", *cells]
    assert row in table_after("sram")


def test_the_front_in_the_documentation_is_that_of_the_report() -> None:
    options = CompileOptions(target="ch32v003", calibration=CALIBRATION, verify=False)
    front = compile_model(DIGITS, options).report.to_dict()["pareto"]
    rows = [
        [
            str(point["point"]),
            point["schedule"],
            f"{point['arena']:,}",
            f"{point['recompute_ratio']:.3f}",
            f"{point['cycles']:,}",
        ]
        for point in front
    ]
    assert [row[:5] for row in table_after("digits", SCHEDULES)] == rows


def test_the_row_fed_example_runs(tmp_path: Path) -> None:
    options = CompileOptions(
        target="nucleo-f446re", calibration=CALIBRATION, input_mode="rows", verify=False
    )
    compiled = compile_model(DIGITS, options)
    image = np.load(ROOT / "models" / "digits_evaluation.npz")["x"][0]
    given = stored_inputs(compiled.program, {compiled.program.buffers["image"].source: image})
    example = code_after("fed", README).removeprefix("c\n")
    frame = ", ".join(str(value) for value in given["image"].ravel())
    main = FED_MAIN.replace("EXAMPLE", example).replace("FRAME", frame)
    program = build(tmp_path, compiled.files, main)
    printed = subprocess.run(program, capture_output=True, text=True, check=True)
    logits = Machine(compiled.program).run(given)["logits"].ravel()
    assert [int(value) for value in printed.stdout.split()] == logits.tolist()


FED_MAIN = """
#include <stdio.h>
#include <string.h>
#include "digits.h"
static const int8_t frame[DIGITS_IN_IMAGE_COUNT] = { FRAME };
static void camera_lines(void *camera, uint32_t y0, int8_t *rows, uint32_t count)
{
    memcpy(rows, (const int8_t *)camera + y0 * DIGITS_IN_IMAGE_ROW, count);
}
EXAMPLE
static uint8_t arena[DIGITS_ARENA_BYTES] DIGITS_ARENA_ALIGNED;
int main(void)
{
    int8_t camera[sizeof frame], logits[DIGITS_OUT_LOGITS_COUNT];
    memcpy(camera, frame, sizeof frame);
    if (classify(arena, camera, logits) != DIGITS_OK) {
        return 1;
    }
    for (unsigned i = 0; i < DIGITS_OUT_LOGITS_COUNT; ++i) {
        printf("%d ", logits[i]);
    }
    return 0;
}
"""


@pytest.mark.parametrize(("document", "link"), LINKS, ids=[f"{path.name}:{link}" for path, link in LINKS])
def test_links_lead_somewhere(document: Path, link: str) -> None:
    assert (document.parent / link).exists()
