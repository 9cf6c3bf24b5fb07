"""Which spiking network a ReLU network becomes: thresholds tried on the calibration samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
import onnx_ir as oir

from ..onnx_graph import Array
from ..quantize.calibration import Calibration
from ..quantize.running import Runner, each
from .convert import convert
from .inputs import SpikeCoding
from .rates import EXIT_KEY, exit_margin, exits, first_outputs

_PERCENTILES = (97.0, 99.0, 99.9)
_JUDGED = 128
"""Calibration samples at most on which time steps are run."""


@dataclass(frozen=True, eq=False)
class RateCoded:
    """The spiking ``model`` of one time step, and what it does on the calibration samples.

    ``agreement`` is, after each time step, the share of samples whose class is the float model's; an
    inference that ends at ``margin`` (None: one element has no lead) takes ``mean_steps`` and agrees on a
    share ``agreement_at_exit``.
    """

    model: oir.Model
    percentile: float
    agreement: tuple[float, ...]
    margin: float | None
    mean_steps: float
    agreement_at_exit: float


def rate_coded(
    model: oir.Model, calibration: Calibration, steps: int, coding: SpikeCoding = "analog"
) -> RateCoded:
    """The canonical float ``model`` as a spiking network of ``steps`` time steps, with the thresholds that
    agree best with it over all of them. Raises what ``convert`` does."""
    judged = calibration.thinned(_JUDGED)
    classes = _classes(model, judged)
    tried = [
        _tried(convert(model, calibration, steps, percentile, coding), percentile, judged, classes, steps)
        for percentile in _PERCENTILES
    ]
    best = max(tried, key=lambda found: found.agreement[-1] + sum(found.agreement) / steps)
    if best.margin is not None:
        best.model.metadata_props[EXIT_KEY] = repr(best.margin)
    return best


def _classes(model: oir.Model, calibration: Calibration) -> Array:
    runner = Runner(model)
    first = runner.outputs[0]
    return np.array([int(found[first].argmax()) for found in each(runner.run, calibration.feeds)])


def _tried(model: oir.Model, percentile: float, judged: Calibration, classes: Array, steps: int) -> RateCoded:
    outputs = first_outputs(model, steps, judged.feeds)
    agreement = (outputs.argmax(axis=-1) == classes[:, None]).mean(axis=0)
    margin = exit_margin(outputs) if outputs.shape[-1] > 1 else None
    at_exit, taken = exits(outputs, inf if margin is None else margin)
    return RateCoded(
        model,
        percentile,
        tuple(agreement.tolist()),
        margin,
        float(taken.mean()),
        float((at_exit == classes).mean()),
    )
