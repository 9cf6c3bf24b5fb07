"""``tinyc compare``: a compiled model beside the TFLite model of the same network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..ir.errors import UsageError
from ..passes.onnx_graph import quoted
from ..passes.samples import InputSpec, Samples, load_samples
from . import console
from .accuracy import Accuracy, judge, labels_of
from .commands import read_json
from .folder import Library, load_folder
from .tflite import Port, TFLiteModel, arranged


@dataclass(frozen=True)
class Comparison:
    """``accuracy.reference`` and ``accuracy.error`` refer to the TFLite model; ``report`` is the compiled
    model's."""

    name: str
    report: Mapping[str, Any]
    tflite: TFLiteModel
    accuracy: Accuracy

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        flash, sram, judged = self.report["flash"], self.report["sram"], self.accuracy
        return {
            "model": self.name,
            "samples": judged.samples,
            "metric": judged.metric,
            "tinyc": {
                "accuracy": judged.compiled,
                "weights": flash["weights"],
                "flash": flash["total"],
                "sram": sram["total"],
                "method": flash["method"],
            },
            "tflite": {
                "file": self.tflite.path.name,
                "runtime": self.tflite.runtime,
                "accuracy": judged.reference,
                "file_bytes": self.tflite.nbytes,
            },
            "agreement": judged.agreement,
            "max_error": judged.error,
        }

    def show(self) -> None:
        """Prints a table."""
        flash, sram, judged = self.report["flash"], self.report["sram"], self.accuracy
        model = f"{flash['weights']:,} B of weights and tables"
        rows = [
            ("accuracy (top-1)", _percent(judged.compiled), _percent(judged.reference)),
            ("model", model, f"{self.tflite.nbytes:,} B, the file"),
            (f"flash, {flash['method']}", f"{flash['total']:,} B, code included", "file and interpreter"),
            (f"SRAM, {sram['method']}", f"{sram['total']:,} B", "its interpreter does not tell"),
        ]
        console.show(console.table(self.name, ["", "tinyc", self.tflite.runtime], rows))
        console.show(
            f"on {judged.samples} samples the two agree in {judged.agreement:.2%} on the largest output; "
            f"outputs differ by up to {judged.error:.2%} of their range"
        )


def _percent(share: float | None) -> str:
    return "no labels" if share is None else f"{share:.2%}"


def compare(folder: Path, tflite: Path, evaluate: Path) -> Comparison:
    """Runs both models on the samples in ``evaluate``, each as it takes them.

    Raises UsageError where ``folder`` is none of tinyc's, the samples cannot be used or the models are not of
    one network, ModelError where the TFLite model cannot be run.
    """
    library = load_folder(folder)
    _refuse_states(library, folder)
    other = TFLiteModel(tflite)
    samples = load_samples(evaluate, library.inputs)
    theirs = _theirs(other, library.inputs, samples, evaluate)
    mine = next(iter(library.run(evaluate).values()))
    _refuse_other_outputs(mine.shape[1:], other)
    accuracy = judge(theirs, list(mine), labels_of(samples.labels))
    return Comparison(library.name, read_json(folder / "report.json"), other, accuracy)


def _theirs(
    other: TFLiteModel, specs: Sequence[InputSpec], samples: Samples, evaluate: Path
) -> list[np.ndarray]:
    """The TFLite model's outputs, sample by sample."""
    real = _real(specs, samples, evaluate)
    fed: list[np.ndarray] = []
    for spec, port in other.matched(specs):
        values = arranged(real[spec.name], port)
        if values is None:
            raise _other_shape(spec, port, other)
        fed.append(values)
    return [other.run(sample) for sample in zip(*fed, strict=True)]


def _real(specs: Sequence[InputSpec], samples: Samples, evaluate: Path) -> dict[str, np.ndarray]:
    """Real values [n, *shape] by input. A file has them as they are, or in the compiled model's integers."""
    plain = [replace(spec, dtype=np.dtype(np.float64), quant=None) for spec in specs]
    held = load_samples(evaluate, plain).arrays
    real: dict[str, np.ndarray] = {}
    for spec in specs:
        values = held[spec.name]
        if spec.quant is not None and np.array_equal(values, samples.arrays[spec.name]):
            values = (values - spec.quant.zero_point) * spec.quant.scale
        real[spec.name] = values
    return real


def _refuse_states(library: Library, folder: Path) -> None:
    if library.interface.states:
        raise UsageError(
            "A model with states cannot be compared",
            where=str(folder),
            why="a TFLite model keeps its states in a way of its own, which cannot be told",
            remedy="compile the network without --state, and compare single time steps",
        )


def _refuse_other_outputs(shape: tuple[int, ...], other: TFLiteModel) -> None:
    port = other.outputs[0]
    if prod(shape) != prod(port.shape):
        raise UsageError(
            "The two models do not have the same outputs",
            where=str(other.path),
            why=f"compiled: {list(shape)}; TFLite: {port.described()}",
            remedy="name the .tflite file of the network that was compiled",
        )


def _other_shape(spec: InputSpec, port: Port, other: TFLiteModel) -> UsageError:
    return UsageError(
        "The two models do not have inputs of the same shape",
        where=str(other.path),
        why=f"compiled: {quoted(spec.name)} {list(spec.shape)}; TFLite: {port.described()}",
        remedy="name the .tflite file of the network that was compiled; channels may come first or last",
    )
