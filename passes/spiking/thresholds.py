"""Thresholds that balance a rate-coded network: what a spike in every time step stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as oir

from ..onnx_graph import Array
from ..quantize.calibration import Calibration
from ..quantize.graphs import exposing, name_of
from ..quantize.running import Feeds, Runner, each

_POSITIONS = 256
"""Values of a channel that are kept of each sample, evenly spread."""
_LEAST = 2.0**-6
"""Share of a tensor's largest threshold that none falls below: what fires seldom needs no fine steps."""


def balanced_thresholds(
    model: oir.Model, activations: Sequence[oir.Value], calibration: Calibration, percentile: float
) -> Mapping[str, Array]:
    """[channels] thresholds of each of ``activations``, outputs of a ReLU, by name.

    A threshold is the ``percentile`` of what the channel takes on the calibration samples: higher ones cut
    fewer values off, lower ones make more spikes, so that fewer time steps tell values apart (B. Rueckauer
    et al., "Conversion of continuous-valued deep networks to efficient event-driven networks", 2017).
    """
    names = [name_of(value) for value in activations]
    runner = Runner(exposing(model, names))

    def kept(feeds: Feeds) -> list[Array]:
        found = runner.run(feeds)
        return [_by_channel(found[name]) for name in names]

    samples = list(each(kept, calibration.feeds))
    return {
        name: _floored(np.percentile(np.concatenate(parts, axis=1), percentile, axis=1))
        for name, parts in zip(names, zip(*samples, strict=True), strict=True)
    }


def _by_channel(values: Array) -> Array:
    """[channels, positions] of a tensor whose second axis is that of channels."""
    rows = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
    picks = np.unique(np.linspace(0, rows.shape[1] - 1, _POSITIONS).round().astype(int))
    return rows[:, picks]


def _floored(thresholds: Array) -> Array:
    most = float(thresholds.max(initial=0.0))
    return np.maximum(thresholds, _LEAST * most if most > 0 else 1.0).astype(np.float32)
