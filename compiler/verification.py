"""The proof that comes with every compile: all executions agree, and each layer means what ONNX says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import onnx_ir as oir

from ..emulator.host import HostModel
from ..emulator.machine import Machine
from ..ir.errors import VerificationError
from ..ir.program import Program
from ..ir.values import to_given
from ..kernels.neuron import FloatNeuron
from ..passes.samples import Samples, input_specs, random_samples
from ..passes.state_pairs import given_inputs, state_pairs
from .distance import distance, span
from .feeding import stored_inputs
from .fidelity import Flips, StepError
from .stepping import Stepper

Sample = Mapping[str, np.ndarray]
FLOAT_TOLERANCE = 1e-5
"""Emulator and C differ by at most this share of a float tensor's range."""


@dataclass(frozen=True)
class Verification:
    """Outcome of comparing the executions on ``vectors`` samples; on the emulated board the first of them,
    None where there was no run. ``left_out`` samples say nothing: see ``firm_samples``."""

    vectors: int
    left_out: int
    host_bit_exact: bool
    board_bit_exact: bool | None
    errors: tuple[StepError, ...]

    @property
    def max_lsb(self) -> int | None:
        """The largest difference of an integer layer from ONNX Runtime, in LSB."""
        return max((e.lsb for e in self.errors if e.lsb is not None), default=None)

    @property
    def flipped(self) -> Flips | None:
        """Spikes that differ from ONNX Runtime's, of all layers; None for a network without spikes."""
        flips = [e.flipped for e in self.errors if e.flipped is not None]
        return sum(flips, Flips(0, 0)) if flips else None


def emulate(program: Program, samples: Sequence[Sample]) -> list[dict[str, np.ndarray]]:
    """Outputs of the NumPy emulator by buffer name, for samples by the model's input names: the time steps of
    one sequence, where the model has states."""
    machine = Machine(program)
    return [machine.run(stored_inputs(program, sample)) for sample in samples]


def with_states(program: Program, model: oir.Model, samples: Sequence[Sample]) -> list[Sample]:
    """``samples`` with the states that the emulator meets at each, as inputs of ``model``."""
    if not program.states:
        return list(samples)
    dtypes = {spec.name: spec.dtype for spec in input_specs(model.graph.inputs)}
    machine, met = Machine(program), list[Sample]()
    for sample in samples:
        held = ((program.buffers[name], array) for name, array in machine.states().items())
        states = {
            buffer.source: to_given(array, buffer, dtypes[buffer.source])
            for buffer, array in held
            if buffer.source in dtypes
        }
        met.append({**sample, **states})
        machine.run(stored_inputs(program, sample))
    return met


def firm_samples(program: Program, samples: Sequence[Sample]) -> int:
    """How many of ``samples`` come before the first whose spikes rounding decides, 1 at least.

    Neurons on float32 compare sums that boards round otherwise (by fused multiply-adds, in another order). A
    spike that appears or is lost where thresholds move by FLOAT_TOLERANCE says nothing about the C, and
    neither does what follows it.
    """
    firm = len(samples)
    if not any(isinstance(step.kernel, FloatNeuron) for step in program.steps):
        return firm
    emulated = emulate(program, samples)
    for factor in (1 - FLOAT_TOLERANCE, 1 + FLOAT_TOLERANCE):
        other = emulate(_with_thresholds(program, factor), samples)
        pairs = enumerate(zip(emulated, other, strict=True))
        firm = next((n for n, (one, two) in pairs if n < firm and _spikes_differ(one, two)), firm)
    return max(firm, 1)


def _with_thresholds(program: Program, factor: float) -> Program:
    """The program with the thresholds of its neurons on float32 times ``factor``."""
    steps = tuple(
        replace(step, kernel=replace(step.kernel, threshold=step.kernel.threshold * np.float32(factor)))
        if isinstance(step.kernel, FloatNeuron)
        else step
        for step in program.steps
    )
    return replace(program, steps=steps)


def _spikes_differ(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    """Whether any output differs by more than moved thresholds alone account for."""
    limit = 100 * FLOAT_TOLERANCE
    return any(distance(one[name], other[name]).max(initial=0) > limit * span(one[name]) for name in one)


def compare_with_host(
    program: Program, host: HostModel, samples: Sequence[Sample], emulated: Sequence[Mapping[str, np.ndarray]]
) -> bool:
    """Runs the samples as C on the host, and compares with ``same_outputs``."""
    compiled = host.run([stored_inputs(program, sample) for sample in samples])
    exact = [
        same_outputs(program, wanted, got, f"C on this machine, vector {index}")
        for index, (wanted, got) in enumerate(zip(emulated, compiled, strict=True))
    ]
    return all(exact)


def same_outputs(
    program: Program, wanted: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], execution: str
) -> bool:
    """True where every output byte of ``execution`` is the emulator's.

    Raises VerificationError where integers differ at all, or floats by more than FLOAT_TOLERANCE.
    """
    exact = True
    for name in program.outputs:
        if not np.array_equal(wanted[name], got[name], equal_nan=program.buffers[name].dtype.is_float):
            exact = False
            _tolerate(program, name, execution, wanted[name], got[name])
    return exact


def _tolerate(program: Program, name: str, execution: str, mine: np.ndarray, theirs: np.ndarray) -> None:
    difference = distance(mine, theirs)
    if program.buffers[name].dtype.is_float and difference.max() <= FLOAT_TOLERANCE * max(span(mine), 1e-6):
        return
    element = int(difference.reshape(-1).argmax())
    raise VerificationError(
        "Emulator and compiled C disagree",
        where=f"output {program.buffers[name].source!r}, element {element}, {execution}",
        why=f"emulator {mine.reshape(-1)[element]}, C {theirs.reshape(-1)[element]}",
        remedy="report this as a bug of tinyc, with the model",
    )


def verification_samples(model: oir.Model, samples: Samples | None, count: int) -> list[Sample]:
    """The first ``count`` of the user's samples, filled up with random ones of a fixed seed. Of a model with
    states they are the steps of one sequence."""
    chosen: list[Sample] = [] if samples is None else list(islice(samples, count))
    if len(chosen) < count:
        specs = input_specs(given_inputs(model))
        chosen += list(random_samples(specs, count - len(chosen), seed=0))
    return Stepper(model).run(chosen)[0] if state_pairs(model) else chosen
