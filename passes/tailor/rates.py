"""Layers whose inputs are spikes: event-driven, or with all their weights where most inputs spike."""

from __future__ import annotations

from collections.abc import Callable

from ...ir.dtype import DType
from ...ir.window import Window
from ...kernels.event import EventLayer
from .exchange import Exchange

Form = Callable[[EventLayer], EventLayer | None]
"""A way to compute a layer, None where it cannot be computed so."""
_PIXEL = Window(0, 1, 0, 1)


def by_rate(events: Form, dense: Form) -> Exchange:
    """The event-driven form, or the one of all weights where the model of costs expects that to take fewer
    cycles at the layer's rate; never where the rate is unknown."""

    def choose(kernel: EventLayer, source: DType) -> EventLayer | None:
        driven = events(kernel) or kernel
        all_weights = dense(kernel) if kernel.rate is not None else None
        if all_weights is not None and all_weights.cost(_PIXEL).cycles < driven.cost(_PIXEL).cycles:
            return all_weights
        return None if driven is kernel else driven

    return choose
