"""LMUFormer's layers, whatever their values are: ONNX (``lmuformer_graphs.py``) or PyTorch's tensors.

Parameters are drawn at random, and each signal's mean and variance are followed from layer to layer, so that
batch normalization has statistics that fit weights which nobody trained.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from .lmu import discrete_memory

Array = np.ndarray[Any, Any]
Value = TypeVar("Value")

SEED = 1
TAPS = 3
LIF = {"beta": 0.5, "threshold": 2.0}
"""U ← U + (I − U) / 2 with a threshold of 1, as the paper's, in units of I / 2; reset to zero at once."""
EPSILON = 1e-5
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
class Signal(Generic[Value]):
    """A value (batch, ``channels``, steps), and about the mean and variance of its elements, or of each
    channel's."""

    value: Value
    channels: int
    mean: float | Array = 0.0
    variance: float | Array = 1.0

    @property
    def power(self) -> float:
        """The mean square."""
        return float(np.mean(np.square(self.mean) + self.variance))


class Layers(ABC, Generic[Value]):
    """The layers of the network. Parameters are drawn in the order in which layers are made, so that all
    subclasses make the same network."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._random = np.random.default_rng(SEED)
        self.system = discrete_memory(size.order, size.steps)

    @abstractmethod
    def input(self) -> Signal[Value]:
        """The features of the steps."""

    @abstractmethod
    def _parameter(self, name: str, initial: Array) -> Value:
        """A parameter of that name."""

    @abstractmethod
    def _temporal(self, scope: str, x: Signal[Value], weight: Value) -> Value:
        """A convolution over this step and the ``TAPS`` − 1 before."""

    @abstractmethod
    def _pointwise(self, scope: str, x: Value, weight: Value, bias: Value) -> Value:
        """A convolution over one step."""

    @abstractmethod
    def _remember(self, u: Value) -> Value:
        """The Legendre memory (batch, order, steps) of u (batch, 1, steps)."""

    @abstractmethod
    def _norm(self, scope: str, x: Value, parameters: Sequence[Value]) -> Value:
        """Batch normalization by weight, bias, mean and variance of each channel."""

    @abstractmethod
    def _fire(self, scope: str, current: Signal[Value]) -> Value:
        """The spikes of LIF neurons, one per channel."""

    @abstractmethod
    def _apply(self, function: str, scope: str, *values: Value) -> Value:
        """The ONNX operator ``Relu``, ``Gelu`` or ``Add``."""

    @abstractmethod
    def _join(self, scope: str, x: Value, y: Value) -> Value:
        """The channels of both."""

    @abstractmethod
    def _mean(self, x: Signal[Value]) -> Value:
        """The sum over the steps so far, divided by all steps."""

    def temporal(self, scope: str, x: Signal[Value], channels: int) -> Signal[Value]:
        weight = self._weight(scope, x, channels, TAPS)
        return Signal(self._temporal(scope, x, weight), channels, variance=x.power)

    def pointwise(self, scope: str, x: Signal[Value], channels: int) -> Signal[Value]:
        drawn = self._random.normal(0, 0.1, channels).astype(np.float32)
        weight, bias = self._weight(scope, x, channels, 1), self._parameter(f"{scope}.bias", drawn)
        return Signal(self._pointwise(scope, x.value, weight, bias), channels, variance=x.power)

    def _weight(self, scope: str, x: Signal[Value], channels: int, taps: int) -> Value:
        shape, spread = (channels, x.channels, taps), (taps * x.channels) ** -0.5
        return self._parameter(f"{scope}.weight", self._random.normal(0, spread, shape).astype(np.float32))

    def memory(self, u: Signal[Value]) -> Signal[Value]:
        """The Legendre memory of ``u``, which has one channel."""
        impulse, mean = self.impulse(), float(np.mean(u.mean))
        means, variances = mean * impulse.sum(axis=1), (u.power - mean**2) * (impulse**2).sum(axis=1)
        return Signal(self._remember(u.value), self.size.order, means, variances)

    def impulse(self) -> Array:
        """What an input of 1 leaves in the memory, (order, steps) from the step of the input on."""
        step, drive = self.system
        responses = [drive]
        while len(responses) < self.size.steps:
            responses.append(step @ responses[-1])
        return np.concatenate(responses, axis=1)

    def norm(self, scope: str, x: Signal[Value], offset: float = 0.0) -> Signal[Value]:
        """Batch normalization by x's statistics, plus ``offset``."""
        parts = {"weight": 1.0, "bias": offset, "running_mean": x.mean, "running_var": x.variance}
        parameters = [
            self._parameter(
                f"{scope}.{part}", np.round(np.broadcast_to(value, x.channels), _DIGITS).astype(np.float32)
            )
            for part, value in parts.items()
        ]
        return Signal(self._norm(scope, x.value, parameters), x.channels, offset)

    def spikes(self, scope: str, x: Signal[Value]) -> Signal[Value]:
        """Batch normalization and LIF neurons, ``scope``.norm and ``scope``.lif."""
        current = self.norm(f"{scope}.norm", x, _OFFSET)
        spread = FIRING_RATE * (1 - FIRING_RATE)
        return Signal(self._fire(f"{scope}.lif", current), x.channels, FIRING_RATE, spread)

    def relu(self, scope: str, x: Signal[Value]) -> Signal[Value]:
        """For x with mean 0."""
        mean = (x.power / (2 * np.pi)) ** 0.5
        return Signal(self._apply("Relu", scope, x.value), x.channels, mean, x.power / 2 - mean**2)

    def gelu(self, scope: str, x: Signal[Value]) -> Signal[Value]:
        """For x that is normalized."""
        return Signal(self._apply("Gelu", scope, x.value), x.channels, variance=_GELU_POWER)

    def add(self, scope: str, x: Signal[Value], y: Signal[Value]) -> Signal[Value]:
        value = self._apply("Add", scope, x.value, y.value)
        return replace(x, value=value, mean=x.mean + y.mean, variance=x.variance + y.variance)

    def join(self, scope: str, x: Signal[Value], y: Signal[Value]) -> Signal[Value]:
        power = (x.channels * x.power + y.channels * y.power) / (x.channels + y.channels)
        return Signal(self._join(scope, x.value, y.value), x.channels + y.channels, variance=power)

    def head(self, x: Signal[Value]) -> Value:
        """The logits: the mean of a dense layer behind ``x``."""
        return self._mean(self.pointwise("head", x, self.size.classes))
