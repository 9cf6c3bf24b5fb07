"""``--spiking T``: a ReLU network compiled as a spiking one that codes activations by rates."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf
from typing import Any

import numpy as np
import onnx_ir as oir

from ..codegen.emit import Inference
from ..emulator.host import HostModel
from ..ir.errors import UsageError
from ..ir.program import Buffer, Program
from ..ir.values import to_real
from ..passes.onnx_graph import is_quantized
from ..passes.quantize.calibration import Calibration
from ..passes.samples import Samples, Sequences
from ..passes.spiking.choice import RateCoded, rate_coded
from ..passes.spiking.rates import exits
from .accuracy import Accuracy, judge, labels_of
from .feeding import stored_inputs
from .options import RANDOM, CompileOptions
from .sessions import Reference
from .stepping import unrolled

_UNROLLED = 16
"""Samples whose time steps show which values the network meets."""


@dataclass(frozen=True, eq=False)
class OverTime:
    """The C on evaluation samples: ``by_step`` is its accuracy (or agreement with the float model, without
    labels) after each time step; ``mean_steps`` is what inferences take that end when they are certain."""

    by_step: tuple[float, ...]
    mean_steps: float
    at_exit: Accuracy


@dataclass(frozen=True, eq=False)
class Rates:
    """A converted network of ``steps`` time steps; ``evaluated`` where there were samples for that."""

    found: RateCoded
    steps: int
    evaluated: OverTime | None = None

    def inference(self, program: Program) -> Inference:
        """What the C does in one inference."""
        return Inference(self.steps, self._lead(program.buffers[program.outputs[0]]))

    def _lead(self, output: Buffer) -> int | float | None:
        margin = self.found.margin
        return margin if margin is None or output.quant is None else floor(margin / output.quant.scale)

    def margin_of(self, output: Buffer) -> float:
        """What real outputs have to lead by, so that it is decided as in the C; infinity where none can."""
        lead = self._lead(output)
        if lead is None:
            return inf
        return lead if output.quant is None else (lead + 0.5) * output.quant.scale

    def to_dict(self) -> dict[str, Any]:
        """The report's ``spiking``."""
        found, done = self.found, self.evaluated
        return {
            "steps": self.steps,
            "threshold_percentile": found.percentile,
            "exit_margin": found.margin,
            "calibration": {
                "agreement_by_step": list(found.agreement),
                "agreement_at_exit": found.agreement_at_exit,
                "mean_steps": found.mean_steps,
            },
            "evaluation": None
            if done is None
            else {
                "metric": done.at_exit.metric,
                "by_step": list(done.by_step),
                "at_exit": done.at_exit.agreement if done.at_exit.compiled is None else done.at_exit.compiled,
                "mean_steps": done.mean_steps,
            },
        }

    def described(self) -> str:
        """One line for people."""
        done = self.evaluated
        taken = self.found.mean_steps if done is None else done.mean_steps
        where = "calibration" if done is None else "evaluation"
        return f"{self.steps} time steps at most, {taken:.1f} on average on the {where} samples"


def to_rates(model: oir.Model, samples: Samples | None, options: CompileOptions) -> Rates:
    """The canonical float ``model`` as a spiking network of ``options.spiking`` time steps.

    Raises UsageError without calibration samples and for a model that is quantized already, ModelError for
    nodes that cannot be converted.
    """
    assert options.spiking is not None
    if samples is None or options.calibration == RANDOM:
        raise UsageError(
            "--spiking needs calibration samples from the model's real data",
            why="thresholds are balanced by the activations that these show",
            remedy="add --calibration SAMPLES.npz: one array per input, samples on the first axis",
        )
    if is_quantized(model):
        raise UsageError(
            "--spiking was asked for, but the model is quantized already",
            remedy="compile the float model that it was made from",
        )
    found = rate_coded(model, Calibration(tuple(samples)), options.spiking)
    return Rates(found, options.spiking)


def over_time(model: oir.Model, samples: Samples, steps: int) -> Samples:
    """The time steps of the first of ``samples``, with the states that ``model``, one time step, meets."""
    count = min(len(samples), _UNROLLED)
    return unrolled(model, _repeated({n: a[:count] for n, a in samples.arrays.items()}, steps))


def _repeated(arrays: dict[str, np.ndarray], steps: int) -> Sequences:
    return Sequences({name: np.repeat(array[:, None], steps, axis=1) for name, array in arrays.items()})


def judge_rates(
    imported: oir.Model, program: Program, host: HostModel, samples: Samples, rates: Rates
) -> OverTime:
    """The C on ``samples`` over all time steps, beside the float model that came in."""
    reference, output = Reference(imported), program.buffers[program.outputs[0]]
    wanted = [reference.run(sample)[reference.outputs[0]] for sample in samples]
    fed = [[stored_inputs(program, sample)] * rates.steps for sample in samples]
    given = np.stack([
        np.stack([to_real(step[output.name], output).reshape(-1) for step in sequence])
        for sequence in host.run_sequences(fed)
    ])  # fmt: skip
    labels = labels_of(samples.labels)
    _, taken = exits(given, rates.margin_of(output))
    targets = np.array([w.reshape(-1).argmax() for w in wanted]) if labels is None else labels
    last = given[np.arange(len(given)), taken - 1]
    by_step = (given.argmax(axis=-1) == targets[:, None]).mean(axis=0)
    return OverTime(tuple(by_step.tolist()), float(taken.mean()), judge(wanted, list(last), labels))
