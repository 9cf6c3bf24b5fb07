"""Mixed precision against int8: BitOPs, weights, arena and accuracy, as a table or as JSON.

    python -m tinyc.benchmarks.mixed [--json] [--swapped] [--max-drop 1] [--only NAME ...]

Widths are chosen on the calibration samples and judged here on others, by top-1. ``shapes`` is MobileNetV2
trained on drawn shapes (``tinyc.models.shapes``); it is trained once, which needs the extra ``train`` and ten
minutes, and kept in ``build/``. The arena is placed, layer by layer in all cases. ``int4 weights`` narrows
every layer and searches nothing; ``weights`` searches for cycles with a flash budget of 45 % less of them,
which leaves all else alone; ``mixed`` searches for BitOPs, with ``arena`` for three quarters of the arena in
8 bits first. ``--swapped`` calibrates on half of the evaluation samples instead, and judges on the other half
and the calibration samples.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir

from ..ir.program import Program
from ..models import shapes
from ..passes.canonicalize import canonicalize
from ..passes.dead_channels import remove_dead_channels
from ..passes.import_onnx import import_model
from ..passes.lower import lower
from ..passes.mixed_precision import MixedOptions, search
from ..passes.mixed_precision.bitops import model_bitops, model_weight_bytes
from ..passes.mixed_precision.facts import constant_bytes
from ..passes.mixed_precision.guard import outputs_of
from ..passes.quantize.pipeline import Quantizer
from ..passes.schedule import layer_by_layer
from ..passes.schedule.order import least_peak_order
from ..passes.views import eliminate_copies
from ..targets import load_target

NAMES = ("kws01", "vww01", "shapes")
ROOT = Path(__file__).resolve().parents[1]
_TRAINED = ROOT / "build" / "shapes.onnx"
BOARD = "nucleo-f446re"
"""Whose kernels' cycles count."""
_LESS_WEIGHTS = 0.455
"""Share of the weights' bytes that ``weights`` must save, and a little for rounding."""


@dataclass(frozen=True)
class Data:
    """A float model with samples and labels, for calibration and evaluation."""

    model: oir.Model
    calibration: Mapping[str, np.ndarray]
    evaluation: Mapping[str, np.ndarray]
    labels: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Row:
    """A model in one way. Bytes, shares, seconds; ``accuracy`` (top-1) on the evaluation samples."""

    model: str
    way: str
    bitops: int
    weights: int
    arena: int
    accuracy: float
    seconds: float


def load(name: str, folder: Path) -> Data:
    """One of ``NAMES`` with its samples."""
    if name == "shapes":
        return _shapes()
    model = canonicalize(import_model(folder / f"{name}_float.onnx"))
    archives = [np.load(folder / "samples" / f"{name}_{part}.npz") for part in ("calib", "eval")]
    inputs = [a["x"] if "x" in a else (a["x_uint8"] / 255).astype(np.float32) for a in archives]
    arrays = [{str(model.graph.inputs[0].name): x[:, None]} for x in inputs]
    return Data(model, arrays[0], arrays[1], (archives[0]["y"].astype(int), archives[1]["y"].astype(int)))


def swapped(data: Data) -> Data:
    """Calibrated on every other evaluation sample, judged on all others."""
    (name,) = data.calibration
    old, new = data.calibration[name], data.evaluation[name]
    labels = data.labels[1][::2], np.concatenate([data.labels[0], data.labels[1][1::2]])
    return Data(data.model, {name: new[::2]}, {name: np.concatenate([old, new[1::2]])}, labels)


def _shapes() -> Data:
    if not _TRAINED.exists():
        _TRAINED.parent.mkdir(exist_ok=True)
        onnx.save(shapes.train_model(), _TRAINED)
    model = canonicalize(import_model(onnx.load(_TRAINED)))
    parts = [part.draw() for part in (shapes.CALIBRATION, shapes.EVALUATION)]
    arrays = [{str(model.graph.inputs[0].name): pictures[:, None]} for pictures, _ in parts]
    return Data(model, arrays[0], arrays[1], (parts[0][1], parts[1][1]))


def rows(name: str, data: Data, max_drop: float) -> list[Row]:
    """int8, weights of few bits, mixed precision without a budget and with three quarters of the arena; the
    bound of the drop to be expected is ``max_drop`` points."""
    quantizer = Quantizer(data.model, data.calibration)
    whole = quantizer.quantized({}, {})
    slim = remove_dead_channels(whole.clone())
    program, target = program_of(slim), load_target(BOARD)
    flash = int(constant_bytes(program) - _LESS_WEIGHTS * model_weight_bytes(slim))
    arena = layer_by_layer(program).arena * 3 // 4
    cycles = MixedOptions(max_drop=max_drop / 100, goal="fast", target=target)
    bitops = replace(cycles, objective="bitops")
    ways = {
        "weights": replace(cycles, flash_budget=flash),
        "mixed": bitops,
        "mixed, arena": replace(bitops, sram_budget=arena),
    }
    made = [_row(name, "int8", whole, data, 0.0)]
    narrow = quantizer.quantized({}, dict.fromkeys(quantizer.layers, 4))
    made.append(_row(name, "int4 weights", narrow, data, 0.0))
    for way, limits in ways.items():
        start = time.perf_counter()
        found = search(data.model, data.calibration, data.labels[0], program_of, limits)
        made.append(_row(name, way, found.model, data, time.perf_counter() - start))
    return made


def program_of(model: oir.Model) -> Program:
    """Layer by layer, as a compile schedules it."""
    return eliminate_copies(least_peak_order(lower(model, "model")).program)


def _row(name: str, way: str, model: oir.Model, data: Data, seconds: float) -> Row:
    slim = remove_dead_channels(model.clone())
    accuracy = accuracy_of(model, data)
    arena = layer_by_layer(program_of(slim)).arena
    return Row(name, way, model_bitops(slim), model_weight_bytes(slim), arena, accuracy, round(seconds, 1))


def accuracy_of(model: oir.Model, data: Data) -> float:
    """The share of evaluation samples whose class ``model`` finds."""
    (inputs,) = data.evaluation
    feeds = [{inputs: x} for x in data.evaluation[inputs]]
    return float((outputs_of(model, feeds).argmax(axis=1) == data.labels[1]).mean())


def table(found: Sequence[Row]) -> str:
    """Rows as Markdown, each against the int8 row of its model."""
    lines = ["| model | | BitOPs | weights | arena | accuracy | search |", "|---|---|---|---|---|---|---|"]
    base = {row.model: row for row in found if row.way == "int8"}
    for row in found:
        of = base[row.model]
        lines.append(
            f"| {row.model} | {row.way} | {row.bitops / 1e6:,.0f} M ({of.bitops / row.bitops:.2f}× fewer) "
            f"| {row.weights:,} B ({row.weights / of.weights - 1:+.0%}) "
            f"| {row.arena:,} B ({row.arena / of.arena - 1:+.0%}) "
            f"| {row.accuracy:.3f} | {row.seconds:.0f} s |"
        )
    return "\n".join(lines)


def main() -> None:
    """Prints the table, or JSON."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--only", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--swapped", action="store_true")
    parser.add_argument("--max-drop", type=float, default=1.0, metavar="POINTS")
    arguments = parser.parse_args()
    sets = {name: load(name, arguments.models) for name in arguments.only}
    if arguments.swapped:
        sets = {name: swapped(data) for name, data in sets.items()}
    found = [row for name, data in sets.items() for row in rows(name, data, arguments.max_drop)]
    print(json.dumps([asdict(row) for row in found], indent=1) if arguments.json else table(found))


if __name__ == "__main__":
    main()
