"""Firing rates: how often tensors of spikes are 1, as calibration showed. Event-driven kernels are chosen by
them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import onnx_ir as oir

_KEY = "tinyc.spiking.firing"
_DIGITS = 6


def note_rates(model: oir.Model, rates: Mapping[str, float]) -> None:
    """Keeps the share of ones by tensor in the model's metadata."""
    if rates:
        rounded = {name: round(rate, _DIGITS) for name, rate in rates.items()}
        model.metadata_props[_KEY] = json.dumps(rounded, sort_keys=True)


def noted_rates(model: oir.Model) -> dict[str, float]:
    """The share of ones by tensor, of those that calibration has seen."""
    return json.loads(model.metadata_props.get(_KEY, "{}"))
