"""Spiking neurons: the recurrences, and the kernel that computes them on float32.

Operands and results are those of the ONNX functions in ``passes/spiking/neurons.py``, which tells where the
recurrences come from: currents, then the state; spikes, then the state's new values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node, Tensor


@dataclass(frozen=True)
class Recurrence:
    """A neuron model. ``decays`` are its parameters α and β, by name; a reset is by the threshold or
    ``to_zero``, and answers the spike of this step or, ``delayed``, of the one before."""

    operator: str
    states: tuple[str, ...]
    decays: tuple[str, ...]
    spikes: bool = True
    to_zero: bool = False
    delayed: bool = False

    @property
    def has_synapse(self) -> bool:
        """Whether the current is a state of its own, which charges the membrane."""
        return len(self.states) == 2

    @classmethod
    def of(cls, node: Node) -> Recurrence:
        """The model that a node of the domain ``tinyc.spiking`` calls."""
        states, decays = _MODELS[node.operator]
        if node.operator == "LI":
            return cls(node.operator, states, decays, spikes=False)
        to_zero, delayed = (_flag(node, name) for name in ("reset", "delayed"))
        return cls(node.operator, states, decays, to_zero=to_zero, delayed=delayed)


_MODELS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "LIF": (("U",), ("beta",)),
    "IF": (("U",), ()),
    "CubaLIF": (("Isyn", "U"), ("alpha", "beta")),
    "LI": (("U",), ("beta",)),
}
NEURONS = tuple(_MODELS)
"""Operators of the domain ``tinyc.spiking``."""


def _flag(node: Node, name: str) -> bool:
    value = node.attribute(name, None)
    if value not in (0, 1):
        raise node.refuse(f"its attribute {name} is {value}", f"give it {name} = 0 or {name} = 1")
    return bool(value)


@dataclass(frozen=True, eq=False)
class NeuronKernel(Kernel):
    """What neurons of every element type have in common. Operands and results are all of ``shape``, with
    channels last."""

    windowed: ClassVar[bool] = True

    recurrence: Recurrence
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Neurons of a pixel."""
        return prod(self.shape[-1:])

    def _neurons(self, window: Window) -> int:
        """How many a window has."""
        pixels = prod(self.shape[:-1])
        return self.channels * (window.pixels if len(self.shape) in (3, 4) and self.shape[0] == 1 else pixels)

    @property
    def _currents(self) -> int:
        """How many operands come before the state."""
        return 1

    def in_place(self) -> tuple[int, ...]:
        return self.in_place_at(0)

    def in_place_at(self, output: int) -> tuple[int, ...]:
        """The operand that result number ``output`` is the new value of."""
        state = output - self.recurrence.spikes
        return (self._currents + state,) if state >= 0 else ()


@dataclass(frozen=True, eq=False)
class FloatNeuron(NeuronKernel):
    """A neuron on float32; spikes are 0 or 1. Parameters are float32, of one element or one per channel."""

    template: ClassVar[str] = "float_neuron"

    decays: tuple[np.ndarray, ...]
    threshold: np.ndarray

    def constants(self) -> Mapping[str, np.ndarray]:
        arrays = {**dict(zip(self.recurrence.decays, self.decays, strict=True)), "threshold": self.threshold}
        return {name: array for name, array in arrays.items() if array.size > 1}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self._neurons(window) * (2 + 3 * self.recurrence.spikes))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        """In the order of operations of the ONNX function, so that every bit is the same."""
        model, current, state = self.recurrence, inputs[0], inputs[1:]
        u = state[-1]
        made: list[np.ndarray] = []
        if model.has_synapse:
            current = self.decays[0] * state[0] + current
            made.append(current)
        if not model.spikes:
            return (self.decays[0] * u + current,)
        answered = (u > self.threshold) & model.delayed
        zeroed, taken = answered & model.to_zero, answered & (not model.to_zero)
        kept = u if model.has_synapse else np.where(zeroed, np.float32(0), u)
        v = (self.decays[-1] * kept if model.decays else kept) + current
        v = np.where(zeroed, np.float32(0), v) if model.has_synapse else v
        v = v - np.where(taken, self.threshold, np.float32(0))
        spikes = v > self.threshold
        if not model.delayed:
            left = np.float32(0) if model.to_zero else v - self.threshold
            v_left = np.where(spikes, left, v)
        else:
            v_left = v
        return (spikes.astype(np.float32), *made, v_left.astype(np.float32))


def resolve(node: Node) -> Kernel | None:
    """Neurons on float32; None where an operand is quantized or of another type."""
    model = Recurrence.of(node)
    count = 1 + len(model.states)
    operands = [node.input(index) for index in range(count)]
    if any(t.quant is not None or not t.dtype.is_float for t in operands):
        return None
    decays, threshold = parameters(node, model)
    return FloatNeuron(
        model, operands[0].physical, tuple(d.astype(np.float32) for d in decays), threshold.astype(np.float32)
    )


def parameters(node: Node, model: Recurrence) -> tuple[list[np.ndarray], np.ndarray]:
    """The decays and the threshold of a node (0 where it has none), each with one element or one per channel.

    Raises ModelError for parameters that are computed at run time or vary along other axes, decays that are
    not between 0 and 1, and states that are not of the current's shape.
    """
    current, first = node.input(0), 1 + len(model.states)
    for index in range(first):
        if node.input(index).constant is not None:
            raise node.refuse(f"its operand {node.input(index).name!r} is constant", "compute it at run time")
        if node.input(index).shape != current.shape:
            raise node.refuse(
                f"its state {node.input(index).name!r} has another shape than its current",
                "give the state the shape of the current",
            )
    if len(node.outputs) != len(model.states) + model.spikes:
        raise node.refuse("one of its results has no name", "name all results, also those that nobody reads")
    found = [
        _along_channels(node, first + n, current, name)
        for n, name in enumerate((*model.decays, *(("threshold",) if model.spikes else ())))
    ]
    threshold = found.pop() if model.spikes else np.zeros(1, np.float32)
    for name, decay in zip(model.decays, found, strict=True):
        if not ((decay >= 0) & (decay <= 1)).all():
            raise node.refuse(
                f"its {name} has values outside 0 … 1", "give it e^(−Δt/τ) of a positive time constant τ"
            )
    return found, threshold


def _along_channels(node: Node, index: int, current: Tensor, name: str) -> np.ndarray:
    """The constant operand ``index`` as one element, or one per element of the last axis in memory."""
    values = np.asarray(node.constant(index, name).real)
    if values.size == 1:
        return values.reshape(1)
    rank = len(current.shape)
    aligned = (1,) * (rank - values.ndim) + values.shape
    channel = current.order[-1]
    if len(aligned) != rank or aligned[channel] != values.size or values.size != current.shape[channel]:
        raise node.refuse(
            f"its {name} has the shape {list(values.shape)}",
            f"give it one value, or one for each index of axis {channel}, where channels are",
        )
    return values.reshape(-1)
