"""LMUFormer's layers in two ways through time: step by step with state, and over a whole sequence.

Over a sequence convolutions are padded, the Legendre memory is a convolution by its impulse response, and
neurons are unrolled: other operators than those of a step, for the same numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir

from ..passes.onnx_builder import GraphBuilder
from ..passes.spiking.neurons import Reset
from .lmu import discrete_memory

Array = np.ndarray[Any, Any]

OPSET = 20
_SEED = 1
_TAPS = 3
_LIF = {"beta": 0.5, "threshold": 2.0}
"""U ← U + (I − U) / 2 with a threshold of 1, as the paper's, in units of I / 2."""
FIRING_RATE = 0.08
"""Spikes per neuron and step, about, as neurons get from normalized currents plus ``_OFFSET``."""
_OFFSET = 0.5
_GELU_POWER = 0.43
"""The mean square of GELU of a normally distributed number."""
_DIGITS = 4
"""Statistics are rounded, so that the order in which a machine sums does not show."""


@dataclass(frozen=True)
class Size:
    """Features per step, channels between the layers, coefficients of the memory, width of the mixer as a
    multiple of the channels, classes, and the steps of a sequence, which are the memory's θ too."""

    inputs: int = 64
    channels: int = 128
    order: int = 64
    ratio: int = 4
    classes: int = 35
    steps: int = 128


@dataclass(frozen=True)
class Signal:
    """A value (1, ``channels``, steps), and about the mean square of its elements."""

    value: oir.Value
    channels: int
    power: float


class Layers(ABC):
    """The layers of the network, in one of two ways through time. Weights are drawn in the order in which
    layers are made, so that both ways make the same network."""

    def __init__(self, name: str, size: Size) -> None:
        self.graph = GraphBuilder(name)
        self.size = size
        self._random = np.random.default_rng(_SEED)
        self.system = discrete_memory(size.order, size.steps)

    @abstractmethod
    def input(self) -> Signal:
        """The features of the steps."""

    @abstractmethod
    def _temporal(self, scope: str, x: Signal, weight: oir.Value) -> oir.Value:
        """A convolution over this step and the ``_TAPS`` − 1 before."""

    @abstractmethod
    def _remember(self, u: oir.Value) -> oir.Value:
        """The Legendre memory (1, order, steps) of u (1, 1, steps)."""

    @abstractmethod
    def _fire(self, scope: str, current: Signal) -> oir.Value:
        """The spikes of LIF neurons, one per channel."""

    @abstractmethod
    def _sum(self, x: Signal) -> oir.Value:
        """The sum over the steps so far."""

    def temporal(self, scope: str, x: Signal, channels: int) -> Signal:
        return Signal(self._temporal(scope, x, self._weight(scope, x, channels, _TAPS)), channels, x.power)

    def pointwise(self, scope: str, x: Signal, channels: int) -> Signal:
        bias = self._random.normal(0, 0.1, channels).astype(np.float32)
        operands = [x.value, self._weight(scope, x, channels, 1), self.graph.weight(f"{scope}.bias", bias)]
        return Signal(self.graph.op("Conv", scope, operands), channels, x.power)

    def _weight(self, scope: str, x: Signal, channels: int, taps: int) -> oir.Value:
        shape, spread = (channels, x.channels, taps), (taps * x.channels) ** -0.5
        return self.graph.weight(f"{scope}.weight", self._random.normal(0, spread, shape).astype(np.float32))

    def memory(self, u: Signal, mean: float) -> tuple[Signal, Array, Array]:
        """The memory of ``u``, whose elements have that mean, and mean and variance of each coefficient."""
        impulse = self.impulse()
        means, variances = mean * impulse.sum(axis=1), (u.power - mean**2) * (impulse**2).sum(axis=1)
        power = float((means**2 + variances).mean())
        return Signal(self._remember(u.value), self.size.order, power), means, variances

    def impulse(self) -> Array:
        """What an input of 1 leaves in the memory, (order, steps) from the step of the input on."""
        step, drive = self.system
        responses = [drive]
        while len(responses) < self.size.steps:
            responses.append(step @ responses[-1])
        return np.concatenate(responses, axis=1)

    def norm(
        self, scope: str, x: Signal, mean: float | Array = 0.0, variance: float | Array | None = None,
        offset: float = 0.0,
    ) -> Signal:  # fmt: skip
        """Batch normalization by these statistics (x's own where none are given), plus ``offset``."""
        found = x.power if variance is None else variance
        parts = {"weight": 1.0, "bias": offset, "running_mean": mean, "running_var": found}
        operands = [
            self.graph.weight(
                f"{scope}.{part}", np.round(np.broadcast_to(value, x.channels), _DIGITS).astype(np.float32)
            )
            for part, value in parts.items()
        ]
        value = self.graph.op("BatchNormalization", scope, [x.value, *operands], epsilon=1e-5)
        return Signal(value, x.channels, 1 + offset**2)

    def spikes(
        self, scope: str, x: Signal, mean: float | Array = 0.0, variance: float | Array | None = None
    ) -> Signal:
        """Batch normalization and LIF neurons, ``scope``.norm and ``scope``.lif."""
        current = self.norm(f"{scope}.norm", x, mean, variance, _OFFSET)
        return Signal(self._fire(f"{scope}.lif", current), x.channels, FIRING_RATE)

    def relu(self, scope: str, x: Signal) -> Signal:
        return Signal(self.graph.op("Relu", scope, [x.value]), x.channels, x.power / 2)

    def gelu(self, scope: str, x: Signal) -> Signal:
        """For x that is normalized."""
        return Signal(self.graph.op("Gelu", scope, [x.value]), x.channels, _GELU_POWER)

    def add(self, scope: str, x: Signal, y: Signal) -> Signal:
        return Signal(self.graph.op("Add", scope, [x.value, y.value]), x.channels, x.power + y.power)

    def join(self, scope: str, x: Signal, y: Signal) -> Signal:
        power = (x.channels * x.power + y.channels * y.power) / (x.channels + y.channels)
        value = self.graph.op("Concat", scope, [x.value, y.value], axis=1)
        return Signal(value, x.channels + y.channels, power)

    def model(self, x: Signal) -> onnx.ModelProto:
        """The head behind ``x``, and the network."""
        scores = self.pointwise("head", x, self.size.classes)
        share = self.graph.weight("head.share", np.array(1 / self.size.steps, np.float32))
        logits = self.graph.op("Mul", "head.mean", [self._sum(scores), share])
        return self.graph.model({"logits": logits}, OPSET)


