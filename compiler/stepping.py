"""A model with states run step by step by ONNX Runtime: what a step gives is what the next one takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as oir

from ..passes.samples import Samples, Sequences
from ..passes.state_pairs import initial_values, state_pairs, stepped
from .sessions import Reference

Sample = Mapping[str, np.ndarray]


class Stepper:
    """Runs ``model`` over sequences, each from the states' initial values on."""

    def __init__(self, model: oir.Model) -> None:
        self._reference = Reference(model)
        self._pairs = state_pairs(model)
        self._initial = initial_values(model)

    def run(self, sequence: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
        """For each step all inputs, states included, and all outputs."""
        steps = list(stepped(self._reference.run, self._pairs, self._initial, sequence))
        return [given for given, _ in steps], [found for _, found in steps]


def unrolled(model: oir.Model, sequences: Sequences) -> Samples:
    """Every step of every sequence as a sample of its own, in order, with the states that ``model`` meets
    there as further inputs. Labels are kept where every step has one."""
    stepper = Stepper(model)
    steps = [step for sequence in sequences for step in stepper.run(sequence)[0]]
    arrays = {name: np.stack([step[name] for step in steps]) for name in steps[0]}
    labels = sequences.labels
    return Samples(arrays, labels.reshape(-1) if labels is not None and labels.ndim == 2 else None)
