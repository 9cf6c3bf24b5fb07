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
from ..passes.spiking.rates import RateCoding, exits, first_outputs, rate_coding
from ..passes.state_pairs import state_pairs
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
    """A rate-coded network; ``found`` where it was converted just now, ``evaluated`` where there were samples
    for that."""

    coding: RateCoding
    found: RateCoded | None = None
    evaluated: OverTime | None = None

    def inference(self, program: Program) -> Inference:
        """What the C does in one inference."""
        return Inference(self.coding.steps, self._lead(program.buffers[program.outputs[0]]))

    def _lead(self, output: Buffer) -> int | float | None:
        margin = self.coding.margin
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
            "steps": self.coding.steps,
            "threshold_percentile": None if found is None else found.percentile,
            "exit_margin": self.coding.margin,
            "calibration": None
            if found is None
            else {
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
        line = f"{self.coding.steps} time steps at most"
        if self.evaluated is not None:
            return f"{line}, {self.evaluated.mean_steps:.1f} on average on the evaluation samples"
        if self.found is not None:
            return f"{line}, {self.found.mean_steps:.1f} on average on the calibration samples"
        return line


def rates_of(model: oir.Model) -> Rates | None:
    """Of a model that is rate-coded as it comes. Raises what ``rate_coding`` does."""
    coding = rate_coding(model)
    return None if coding is None else Rates(coding)


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
    found = rate_coded(model, Calibration(tuple(samples)), options.spiking, options.spike_coding)
    coding = rate_coding(found.model)
    assert coding is not None
    return Rates(coding, found)


def over_time(model: oir.Model, samples: Samples, steps: int) -> Samples:
    """The time steps of the first of ``samples``, with the states that ``model``, one time step, meets."""
    count = min(len(samples), _UNROLLED)
    return unrolled(model, _repeated({n: a[:count] for n, a in samples.arrays.items()}, steps))


def _repeated(arrays: dict[str, np.ndarray], steps: int) -> Sequences:
    return Sequences({name: np.repeat(array[:, None], steps, axis=1) for name, array in arrays.items()})


def judge_rates(
    imported: oir.Model, program: Program, host: HostModel, samples: Samples, rates: Rates
) -> OverTime:
    """The C on ``samples`` over all time steps, beside the model that came in: after its own last time step,
    where that is rate-coded itself."""
    output, steps = program.buffers[program.outputs[0]], rates.coding.steps
    if state_pairs(imported):
        wanted = list(first_outputs(imported, steps, list(samples))[:, -1])
    else:
        reference = Reference(imported)
        wanted = [reference.run(sample)[reference.outputs[0]] for sample in samples]
    fed = [[stored_inputs(program, sample)] * steps for sample in samples]
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