class Steps(Layers):
    """One time step a call, what it needs of the steps before as state."""

    def input(self) -> Signal:
        return Signal(self.graph.input("frame", [1, self.size.inputs, 1]), self.size.inputs, 1.0)

    def _temporal(self, scope: str, x: Signal, weight: oir.Value) -> oir.Value:
        past = self.graph.input(f"{scope}.past", [1, x.channels, _TAPS - 1])
        seen = self.graph.op("Concat", f"{scope}.seen", [past, x.value], axis=2)
        bounds = {"starts": 1, "ends": _TAPS, "axes": 2}
        cut = [self.graph.weight(f"{scope}.{name}", np.array([n])) for name, n in bounds.items()]
        self.graph.keep(past, self.graph.op("Slice", f"{scope}.newest", [seen, *cut]))
        return self.graph.op("Conv", scope, [seen, weight])

    def _remember(self, u: oir.Value) -> oir.Value:
        before = self.graph.input("memory.m", [1, self.size.order, 1])
        matrices = [
            self.graph.weight(f"memory.{name}", matrix[..., None].astype(np.float32))
            for name, matrix in zip("AB", self.system, strict=True)
        ]
        kept, driven = (
            self.graph.op("Conv", f"memory.{name}", [x, matrix])
            for name, x, matrix in zip("AB", (before, u), matrices, strict=True)
        )
        after = self.graph.op("Add", "memory", [kept, driven])
        self.graph.keep(before, after)
        return after

    def _fire(self, scope: str, current: Signal) -> oir.Value:
        shape = [1, current.channels, 1]
        return self.graph.neurons("LIF", scope, current.value, shape, _LIF, Reset.ZERO, delayed=False)

    def _sum(self, x: Signal) -> oir.Value:
        before = self.graph.input("head.total", [1, x.channels, 1])
        after = self.graph.op("Add", "head.sum", [before, x.value])
        self.graph.keep(before, after)
        return after


class Sequence(Layers):
    """All steps of a sequence in one call, without state."""

    def input(self) -> Signal:
        size = self.size
        return Signal(self.graph.input("frames", [1, size.inputs, size.steps]), size.inputs, 1.0)

    def _temporal(self, scope: str, x: Signal, weight: oir.Value) -> oir.Value:
        return self.graph.op("Conv", scope, [x.value, weight], pads=[_TAPS - 1, 0])

    def _remember(self, u: oir.Value) -> oir.Value:
        latest_last = self.impulse()[:, None, ::-1].astype(np.float32)
        kernel = self.graph.weight("memory.impulse", np.ascontiguousarray(latest_last))
        return self.graph.op("Conv", "memory", [u, kernel], pads=[self.size.steps - 1, 0])

    def _fire(self, scope: str, current: Signal) -> oir.Value:
        parameters = self.graph.parameters("LIF", scope, _LIF)
        state = self.graph.weight(f"{scope}.start", np.zeros((1, current.channels, 1), np.float32))
        spikes: list[oir.Value] = []
        for t in range(self.size.steps):
            index = self.graph.weight(f"{scope}.{t}", np.array([t]))
            now = self.graph.op("Gather", f"{scope}.{t}", [current.value, index], axis=2)
            operands = [now, state, *parameters]
            spike, state = self.graph.step("LIF", f"{scope}.{t}", operands, Reset.ZERO, delayed=False)
            spikes.append(spike)
        return self.graph.op("Concat", scope, spikes, axis=2)

    def _sum(self, x: Signal) -> oir.Value:
        return self.graph.op("CumSum", "head.sum", [x.value, self.graph.weight("head.axis", np.array(2))])
