"""Task accuracy of a model with states, over whole sequences."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ..emulator.host import HostModel
from ..ir.program import Program
from ..ir.values import to_real
from ..passes.samples import Sequences
from ..passes.state_pairs import given_outputs
from .accuracy import Accuracy, judge
from .feeding import stored_inputs
from .stepping import Stepper


def judge_sequences(
    imported: oir.Model, program: Program, host: HostModel, sequences: Sequences
) -> Accuracy:
    """Both models over every sequence, each from a reset on. Labels [n] judge the output of the last step,
    labels [n, steps] that of every step, and so does agreement where there are no labels."""
    first, output = given_outputs(imported)[0].name or "", program.buffers[program.outputs[0]]
    stepper = Stepper(imported)
    wanted = [[step[first] for step in stepper.run(sequence)[1]] for sequence in sequences]
    stored = [[stored_inputs(program, sample) for sample in sequence] for sequence in sequences]
    given = [
        [to_real(step[output.name], output) for step in sequence] for sequence in host.run_sequences(stored)
    ]
    labels = sequences.labels
    if labels is not None and labels.ndim == 1:
        return judge([steps[-1] for steps in wanted], [steps[-1] for steps in given], labels)
    return judge(_flat(wanted), _flat(given), None if labels is None else labels.reshape(-1))


def _flat(sequences: list[list[np.ndarray]]) -> list[np.ndarray]:
    return [step for sequence in sequences for step in sequence]
