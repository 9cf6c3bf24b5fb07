"""Spiking neurons on integers: membranes of 16 bits, spikes of one.

A membrane counts in a scale of its own, so that thresholds are integers Θ. Currents come as integers of other
scales, one for each channel. With m = current's scale / membrane's scale in fixed point,

    drive = (offset + Σ I · m) >> shift            offset = half of 2^shift, less the currents' zero points
    V     = β · U + drive − R · Θ                  S = [V > Θ]
    U'    = V (− S · Θ), saturated to 16 bits

β · U is U − (U >> k) where β is 1 − 2^−k for every channel, else (U · β_q15 + 2^14) >> 15; >> rounds down.
That V fits 32 bits for every possible current is proved when the kernel is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .fixed_point import narrowest
from .neuron import NeuronKernel, Recurrence, parameters
from .node import Node

MEMBRANE = DType.INT16
"""The type of membranes and synaptic currents."""
_LEAST, _MOST = int(MEMBRANE.lowest), int(MEMBRANE.highest)
_ROOM = 2**30
"""What drives stay below, so that a membrane and a threshold can be added in 32 bits."""


@dataclass(frozen=True, eq=False)
class Current:
    """What an operand contributes: real = (integer − zero_point) · scales, which are one or one per channel;
    integers less the zero point are at most ``bound`` in magnitude."""

    scales: np.ndarray
    bound: int
    zero_point: int = 0


@dataclass(frozen=True, eq=False)
class Drive:
    """(offset + Σ integer · multiplier) >> shift: sums of currents in units of the state that they charge.
    Arrays have one element or one per channel."""

    multipliers: tuple[np.ndarray, ...]
    offset: np.ndarray
    shift: int

    @classmethod
    def of(cls, currents: Sequence[Current], scale: float) -> Drive | None:
        """To a state of that scale; None where currents are so much larger that 32 bits are not enough."""
        ratios = [np.asarray(c.scales, np.float64).reshape(-1) / scale for c in currents]
        reach = sum(c.bound * float(r.max(initial=0.0)) for c, r in zip(currents, ratios, strict=True))
        # enough for rounded multipliers to add half a step at most
        exact = ceil(log2(max(sum(c.bound for c in currents), 2)))
        shift = min(floor(log2(_ROOM / max(reach, 1.0))), exact)
        if shift < 0:
            return None
        multipliers = [np.rint(r * 2.0**shift).astype(np.int64) for r in ratios]
        while shift and not any((m & 1).any() for m in multipliers):
            multipliers, shift = [m >> 1 for m in multipliers], shift - 1
        offset, most = np.full(1, (1 << shift) >> 1, np.int64), 0
        for current, m in zip(currents, multipliers, strict=True):
            offset = offset - current.zero_point * m
            most += current.bound * int(m.max())
        if most + int(np.abs(offset).max()) > 2 * _ROOM - 1:  # rounded multipliers of currents of many bits
            return None
        return cls(tuple(narrowest(_one_if_equal(m)) for m in multipliers), _one_if_equal(offset), shift)

    def apply(self, currents: Sequence[np.ndarray]) -> np.ndarray:
        """int64; channels are the last axis."""
        total = self.offset + sum(
            i.astype(np.int64) * m for i, m in zip(currents, self.multipliers, strict=True)
        )
        return total >> self.shift


@dataclass(frozen=True, eq=False)
class Decay:
    """β · U on integers: U − (U >> ``shift``) where that is given, else by ``factors`` in Q15; β of 1 has
    neither."""

    shift: int | None
    factors: np.ndarray | None

    @classmethod
    def of(cls, real: np.ndarray) -> Decay:
        """For decays between 0 and 1, one or one per channel."""
        if (real == 1).all():
            return cls(None, None)
        shift = -log2(1 - float(real.max())) if real.max() < 1 else 0.5
        if (real == real[0]).all() and shift == int(shift) and 1 <= shift <= 15:
            return cls(int(shift), None)
        factors = np.minimum(np.rint(real.astype(np.float64) * 2**15), 2**15 - 1)
        return cls(None, _one_if_equal(factors).astype(np.int16))

    def apply(self, state: np.ndarray) -> np.ndarray:
        """``state`` is int64, channels last."""
        if self.shift is not None:
            return state - (state >> self.shift)
        return state if self.factors is None else (state * self.factors.astype(np.int64) + 2**14) >> 15


def _one_if_equal(array: np.ndarray) -> np.ndarray:
    return array[:1] if (array == array[0]).all() else array


@dataclass(frozen=True, eq=False)
class IntegerNeuron(NeuronKernel):
    """Currents, then the state (int16); spikes (BIT), then the new state."""

    template: ClassVar[str] = "neuron"

    drive: Drive
    decays: tuple[Decay, ...]
    threshold: np.ndarray
    """int16, one or one per channel."""
    charge: Drive | None
    """From the synaptic current to the membrane, where there is one."""

    @property
    def _currents(self) -> int:
        return len(self.drive.multipliers)

    def constants(self) -> Mapping[str, np.ndarray]:
        arrays = {f"multipliers{n}": m for n, m in enumerate(self.drive.multipliers)}
        arrays |= {"offset": self.drive.offset.astype(np.int32), "threshold": self.threshold}
        names = zip(self.recurrence.decays, self.decays, strict=True)
        arrays |= {name: decay.factors for name, decay in names if decay.factors is not None}
        return {name: array for name, array in arrays.items() if array.size > 1}

    def cost(self, window: Window) -> Cost:
        each = self._currents + len(self.decays) + self.recurrence.spikes
        return Cost(operations=self._neurons(window) * each)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        model, count = self.recurrence, self._currents
        states = [array.astype(np.int64) for array in inputs[count:]]
        charge, made = self.drive.apply(inputs[:count]), list[np.ndarray]()
        if self.charge is not None:
            made.append(_saturated(self.decays[0].apply(states[0]) + charge))
            charge = self.charge.apply(made)
        u, threshold = states[-1], self.threshold.astype(np.int64)
        answered = (u > threshold) & (model.spikes and model.delayed)
        kept = u if model.has_synapse else np.where(answered & model.to_zero, 0, u)
        v = (self.decays[-1].apply(kept) if model.decays else kept) + charge
        if model.to_zero:
            v = np.where(answered & model.has_synapse, 0, v)
        else:
            v = v - np.where(answered, threshold, 0)
        if not model.spikes:
            return (_saturated(v),)
        spikes = v > threshold
        if not model.delayed:
            v = np.where(spikes, 0 if model.to_zero else v - threshold, v)
        return (spikes, *made, _saturated(v))


def _saturated(values: np.ndarray) -> np.ndarray:
    return np.clip(values, _LEAST, _MOST).astype(MEMBRANE.numpy)


def resolve_integer(node: Node, currents: Sequence[Current]) -> IntegerNeuron:
    """The kernel for ``node``, whose states are int16 with zero point 0 and a scale.

    Raises ModelError for currents that a membrane of this scale cannot take, thresholds that it cannot reach,
    and what ``parameters`` refuses.
    """
    model = Recurrence.of(node)
    decays, threshold = parameters(node, model)
    scales: list[float] = []
    for index in range(1, 1 + len(model.states)):
        quant = node.input(index).quant
        if quant is None or quant.zero_point != 0 or node.input(index).dtype is not MEMBRANE:
            raise node.refuse(
                f"its state {node.input(index).name!r} is not quantized to int16 with zero point 0",
                "quantize it so, or leave it in float32",
            )
        scales.append(quant.scale)
    drive = Drive.of(currents, scales[0])
    charge = Drive.of([Current(np.array([scales[0]]), _MOST + 1)], scales[1]) if model.has_synapse else None
    if drive is None or (model.has_synapse and charge is None):
        raise node.refuse(
            "its current is too large for its membrane", "quantize the membrane with a larger scale"
        )
    integers = np.rint(threshold.astype(np.float64) / scales[-1])
    if np.abs(integers).max() > _MOST:
        raise node.refuse(
            f"its threshold is {np.abs(integers).max():.0f} steps of the membrane, which has {_MOST} at most",
            "quantize the membrane with a larger scale",
        )
    return IntegerNeuron(
        model, node.input(0).physical, drive, tuple(Decay.of(d) for d in decays),
        _one_if_equal(integers).astype(np.int16), charge,
    )  # fmt: skip
