"""Reductions over any axes: sums and what is made of them, products, extremes (ONNX Reduce…-18)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .elementary import exp, log, sqrt
from .epilogue import Clamp, Requantize, epilogue_of
from .lanes import Lanes, in_turn, order_without
from .node import Node
from .passthrough import Passthrough


@dataclass(frozen=True, eq=False)
class Reduction(Kernel):
    """A kernel that makes one element of each lane. ``shape`` is the output's."""

    lanes: Lanes
    shape: tuple[int, ...]

    @property
    def windowed(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True where the channels of a pixel become one channel."""
        return self.lanes.per_pixel and len(self.shape) == len(self.lanes.shape)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.lanes.length * (window.pixels if self.windowed else self.lanes.count))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        shape = (*inputs[0].shape[:-1], 1) if self.windowed else self.shape
        return (self.reduce(self.lanes.split(inputs[0])).reshape(shape),)

    @abstractmethod
    def reduce(self, x: np.ndarray) -> np.ndarray:
        """[lanes] of the output's type from [lanes, elements]."""


@dataclass(frozen=True)
class _Sum:
    """What is summed up, and what is made of the sum of ``count`` elements."""

    term: Callable[[np.ndarray], np.ndarray]
    result: Callable[[np.ndarray, int], np.ndarray]


_SUMS = {
    "ReduceL1": _Sum(np.abs, lambda total, count: total),
    "ReduceL2": _Sum(np.square, lambda total, count: sqrt(total)),
    "ReduceLogSum": _Sum(lambda x: x, lambda total, count: log(total)),
    "ReduceMean": _Sum(lambda x: x, lambda total, count: total / np.float32(count)),
    "ReduceSum": _Sum(lambda x: x, lambda total, count: total),
    "ReduceSumSquare": _Sum(np.square, lambda total, count: total),
}


@dataclass(frozen=True, eq=False)
class FloatSum(Reduction):
    """float32. ``operator`` is the ONNX operator, which says what is summed and what the sum becomes."""

    template: ClassVar[str] = "float_sum"

    operator: str
    epilogue: Clamp

    def reduce(self, x: np.ndarray) -> np.ndarray:
        kind = _SUMS[self.operator]
        with np.errstate(all="ignore"):
            return self.epilogue.apply(kind.result(in_turn(np.add, kind.term(x)), self.lanes.length))


@dataclass(frozen=True, eq=False)
class QuantizedSum(Reduction):
    """Sum or mean of 8-bit or 16-bit elements; the mean's division is in the epilogue's multiplier."""

    template: ClassVar[str] = "quantized_sum"

    input_zero: int
    epilogue: Requantize

    @property
    def start(self) -> int:
        """What the accumulator begins with, so that elements need no zero point taken off."""
        return -self.input_zero * self.lanes.length

    def reduce(self, x: np.ndarray) -> np.ndarray:
        return self.epilogue.apply(x.sum(axis=1, dtype=np.int64) + self.start)


@dataclass(frozen=True, eq=False)
class FloatProduct(Reduction):
    """float32."""

    template: ClassVar[str] = "float_product"

    def reduce(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return in_turn(np.multiply, x)


@dataclass(frozen=True, eq=False)
class LogSumExp(Reduction):
    """float32: max + ln Σ exp(x − max), with max kept finite so that infinite elements come out right."""

    template: ClassVar[str] = "log_sum_exp"

    def reduce(self, x: np.ndarray) -> np.ndarray:
        finite = np.finfo(np.float32)
        top = np.clip(x.max(axis=1, keepdims=True), finite.min, finite.max)
        with np.errstate(all="ignore"):
            return top[:, 0] + log(in_turn(np.add, exp(x - top)))


@dataclass(frozen=True, eq=False)
class Extreme(Reduction):
    """The largest element (``comparison`` ">") or the smallest ("<"), of any type."""

    template: ClassVar[str] = "extreme"

    comparison: str
    result: Passthrough

    def constants(self) -> Mapping[str, np.ndarray]:
        return self.result.constants()

    def reduce(self, x: np.ndarray) -> np.ndarray:
        return self.result.apply(x.max(axis=1) if self.comparison == ">" else x.min(axis=1))


def reduced_axes(node: Node) -> tuple[int, ...]:
    """The model's axes that ``node`` reduces: where none are given all, or none if noop_with_empty_axes."""
    rank = len(node.input(0).shape)
    given = node.optional_constant(1, "the axes operand")
    axes = () if given is None else tuple(int(axis) % rank for axis in given.values.reshape(-1))
    if not axes and not node.attribute("noop_with_empty_axes", 0):
        return tuple(range(rank))
    return axes


def result_order(node: Node) -> tuple[int, ...]:
    """The operand's order of axes, without those that are dropped."""
    order = node.input(0).order
    return order if len(node.outputs[0].shape) == len(order) else order_without(order, reduced_axes(node))


def _geometry(node: Node) -> tuple[Lanes, tuple[int, ...]]:
    x = node.input(0)
    return Lanes.of(x.physical, map(x.position, reduced_axes(node))), node.outputs[0].physical


def resolve_sum(node: Node) -> Kernel | None:
    """The sums: of float32, and ReduceSum and ReduceMean of integers, where 32 bits hold every sum."""
    x, out = node.input(0), node.outputs[0]
    lanes, shape = _geometry(node)
    if out.quant is None:
        if not x.dtype.is_float:
            return None
        return FloatSum(lanes, shape, node.operator, Clamp(node.activation.low, node.activation.high))
    bound = lanes.length << (8 * x.dtype.size)
    if x.quant is None or node.operator not in ("ReduceSum", "ReduceMean") or bound >= 2**31:
        return None
    scale = x.quant.scale / (lanes.length if node.operator == "ReduceMean" else 1)
    epilogue = epilogue_of(node, np.array([scale]), bound)
    assert isinstance(epilogue, Requantize)
    return QuantizedSum(lanes, shape, x.quant.zero_point, epilogue)


def resolve_product(node: Node) -> Kernel | None:
    """ReduceProd of float32."""
    return FloatProduct(*_geometry(node)) if _floats(node) else None


def resolve_log_sum_exp(node: Node) -> Kernel | None:
    """ReduceLogSumExp of float32."""
    return LogSumExp(*_geometry(node)) if _floats(node) else None


def _floats(node: Node) -> bool:
    return node.input(0).dtype.is_float and not node.quantized


def resolve_extreme(node: Node) -> Kernel | None:
    """ReduceMax and ReduceMin of any type."""
    result = Passthrough.of(node)
    comparison = ">" if node.operator == "ReduceMax" else "<"
    return None if result is None else Extreme(*_geometry(node), comparison, result)
