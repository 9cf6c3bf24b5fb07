"""Input values as spikes (``Poisson`` and ``Latency`` of the domain ``tinyc.spiking``)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node, Tensor

TURN = 1479949737
"""What the place of an element moves by from step to step in the sequence of noise."""
NOISE_MULTIPLIERS = 569420461, 1935289751
"""Of the hash ``lowbias32`` (C. Wellons, "Prospecting for hash functions", 2018), below 2^31 both, so that
products with 32 bits fit the 64 that ONNX has."""
LEVELS = 256
"""Values of noise."""
_GRIDDED = 3, 4
"""Ranks of tensors with pixels."""


@dataclass(frozen=True, eq=False)
class Encoder(Kernel):
    """Values and the number of the time step (int32, one element) to spikes: BIT of integers, float32 of
    float32. ``bounds`` are what values are compared with: of integers, integers, in their units."""

    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    bounds: np.ndarray

    def needs(self, operand: int, window: Window) -> Window:
        return Window(0, 1, 0, 1) if operand else window

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"table": self.bounds}

    @property
    def gridded(self) -> bool:
        """Whether the tensor has pixels, of which a window takes some."""
        return len(self.shape) in _GRIDDED

    @property
    def channels(self) -> int:
        """Elements of a pixel, or of a run of the last axis."""
        return self.shape[-1]

    def cost(self, window: Window) -> Cost:
        batch = self.shape[0] if self.gridded else 1
        pixels = batch * window.pixels if self.gridded else prod(self.shape[:-1])
        return Cost(operations=pixels * self.channels)

    @abstractmethod
    def fires(self, values: np.ndarray, time: int, window: Window) -> np.ndarray:
        """Which of ``values``, those of ``window``, spike in the step ``time``."""

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        values, time = inputs
        fires = self.fires(values, int(time[0]), window)
        return (fires.astype(np.float32) if values.dtype.kind == "f" else fires,)


@dataclass(frozen=True, eq=False)
class Poisson(Encoder):
    """A value spikes where it is above ``bounds`` of the noise of its place in this step. Its place is its
    number in the model's order of axes, of which those in memory are ``order``."""

    template: ClassVar[str] = "poisson"
    turn: ClassVar[int] = TURN

    order: tuple[int, ...]

    @property
    def strides(self) -> tuple[int, int, int, int]:
        """Places from one sample, row, column and channel to the next; of tensors without pixels runs of the
        last axis are samples."""
        if not self.gridded:
            return self.channels, 0, 0, 1
        logical = [self.shape[self.order.index(axis)] for axis in range(len(self.shape))]
        sample, row, *column, channel = (prod(logical[axis + 1 :]) for axis in self.order)
        return sample, row, column[0] if column else 0, channel

    def _places(self, window: Window) -> np.ndarray:
        """Of the elements of ``window``, or of all where there are no pixels: [samples, rows, columns,
        channels]."""
        samples = prod(self.shape[:-1]) if not self.gridded else self.shape[0]
        columns = window.width if len(self.shape) == 4 else 1
        sizes = (samples, window.height, columns, self.channels)
        first = window.y0 * self.strides[1] + window.x0 * self.strides[2]
        found = first + np.tensordot(self.strides, np.indices(sizes), 1)
        return found

    def fires(self, values: np.ndarray, time: int, window: Window) -> np.ndarray:
        places = self._places(window).reshape(values.shape) + time * TURN
        return values > self.bounds[_hashed((places & 0xFFFFFFFF).astype(np.uint32))]


@dataclass(frozen=True, eq=False)
class Latency(Encoder):
    """A value spikes once in so many steps: it has to be above one of the ``bounds`` [steps + 1] and not
    above the next, of which each step has the two below those of the step before."""

    template: ClassVar[str] = "latency"

    @property
    def steps(self) -> int:
        """Time steps in which values spike."""
        return len(self.bounds) - 1

    def fires(self, values: np.ndarray, time: int, window: Window) -> np.ndarray:
        left = min(max(self.steps - time, 0), self.steps)
        return (values > self.bounds[max(left - 1, 0)]) & (values <= self.bounds[left])


def _hashed(places: np.ndarray) -> np.ndarray:
    """The noise of ``places``, uint32: from 0 to 255."""
    first, second = (np.uint32(factor) for factor in NOISE_MULTIPLIERS)
    mixed = (places ^ places >> np.uint32(16)) * first
    mixed = (mixed ^ mixed >> np.uint32(15)) * second
    return mixed >> np.uint32(24)


def resolve_poisson(node: Node) -> Poisson:
    """Raises ModelError for places that are not in the order of the tensor's elements, for values without
    pixels that were transposed, and what ``_compared`` does."""
    values = node.input(0)
    places = node.constant(2, "the places").real
    if not np.array_equal(places.reshape(-1), np.arange(values.elements)):
        raise node.refuse("its places are not 0, 1, 2, …", "give the elements their numbers in order")
    if len(values.shape) not in _GRIDDED and values.order != tuple(sorted(values.order)):
        raise node.refuse("its values were transposed", "put the Transpose behind it")
    levels = np.arange(LEVELS, dtype=np.float32) * _number(node, 3, "the unit")
    return Poisson(values.physical, _compared(node, levels), values.order)


def resolve_latency(node: Node) -> Latency:
    """Raises ModelError for a number of steps that is none, and what ``_compared`` does."""
    steps, unit = _number(node, 2, "the number of steps"), _number(node, 3, "the unit")
    if steps != np.floor(steps) or not 1 <= steps < 2**15:
        raise node.refuse(f"its number of steps is {steps:g}", "give it a whole number of 1 or more")
    levels = (np.arange(1, int(steps) + 1, dtype=np.float32) - np.float32(0.5)) * unit
    return Latency(node.input(0).physical, np.append(_compared(node, levels), _greatest(node.input(0))))


def _number(node: Node, index: int, what: str) -> np.float32:
    value = np.asarray(node.constant(index, what).real, np.float32)
    if value.size != 1 or not value.item() > 0:
        raise node.refuse(f"{what} is {value.tolist()}", f"make {what} one positive number")
    return value.reshape(-1)[0]


def _compared(node: Node, levels: np.ndarray) -> np.ndarray:
    """``levels``, real float32 numbers, as a value is compared with them: the greatest integer that is not
    above each. Raises ModelError for values of other types than float32 and quantized integers of up to 16
    bits."""
    values = node.input(0)
    if values.dtype.is_float:
        return levels
    if values.quant is None or values.dtype.bits not in (8, 16):
        raise node.refuse(
            f"its values are {values.dtype.value[0]} numbers that stand for no real ones",
            "quantize them to 8 bits, or leave them in float32",
        )
    integers = np.arange(int(values.dtype.lowest), int(values.dtype.highest) + 1)
    real = (integers - values.quant.zero_point).astype(np.float32) * np.float32(values.quant.scale)
    found = integers[0] - 1 + np.searchsorted(real, levels, side="right")
    return found.astype(_bound_type(values).numpy)


def _bound_type(values: Tensor) -> DType:
    """Wide enough for a bound below all values."""
    return DType.INT16 if values.dtype.bits == 8 else DType.INT32


def _greatest(values: Tensor) -> np.ndarray:
    """No value is above it."""
    if values.dtype.is_float:
        return np.array(np.inf, np.float32)
    return np.array(values.dtype.highest, _bound_type(values).numpy)
