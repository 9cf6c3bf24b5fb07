"""Memory, work, accuracy and compile time of the MLPerf Tiny networks and of digits, as a table or as JSON.

    python -m tinyc.benchmarks.figures [--json] [--models ../shared/models]

Compile times are of the whole command, with verification on the host and on the emulated board, without
evaluation. SRAM total, instructions and modelled milliseconds come from that board's run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import mlperf

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Figures:
    """One row: a model compiled one way. Bytes, shares, seconds; None where there is no emulated board."""

    model: str
    macs: int
    sram: int
    sram_method: str
    arena: int
    lower_bound: int
    proved_optimal: bool
    weights: int
    flash: int
    instructions: int | None
    milliseconds: float | None
    max_lsb: int | None
    accuracy: float | None
    reference: float | None
    agreement: float | None
    seconds: float


def tinyc(*arguments: str) -> tuple[dict[str, Any], float]:
    """The report of ``tinyc compile --json`` and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tinyc", "compile", *arguments, "--json", "-o", f"{folder}/out"]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
    if done.returncode not in (0, 4):
        raise SystemExit(done.stderr)
    return json.loads(done.stdout), seconds


def measure(label: str, model: Path, options: list[str], evaluate: Path | None) -> Figures:
    """Compiles once for the time, and once more with evaluation where there are samples."""
    report, seconds = tinyc(str(model), "--target", "nucleo-l4r5zi", *options)
    accuracy = None
    if evaluate is not None:
        again, _ = tinyc(str(model), "--target", "nucleo-l4r5zi", *options, "--evaluate", str(evaluate))
        accuracy = again["accuracy"]
    sram, judged = report["sram"], accuracy or {"compiled": None, "reference": None, "agreement": None}
    return Figures(
        model=label,
        macs=report["model"]["macs"],
        sram=sram["total"],
        sram_method=sram["method"],
        arena=sram["arena"],
        lower_bound=sram["lower_bound"],
        proved_optimal=sram["proved_optimal"],
        weights=report["flash"]["weights"],
        flash=report["flash"]["total"],
        instructions=report["compute"]["instructions"],
        milliseconds=report["compute"]["milliseconds"],
        max_lsb=report["verification"]["max_lsb_per_layer"],
        accuracy=judged["compiled"],
        reference=judged["reference"],
        agreement=judged["agreement"],
        seconds=round(seconds, 2),
    )


def rows(models: Path, scratch: Path) -> list[Figures]:
    """digits always; the MLPerf models where their folder is there."""
    own = ROOT / "models"
    calibration = ["--calibration", str(own / "digits_calibration.npz")]
    found = [measure("digits int8", own / "digits.onnx", calibration, own / "digits_evaluation.npz")]
    if not models.is_dir():
        print(f"no MLPerf models in {models}: digits only", file=sys.stderr)
        return found
    for name in mlperf.NAMES:
        judged = None
        if (models / "samples" / f"{name}_eval.npz").is_file():
            judged = mlperf.evaluation(models, name, scratch / f"{name}_eval.npz")
        found.append(measure(f"{name} QDQ", models / f"{name}_qdq.onnx", [], judged))
        found.append(
            measure(f"{name} float32", models / f"{name}_float.onnx", ["--precision", "float32"], judged)
        )
        if judged is not None:
            fit = mlperf.calibration(models, name, scratch / f"{name}_calib.npz")
            options = ["--calibration", str(fit)]
            found.append(measure(f"{name} int8 by tinyc", models / f"{name}_float.onnx", options, judged))
    return found


def table(found: list[Figures]) -> str:
    """The figures as aligned text."""
    head = [
        "model", "MACs", "SRAM", "", "arena", "bound", "proved", "weights", "flash", "instructions",
        "modelled ms", "LSB", "accuracy", "reference", "seconds",
    ]  # fmt: skip
    lines = [head]
    for f in found:
        shares = ["–" if v is None else f"{v:.4f}" for v in (f.accuracy, f.reference)]
        lines.append([
            f.model, f"{f.macs:,}", f"{f.sram:,}", f.sram_method, f"{f.arena:,}", f"{f.lower_bound:,}",
            "yes" if f.proved_optimal else "no", f"{f.weights:,}", f"{f.flash:,}",
            "–" if f.instructions is None else f"{f.instructions:,}",
            "–" if f.milliseconds is None else f"{f.milliseconds:,.2f}",
            "–" if f.max_lsb is None else str(f.max_lsb), *shares, f"{f.seconds:.2f}",
        ])  # fmt: skip
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join("  ".join(line).rstrip() for line in padded)


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = rows(arguments.models, Path(scratch))
    print(json.dumps([asdict(f) for f in found], indent=2) if arguments.json else table(found))


if __name__ == "__main__":
    main()
