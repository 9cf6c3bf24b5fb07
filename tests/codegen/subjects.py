"""The compiled models whose C is examined."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import GoldenVector, emit
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.host import WARNINGS
from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.schedule.build import build
from tinyc.passes.schedule.feed import feed_by_rows
from tinyc.passes.schedule.segment import Grid, Segment
from tinyc.targets import load_target

from ..compiler.hostile import two_headed
from ..kernels.checks import float_model, lowered, qdq_model
from ..kernels.schedules import column_tiles, patches, rows_alone, stream_rows

MODELS = Path(str(files("tinyc.models")))
SHARED = (
    "kws01_qdq",
    "ad01_qdq",
    "ic01_qdq",
    "vww01_qdq",
    "kws01_float",
    "ad01_float",
    "ic01_float",
    "vww01_float",
)
SCHEDULED = ("streamed", "patched", "tiled", "upward", "fed", "refed")
SMALL = ("digits", "digits_float", "heads", "identity", "conv", *SCHEDULED)
EVERY = (
    *SMALL,
    "kws01_qdq",
    *(pytest.param(name, marks=pytest.mark.slow) for name in SHARED if name != "kws01_qdq"),
)


def subject(name: str, request: pytest.FixtureRequest) -> Compiled:
    """The compiled model of that name; skips where it is one of the shared models and these are absent."""
    if name in SHARED:
        return _compiled_file(request.getfixturevalue("shared_models") / f"{name}.onnx")
    return _small(name)


@cache
def _compiled_file(path: Path) -> Compiled:
    return compile_model(path, CompileOptions(target="corstone-300", verify=False))


@cache
def _small(name: str) -> Compiled:
    match name:
        case "digits":
            return _digits(CompileOptions("nucleo-f446re", MODELS / "digits_calibration.npz", verify=False))
        case "digits_float":
            return _digits(CompileOptions("nucleo-f446re", precision="float32", verify=False))
        case "heads":
            return _compile(two_headed())
        case "identity":
            nodes = [helper.make_node("Identity", ["x"], ["y"], "id")]
            return _compile(float_model(nodes, {"x": [1, 5]}, ["y"]))
        case "conv":
            return _compile(conv())
        case "streamed":
            return _rescheduled(stream_rows(lowered(conv())))
        case "patched":
            return _rescheduled(patches(lowered(conv()), 2, 3))
        case "tiled":
            return _rescheduled(column_tiles(lowered(conv()), 2, upward=True))
        case "upward":
            return _rescheduled(rows_alone(lowered(conv()), upward=True))
        case "fed":
            return _rescheduled(_fed(Grid(), again=False))
        case "refed":
            return _rescheduled(_fed(Grid(2, 1), again=True))
        case _:
            raise KeyError(name)


def _digits(options: CompileOptions) -> Compiled:
    return compile_model(MODELS / "digits.onnx", options)


def _compile(model: onnx.ModelProto) -> Compiled:
    return compile_model(model, CompileOptions("nucleo-f446re", name="net", verify=False))


def conv() -> onnx.ModelProto:
    """A convolution on int8 with a stride and padding that differs from side to side, between two tables."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[0, 1, 1, 2], strides=[1, 2])]
    weights = rng.integers(-127, 128, (5, 3, 3, 4)).astype(np.int8), rng.uniform(0.002, 0.01, 5), 0
    quants = {"x": (0.05, 9), "y": (0.11, -3)}
    return qdq_model(nodes, {"x": (1, 3, 9, 11)}, ["y"], quants, dequantized={"w": weights}, stage=True)


def _fed(grid: Grid, again: bool) -> Program:
    """The convolution, whose caller delivers rows."""
    program = feed_by_rows(lowered(conv()), again)
    return build(program, [Segment(0, len(program.steps), grid)])


def _rescheduled(layers: Program) -> Compiled:
    """The convolution by another schedule."""
    program = replace(place(layers), name="net")
    inputs = stimuli(program, 1)[0]
    golden = GoldenVector(inputs, Machine(program).run(inputs))
    whole = _small("conv")
    return replace(
        whole, program=program, files=emit(program, load_target("host"), whole.report.facts, golden)
    )


def stimuli(program: Program, count: int) -> list[dict[str, np.ndarray]]:
    """Random inputs by buffer name, as the buffers hold them."""
    rng = np.random.default_rng(7)

    def one(name: str) -> np.ndarray:
        buffer = program.buffers[name]
        if buffer.dtype.is_float:
            return rng.normal(size=buffer.shape).astype(np.float32)
        low, high = int(buffer.dtype.lowest), int(buffer.dtype.highest)
        return rng.integers(low, high, buffer.shape, endpoint=True).astype(buffer.dtype.numpy)

    return [{name: one(name) for name in program.inputs} for _ in range(count)]


def written(compiled: Compiled, folder: Path) -> Path:
    """The emitted files in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in compiled.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def tool(name: str) -> str:
    """Path of a program; skips where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}, which is not installed")
    return path


def run(command: Sequence[object], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)


def built(folder: Path, main: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Compiles the C in ``folder`` with a main program, all warnings on, and runs it."""
    (folder / "main.c").write_text(main, encoding="utf-8")
    units = [path.name for path in sorted(folder.glob("*.c"))]
    compiled = run([tool("gcc"), "-std=c99", "-O1", *WARNINGS, *flags, "-o", "main", *units], folder)
    assert compiled.returncode == 0, compiled.stderr
    return run([folder / "main"], folder)
