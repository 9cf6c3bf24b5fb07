"""The quantization of what spiking neurons read and keep: spikes, membranes, and sums that drive them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log2

import numpy as np
import onnx_ir as oir

from ..spiking.analysis import state_operands
from ..spiking.linear_memory import remembered
from ..spiking.neurons import NEURONS
from ..spiking.rate_pool import counted
from .affine import Affine
from .graphs import name_of
from .groups import Group, Range
from .operators import array_of, is_constant
from .units import Partition, Unit

SPIKE = Affine(1.0, 0)
"""Spikes are integers as they are: 0 and 1."""
MEMBRANE_BITS = 16
NUMBER = Affine(1.0, 0, 16)
"""Numbers of spikes are integers as they are."""
_HIGHEST = 2 ** (MEMBRANE_BITS - 1) - 1
_MARGIN = 1.25
"""Of a membrane's range over what calibration shows; beyond it, a membrane saturates."""
_MOST_THRESHOLD_BITS = 14
"""A threshold is at most 2^14, so that a membrane can go beyond it."""


def known_quants(parts: Partition, ranges: Mapping[str, Range]) -> dict[str, Affine]:
    """The quantizations that do not depend on errors: of spikes, and of neurons' states, which are 16 bits
    around 0. ``ranges`` are the values seen in calibration."""
    known = dict.fromkeys((name for name in parts.tensors if name in parts.spiking.spikes), SPIKE)
    for node in parts.neurons:
        *synapses, membrane = state_operands(node)
        thresholds = [0.0 for _ in synapses] + [_threshold(node)]
        for pair, threshold in zip((*synapses, membrane), thresholds, strict=True):
            names = [name_of(value) for value in pair]
            reach = _MARGIN * max(abs(bound) for name in names for bound in ranges[name])
            scale = np.float32(_scale(reach, threshold)).item()
            known |= dict.fromkeys(names, Affine(scale, 0, MEMBRANE_BITS))
    for node in parts.memories:
        names = [name_of(value) for value in remembered(node)]
        reach = _MARGIN * max(abs(bound) for name in names for bound in ranges[name])
        known |= dict.fromkeys(names, Affine(np.float32(_scale(reach, 0.0)).item(), 0, MEMBRANE_BITS))
    for node in parts.rate_pools:
        for pair in counted(node):
            known |= dict.fromkeys(map(name_of, pair), NUMBER)
    return known


def _threshold(node: oir.Node) -> float:
    """The largest threshold of a neuron; 0 where it has none, or one that is computed."""
    neuron = NEURONS[node.op_type]
    if not neuron.spikes:
        return 0.0
    value = node.inputs[1 + len(neuron.state) + neuron.parameters.index("threshold")]
    return float(np.abs(array_of(value)).max()) if is_constant(value) else 0.0


def _scale(reach: float, threshold: float) -> float:
    """The scale of a state that comes as far as ``reach``. To a threshold is a power of two of steps, so that
    it is exact: as many as leave room for the largest membrane and a threshold above it."""
    if threshold == 0:
        return reach / _HIGHEST or 1.0
    bits = floor(log2(_HIGHEST * threshold / (reach + threshold)))
    return threshold / 2.0 ** min(bits, _MOST_THRESHOLD_BITS)


def usual_bits(parts: Partition, group: Group) -> int:
    """The bits of a group for which nobody asked for others: 8, or 16 where only neurons compute with it, or
    where only an index of the largest is made of a layer's sums, which need not be rounded to 8 bits then."""
    if group.fixed is not None:
        return group.fixed.bits
    members = set(group.members)
    computing = [unit for unit in parts.units if not unit.rule.shared and not members.isdisjoint(unit.inputs)]
    drives = not set(parts.drives).isdisjoint(members)
    return 16 if (drives and not computing) or _compared(parts, members, computing) else 8


def _compared(parts: Partition, members: set[str], computing: Sequence[Unit]) -> bool:
    """True for what layers with weights make and ArgMax or ArgMin alone read."""
    sources = [unit for unit in parts.units if not members.isdisjoint(unit.outputs)]
    return (
        bool(computing)
        and bool(sources)
        and all(unit.operator.op_type in ("ArgMax", "ArgMin") for unit in computing)
        and all(unit.rule.weight_axis is not None for unit in sources)
        and members.isdisjoint(parts.leaving)
    )
