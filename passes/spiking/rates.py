"""Time steps of a spiking network in ONNX Runtime, and when its answer is certain enough to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from math import isfinite

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import Array
from ..quantize.running import Feeds, Runner, each
from ..state_pairs import initial_values, state_pairs, stepped

STEPS_KEY = "tinyc.steps"
"""metadata_props: time steps of one inference."""
EXIT_KEY = "tinyc.exit_margin"
"""metadata_props: by how much the greatest element of the first output has to lead for an inference to end
before its last time step."""
_CAUTION = 2.0
"""Times the least margin at which no calibration sample changes its class afterwards: others may be later."""


@dataclass(frozen=True)
class RateCoding:
    """An inference of a rate-coded model: at most ``steps`` time steps of the same inputs, or until its first
    output leads by more than ``margin``; None where no lead is enough."""

    steps: int
    margin: float | None


def rate_coding(model: oir.Model) -> RateCoding | None:
    """What the model itself says; None where a time step is no part of an inference. Raises ModelError for
    numbers that cannot be meant, and for a model without states, which every time step would leave as it is.
    """
    noted = {key: model.metadata_props.get(key) for key in (STEPS_KEY, EXIT_KEY)}
    text, lead = noted.values()
    if text is None:
        return None
    try:
        steps, margin = int(text), None if lead is None else float(lead)
    except ValueError:
        steps, margin = 0, None
    if steps < 1 or (margin is not None and not (isfinite(margin) and margin >= 0)):
        listed = ", ".join(f"{key} = {value!r}" for key, value in noted.items() if value is not None)
        raise ModelError(
            "The model's time steps of an inference are no numbers of steps and of a lead",
            where="the model's metadata",
            why=listed[:200],
            remedy=f"set {STEPS_KEY} to 1 or more and {EXIT_KEY} to 0 or more, or remove both",
        )
    if not state_pairs(model):
        raise ModelError(
            "The model says that an inference takes several time steps, but it has no states",
            where="the model's metadata",
            why=f"{STEPS_KEY} = {text!r}: every step would compute the same",
            remedy=f"name its states with --state IN:OUT, or remove {STEPS_KEY}",
        )
    return RateCoding(steps, margin)


def first_outputs(model: oir.Model, steps: int, samples: Sequence[Feeds]) -> Array:
    """[samples, steps, elements]: the first output of ``model``, a time step, in each of ``steps``."""
    runner = Runner(model)
    pairs, initial = state_pairs(model), initial_values(model)
    first = runner.outputs[0]

    def over_time(feeds: Feeds) -> Array:
        found = stepped(runner.run, pairs, initial, repeat(feeds, steps))
        return np.stack([outputs[first].reshape(-1) for _, outputs in found])

    return np.stack(list(each(over_time, samples)))


def margins(outputs: Array) -> Array:
    """By how much the greatest of the last axis leads; 0 where it is alone."""
    if outputs.shape[-1] < 2:
        return np.zeros(outputs.shape[:-1], outputs.dtype)
    ordered = np.sort(outputs, axis=-1)
    return ordered[..., -1] - ordered[..., -2]


def exit_margin(outputs: Array) -> float:
    """The margin at which to stop, from ``outputs`` [samples, steps, classes] of calibration samples: every
    sample that had reached it in some step keeps its class to the last step. Infinity where none is safe."""
    classes, leads = outputs.argmax(axis=-1), margins(outputs)
    wrong = leads[classes != classes[:, -1:]]
    return _CAUTION * float(wrong.max(initial=0.0))


def exits(outputs: Array, margin: float) -> tuple[Array, Array]:
    """The class and the number of time steps of each sample, where inferences end at ``margin``."""
    certain = margins(outputs) > margin
    certain[:, -1] = True
    last = certain.argmax(axis=1)
    return outputs[np.arange(len(outputs)), last].argmax(axis=-1), last + 1
