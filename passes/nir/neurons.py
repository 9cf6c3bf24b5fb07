"""Neurons of NIR, whose equations are in seconds, as recurrences over time steps of dt seconds.

Derivatives become differences (forward Euler), which is what the frameworks that write NIR compute:
τ·dv/dt = (v_leak − v) + r·I is v ← (1 − dt/τ)·v + dt/τ·(v_leak + r·I). So snnTorch, whose neurons know
only β, writes τ = dt / (1 − β) and r = τ / dt with dt = 1e-4, and reads that back. (e^(−dt/τ), the solution
for a constant input, would be another β, and other spikes.) An IF neuron has no τ: its input is the charge of
one step, v ← v + r·I, as in the simulators that write it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...ir.errors import ModelError, UsageError
from ..onnx_graph import Array
from ..spiking.neurons import Reset
from .network import NirNode

NirReset = Literal["zero", "subtract", "zero-delayed", "subtract-delayed"]
"""What a spike does to the membrane: see ``reset_of``."""

SNNTORCH_DT = 1e-4
"""The time step, in seconds, that snnTorch's exporter takes for granted."""
_PARAMETERS = ("tau", "tau_syn", "tau_mem", "r", "w_in", "v_leak", "v_reset", "v_threshold")
_STORED = 2.0**-22
"""Files keep float32, so that β = 0 and a gain of 1 come back with this error at most."""


@dataclass(frozen=True)
class StepNeuron:
    """A neuron of ``passes.spiking.neurons`` driven by ``gain`` · I + ``offset``. All arrays are float64 as
    NIR stores them: of the neuron's shape, or one element."""

    operator: str
    parameters: Mapping[str, Array]
    gain: Array
    offset: Array


def discretize(node: NirNode, dt: float) -> StepNeuron:
    """The recurrence of a NIR neuron (one of ``NEURON_KINDS``) for steps of ``dt`` seconds.

    Raises ModelError for a time constant that is not positive, for a v_reset or v_leak that has no such
    recurrence, and for parameters of different shapes; UsageError for a ``dt`` above a time constant.
    """
    _check_shapes(node)
    return _STEPS[node.kind](node, dt)


def reset_of(reset: NirReset) -> tuple[Reset, bool]:
    """What a spike does, and whether a step later. NIR means ``zero``; files do not say what was trained."""
    mechanism, _, delay = reset.partition("-")
    return Reset[mechanism.upper()], bool(delay)


def check_dt(dt: float | None) -> float:
    """``dt`` in seconds. Raises UsageError where it is missing or not a positive number."""
    if dt is not None and np.isfinite(dt) and dt > 0:
        return dt
    raise UsageError(
        "A NIR network needs a time step" if dt is None else f"--dt cannot be {dt:g}",
        why="time constants in NIR are in seconds; a step must be a positive number of them",
        remedy=f"give the step that the network was trained with; for files of snnTorch --dt {SNNTORCH_DT:g}",
    )


def _lif(node: NirNode, dt: float) -> StepNeuron:
    share = _share(node, "tau", dt)
    parameters = {"beta": _decay(share), "threshold": _threshold(node)}
    return StepNeuron("LIF", parameters, _gain(share * node.numbers("r")), share * node.numbers("v_leak"))


def _li(node: NirNode, dt: float) -> StepNeuron:
    share = _share(node, "tau", dt)
    gain, offset = _gain(share * node.numbers("r")), share * node.numbers("v_leak")
    return StepNeuron("LI", {"beta": _decay(share)}, gain, offset)


def _if(node: NirNode, dt: float) -> StepNeuron:
    return StepNeuron("IF", {"threshold": _threshold(node)}, node.numbers("r"), np.zeros(()))


def _cuba_lif(node: NirNode, dt: float) -> StepNeuron:
    """The membrane takes r·dt/τ_mem of the synapse's current: that factor may as well act before it."""
    if node.numbers("v_leak").any():
        raise ModelError(
            "A CubaLIF neuron with a leak potential is not supported",
            where=node.where,
            why="v_leak is not 0, and would add to the membrane behind the synapse",
            remedy="subtract v_leak from v_threshold and v_reset, and set it to 0",
        )
    synapse, membrane = _share(node, "tau_syn", dt), _share(node, "tau_mem", dt)
    parameters = {"alpha": _decay(synapse), "beta": _decay(membrane), "threshold": _threshold(node)}
    gain = _gain(_gain(synapse * node.numbers("w_in")) * _gain(membrane * node.numbers("r")))
    return StepNeuron("CubaLIF", parameters, gain, np.zeros(()))


_STEPS: Mapping[str, Callable[[NirNode, float], StepNeuron]] = {
    "LIF": _lif,
    "IF": _if,
    "CubaLIF": _cuba_lif,
    "LI": _li,
}
NEURON_KINDS = frozenset(_STEPS)


def _check_shapes(node: NirNode) -> None:
    arrays = [node.numbers(name) for name in _PARAMETERS if name in node.parameters]
    shapes = {array.shape for array in arrays if array.size != 1}
    if len(shapes) > 1:
        raise ModelError(
            "The parameters of a neuron differ in shape",
            where=node.where,
            why=", ".join(map(str, sorted(shapes))),
            remedy="write the file again with the framework that the network comes from",
        )


def _share(node: NirNode, parameter: str, dt: float) -> Array:
    """dt/τ, from 0 to 1."""
    constants = node.numbers(parameter)
    if (constants <= 0).any():
        raise ModelError(
            "A neuron's time constant must be positive",
            where=node.where,
            why=f"{parameter} is {constants.min():g} seconds",
            remedy="correct the time constants; write the file again",
        )
    smallest = float(constants.min())
    if dt > smallest * (1 + _STORED):
        raise UsageError(
            f"--dt {dt:g} is longer than a time constant of the network",
            where=node.where,
            why=f"{parameter} is {smallest:g} seconds, and dt/τ above 1 would make the decay negative",
            remedy="give the step that the network was trained with, in seconds; "
            f"for files of snnTorch --dt {SNNTORCH_DT:g}",
        )
    return dt / constants


def _decay(share: Array) -> Array:
    decay = 1 - share
    return np.where(np.abs(decay) < _STORED, 0, decay)


def _gain(gain: Array) -> Array:
    return np.where(np.abs(gain - 1) <= _STORED, 1, gain)


def _threshold(node: NirNode) -> Array:
    if "v_reset" in node.parameters and node.numbers("v_reset").any():
        raise ModelError(
            "A neuron that resets to another potential than 0 is not supported",
            where=node.where,
            why=f"v_reset is {node.numbers('v_reset').max():g}; a spike sets 0 or subtracts the threshold",
            remedy="shift v_threshold, v_leak and v_reset so that v_reset is 0; write the file again",
        )
    return node.numbers("v_threshold")
