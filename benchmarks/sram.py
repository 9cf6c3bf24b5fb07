"""Arena bytes of each schedule of the MLPerf Tiny networks and MobileNetV2, beside those of other tools.

    python -m tinyc.benchmarks.sram [--json] [--models ../shared/models] [--all]

int8. The arena holds inputs, outputs and scratch; stack and variables (some hundred bytes) are not in it.
``rows``: the image is fed row by row, each row once. ``reread``: rows may be asked for again. ``ratio``:
MACs executed, to those of the model. Without ``--all`` a front's points are the last with nothing recomputed
and the one with the least SRAM.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..compiler.options import CompileOptions, InputMode
from ..compiler.pipeline import prepare
from ..compiler.scheduling import make_schedules
from ..ir.dtype import DType
from ..ir.program import Program
from ..models.mobilenetv2 import build_model
from ..passes.import_onnx import import_model
from ..passes.lower import LowerOptions, lower
from ..passes.schedule import Point, in_place
from ..targets import load_target
from . import mlperf

ROOT = Path(__file__).resolve().parents[1]
BOARD = "nucleo-h743zi"
PUBLISHED = {
    "ad01": "TFLM 2,580",
    "kws01": "TFLM 22,820",
    "ic01": "TFLM 54,996",
    "vww01": "TFLM 100,708, TinyEngine 60,728",
    "mobilenetv2 0.35 144": "MCUNetV2 63 kB at 1.5, StreamNet 66 kB at 1.0, "
    "msf-CNN 25.7 kB at 1.25, 15.3 kB at 1.38, 8.6 kB at 1.68",
    "mobilenetv2 1.0 224": "MCUNetV2 172 kB at 1.10",
}
"""What others need, input included for the first four: measured from TFLM's and TinyEngine's sources, or
published (arXiv 2110.15352, 2505.11483)."""
MOBILENETS = ((0.35, 144), (1.0, 224))


@dataclass(frozen=True)
class Row:
    """A schedule of a model; bytes, and the seconds that searching and placing its front took."""

    model: str
    input: str
    schedule: str
    arena: int
    lower_bound: int
    ratio: float
    tasks: int
    seconds: float


def rows(models: Path, every_point: bool) -> Iterator[Row]:
    """The MLPerf models where their folder is there, then MobileNetV2."""
    if models.is_dir():
        for name in mlperf.NAMES:
            layers = lowered(models / f"{name}_qdq.onnx", calibration=None)
            modes: tuple[InputMode, ...] = ("buffer",) if name == "ad01" else ("buffer", "rows")
            yield from schedules(name, layers, modes, every_point)
    else:
        print(f"no MLPerf models in {models}: MobileNetV2 only", file=sys.stderr)
    for width, size in MOBILENETS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "mobilenetv2.onnx"
            file.write_bytes(build_model(width=width, size=size).SerializeToString())
            layers = lowered(file, calibration="random")
        yield from schedules(f"mobilenetv2 {width} {size}", layers, ("rows", "reread"), every_point)


def lowered(model: Path, calibration: str | None) -> Program:
    """The int8 program of a model, layer by layer."""
    options = CompileOptions(target=BOARD, calibration=calibration, precision="auto")
    prepared = prepare(import_model(model, {}), options, load_target(BOARD), lambda stage: None)
    return lower(prepared.model, "model", LowerOptions(True, DType.of(np.dtype(np.int8))))


def schedules(
    name: str, layers: Program, modes: tuple[InputMode, ...], every_point: bool
) -> Iterator[Row]:
    """Layer by layer, the same in place, and the fronts with the input delivered in each mode."""
    target = load_target(BOARD)
    base = make_schedules(layers, target, CompileOptions(target=BOARD, schedule="fast"), 0).points[0]
    yield row(name, "buffer", base.describe(), base, base, 0.0)
    yield row(name, "buffer", "layer by layer, in place", in_place(base.program), base, 0.0)
    for mode in modes:
        start = time.perf_counter()
        options = CompileOptions(target=BOARD, schedule="min-sram", input_mode=mode)
        points = make_schedules(layers, target, options, 0).points
        seconds = time.perf_counter() - start
        for point in points if every_point else ends(points):
            yield row(name, mode, point.describe(), point, base, seconds)


def ends(points: tuple[Point, ...]) -> list[Point]:
    """The least SRAM with nothing computed twice, and the least at all."""
    once = [point for point in points if point.macs == points[0].macs]
    return [once[-1], *([points[-1]] if points[-1] is not once[-1] else [])]


def row(name: str, mode: str, schedule: str, point: Point, base: Point, seconds: float) -> Row:
    """``point`` as a row; ``base`` computes every layer once."""
    plan = point.program.plan
    assert plan is not None
    ratio = round(point.macs / base.macs, 4)
    tasks = len(point.program.tasks)
    return Row(name, mode, schedule, point.arena, plan.lower_bound, ratio, tasks, round(seconds, 1))


def table(found: list[Row]) -> str:
    """The rows as aligned text, with what others need under each model."""
    head = ["model", "input", "schedule", "arena", "bound", "ratio", "tasks", "seconds"]
    lines = [head]
    for r in found:
        numbers = [f"{r.arena:,}", f"{r.lower_bound:,}", f"{r.ratio:.3f}", f"{r.tasks:,}", f"{r.seconds:.1f}"]
        lines.append([r.model, r.input, r.schedule[:48], *numbers])
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    peers = [f"{name}: {words}" for name, words in PUBLISHED.items() if any(r.model == name for r in found)]
    return "\n".join([*padded, "", "others:", *peers])


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="every point of each front")
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    arguments = parser.parse_args()
    found = list(rows(arguments.models, arguments.all))
    print(json.dumps([asdict(r) for r in found], indent=2) if arguments.json else table(found))


if __name__ == "__main__":
    main()
