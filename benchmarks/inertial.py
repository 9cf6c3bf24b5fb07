"""How far the integer scores of ``models/inertial.onnx`` are from the float model's, and what makes them so.

    python -m tinyc.benchmarks.inertial [--json]

Calibrated on 64 windows, measured on 500 others: each score's difference as a share of the range of all
scores. Forms are quantized by tinyc and run as C on this machine; but for the rounding of inputs alone, which
is the float model in ONNX Runtime.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir

from .. import models
from ..compiler.feeding import stored_inputs
from ..compiler.options import CompileOptions
from ..compiler.pipeline import compile_model
from ..compiler.sessions import Reference
from ..emulator.host import HostModel
from ..ir.values import to_real
from ..models.inertial import windows
from ..passes.canonicalize import canonicalize
from ..passes.import_onnx import import_model
from ..passes.quantize import QuantizeOptions, quantize

X, FIRST, SECOND, SCORES = "x", "/conv0/Relu_output_0", "/conv1/Relu_output_0", "scores"
FORMS: Mapping[str, tuple[str, ...]] = {
    "all in 8 bits": (),
    "scores in 16 bits": (SCORES,),
    "scores, inputs and first maps in 16 bits": (SCORES, X, FIRST),
    "scores, inputs and all maps in 16 bits, LSTM in float32": (SCORES, X, FIRST, SECOND),
}
"""Tensors that have 16 bits."""


@dataclass(frozen=True)
class Result:
    """Differences in percent of the range of scores, over all scores of all windows; ``beyond`` are windows
    with a score that is more than 1 % off."""

    form: str
    mean: float
    percentile_99: float
    largest: float
    beyond: int
    same_class: float


def measured() -> list[Result]:
    """Of each form."""
    source = onnx.load(Path(models.__file__).parent / "inertial.onnx")
    model, (x, _) = canonicalize(import_model(source)), windows("evaluation", 500)
    wanted, calibration = _in_float(model, x), windows("calibration", 64)[0]
    step = np.float32(np.ptp(calibration) / 255)
    results = [_compared("float32, inputs in 8 bits", _in_float(model, np.rint(x / step) * step), wanted)]
    for form, tensors in FORMS.items():
        options = QuantizeOptions(activation_bits=dict.fromkeys(tensors, 16))
        found = _as_c(quantize(model, {X: calibration}, options), x)
        results.append(_compared(form, found, wanted))
    return results


def _in_float(model: oir.Model, x: np.ndarray) -> np.ndarray:
    runs = Reference(model).run_all([{X: window[None]} for window in x])
    return np.stack([run[SCORES].reshape(-1) for run in runs])


def _as_c(model: oir.Model, x: np.ndarray) -> np.ndarray:
    options = CompileOptions(target="host", name="inertial", verify=False)
    made = compile_model(oir.serde.serialize_model(model), options)
    output = made.program.buffers[made.program.outputs[0]]
    with HostModel(made.program, made.files) as host:
        runs = host.run([stored_inputs(made.program, {X: window[None]}) for window in x])
    return np.stack([to_real(run[output.name], output).reshape(-1) for run in runs])


def _compared(form: str, found: np.ndarray, wanted: np.ndarray) -> Result:
    errors = 100 * np.abs(found - wanted) / np.ptp(wanted)
    return Result(
        form, float(errors.mean()), float(np.percentile(errors, 99)), float(errors.max()),
        int((errors.max(axis=1) > 1).sum()), 100 * float((found.argmax(1) == wanted.argmax(1)).mean()),
    )  # fmt: skip


def table(results: Sequence[Result]) -> str:
    """Markdown."""
    lines = ["| form | mean | 99 % within | largest | windows beyond 1 % | same class |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    lines += [
        f"| {r.form} | {r.mean:.2f} % | {r.percentile_99:.2f} % | {r.largest:.2f} % | {r.beyond} of 500 "
        f"| {r.same_class:.1f} % |"
        for r in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    results = measured()
    print(json.dumps([asdict(r) for r in results], indent=2) if parser.parse_args().json else table(results))


if __name__ == "__main__":
    main()
