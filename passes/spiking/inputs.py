"""A network's inputs as spikes: what codes them, and which values their spikes stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_edit import add_constant, emit, unique_name
from ..onnx_graph import SPIKING_DOMAIN, quoted, shape_of
from ..quantize.calibration import Calibration
from ..quantize.graphs import name_of
from ..state_pairs import given_inputs
from .signals import Coding, Signal
from .states import States

SpikeCoding = Literal["analog", "poisson", "latency"]
"""How inputs come into a rate-coded network: as they are; by spikes at random, whose rate is the value; by
one spike in each period, which comes the earlier the greater the value is."""
_PERIOD = 8
"""Time steps in which every value spikes once. Neurons average over several periods: what a spike adds lasts
to the end of its own, so that the sum is right there, and not before (J. Hopfield, "Pattern recognition
computation using action potential timing for stimulus representation", 1995, has latencies in a rhythm)."""
_NOISE_LEVELS = 256
_BELOW = 1 / 256
"""Share of the greatest value by which values may be below 0 and are taken for 0."""


@dataclass(frozen=True, eq=False)
class Coded:
    """The signals of inputs and of what a network reads instead; ``begins`` is true in the first time step of
    a period (bool, one element), None without periods."""

    signals: Mapping[oir.Value, Signal]
    begins: oir.Value | None = None


def code_inputs(
    model: oir.Model, states: States, coding: SpikeCoding, steps: int, calibration: Calibration
) -> Coded:
    """Puts an encoder behind every real input of ``model``.

    The greatest value on ``calibration`` spikes in each of ``steps`` time steps, or in the first of a period.
    Raises ModelError where values are below 0.
    """
    signals = {value: Signal(Coding.ANALOG) for value in model.graph.inputs}
    real = [value for value in given_inputs(model) if value.dtype == oir.DataType.FLOAT]
    if coding == "analog" or not real:
        return Coded(signals)
    period = min(steps, _PERIOD) if coding == "latency" else None
    first = next(iter(model.graph))
    time = states.add("time", np.zeros(1, np.int32))
    for value in real:
        most = _most(value, calibration)
        readers = tuple(value.uses())
        spikes = _encoded(model.graph, value, time, period, most)
        for reader, index in readers:
            reader.replace_input_with(index, spikes)
        kind = Coding.SPIKES if period is None else Coding.TIMES
        signals[spikes] = Signal(kind, np.broadcast_to(np.float32(most), shape_of(value)))
    return Coded(signals, _pass_time(first, time, states, period))


def _pass_time(
    first: oir.Node, time: oir.Value, states: States, period: int | None
) -> oir.Value | None:
    """Counts time steps, in periods anew; what is true when one begins."""

    def number(value: int, what: str) -> oir.Value:
        assert first.graph is not None
        return add_constant(first.graph, np.array([value], np.int32), f"time_{what}")

    later = emit(first, "Add", [time, number(1, "step")], name="time_passes")
    if period is None:
        states.keep(time, later)
        return None
    states.keep(time, emit(first, "Mod", [later, number(period, "period")], name="time_returns"))
    return emit(first, "Equal", [time, number(0, "first")], name="time_begins")


def _most(value: oir.Value, calibration: Calibration) -> float:
    """The greatest element of an input on the samples."""
    arrays = [np.asarray(feeds[name_of(value)]) for feeds in calibration.feeds]
    low, high = min(float(a.min()) for a in arrays), max(float(a.max()) for a in arrays)
    if high <= 0 or low < -_BELOW * high:
        raise ModelError(
            "An input cannot be coded by spikes",
            where=f"input {quoted(value.name)}",
            why=f"its samples go from {low:g} to {high:g}, and no number of spikes is negative",
            remedy="train the network on inputs from 0 on, or leave out --spike-coding: they stay analog",
        )
    return high


def _encoded(
    graph: oir.Graph, value: oir.Value, time: oir.Value, period: int | None, most: float
) -> oir.Value:
    """What the function that makes spikes of ``value`` gives."""
    name, shape = name_of(value), shape_of(value)

    def number(value: float, what: str) -> oir.Value:
        return add_constant(graph, np.array(value, np.float32), f"{name}_{what}")

    if period is None:
        numbers = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
        places = add_constant(graph, numbers, f"{name}_places")
        operator, operands = "Poisson", [places, number(most / _NOISE_LEVELS, "unit")]
    else:
        operator, operands = "Latency", [number(period, "steps"), number(most / period, "unit")]
    node = oir.Node(SPIKING_DOMAIN, operator, [value, time, *operands], name=f"{name}_{operator.lower()}")
    spikes = node.outputs[0]
    spikes.name = unique_name(graph, f"{name}_spikes")
    spikes.shape, spikes.type = value.shape, value.type
    graph.insert_before(next(iter(graph)), node)
    return spikes
