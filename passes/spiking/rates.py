"""Time steps of a spiking network in ONNX Runtime, and when its answer is certain enough to stop."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np
import onnx_ir as oir

from ..onnx_graph import Array
from ..quantize.running import Feeds, Runner, each
from ..state_pairs import initial_values, state_pairs, stepped

EXIT_KEY = "tinyc.exit_margin"
"""metadata_props: by how much the greatest element of the first output has to lead for an inference to end
before its last time step."""
_CAUTION = 2.0
"""Times the least margin at which no calibration sample changes its class afterwards: others may be later."""


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
