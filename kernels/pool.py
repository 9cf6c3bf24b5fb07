"""MaxPool and AveragePool over rows and columns (ONNX MaxPool-22, AveragePool-22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Clamp, Epilogue, epilogue_of
from .node import Node
from .passthrough import Passthrough
from .sliding import Sliding

if TYPE_CHECKING:
    from .running_sum import RunningSum


@dataclass(frozen=True, eq=False)
class MaxPool(Kernel):
    """The largest element under the kernel; padding never wins."""

    template: ClassVar[str] = "max_pool"
    windowed: ClassVar[bool] = True

    sliding: Sliding
    channels: int
    dtype: DType
    result: Passthrough

    def constants(self) -> Mapping[str, np.ndarray]:
        return self.result.constants()

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.sliding.taps * self.channels * window.pixels * self.sliding.batch)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        lowest = float(np.finfo(np.float32).min) if self.dtype.is_float else self.dtype.lowest
        patches = self.sliding.patches(inputs[0], window, lowest)
        out = self.result.apply(patches.max(axis=(3, 4)))
        return (out if inputs[0].ndim == 4 else out[:, :, 0],)


@dataclass(frozen=True, eq=False)
class AveragePool(Kernel):
    """The mean under the kernel: the sum, zero points taken off, over the number of elements counted.

    That number is ``row_counts[y]`` · ``column_counts[x]``. ``epilogues`` has one for each number that
    occurs, in which the division is part of the multiplier (integers) or is left to the kernel (floats).
    """

    template: ClassVar[str] = "average_pool"
    windowed: ClassVar[bool] = True
    running: ClassVar[type[RunningSum] | None] = None
    """What adds up rows as they come, where that is not the portable kernel."""

    sliding: Sliding
    channels: int
    input_zero: int
    row_counts: np.ndarray
    column_counts: np.ndarray
    epilogues: Mapping[int, Epilogue]

    def constants(self) -> Mapping[str, np.ndarray]:
        named = {"row_counts": self.row_counts, "column_counts": self.column_counts}
        return {name: counts for name, counts in named.items() if np.unique(counts).size > 1}

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.sliding.taps * self.channels * window.pixels * self.sliding.batch)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        wide = np.float32 if inputs[0].dtype == np.float32 else np.int64
        patches = self.sliding.patches(inputs[0], window, self.input_zero)
        sums = np.zeros((*patches.shape[:3], self.channels), wide)
        for ky, kx in np.ndindex(*self.sliding.kernel):  # in the order of the C
            sums += patches[:, :, :, ky, kx].astype(wide) - wide(self.input_zero)
        rows, columns = self.row_counts[window.y0 : window.y1], self.column_counts[window.x0 : window.x1]
        counts = rows.astype(np.int64)[:, None] * columns
        out = np.empty(sums.shape, next(iter(self.epilogues.values())).dtype.numpy)
        for count, epilogue in self.epilogues.items():
            here = counts == count
            part = sums[:, here]
            out[:, here] = epilogue.apply(part / np.float32(count) if wide is np.float32 else part)
        return (out if inputs[0].ndim == 4 else out[:, :, 0],)


def resolve_max(node: Node) -> Kernel | None:
    """MaxPool with one output, of any type."""
    x, result = node.input(0), Passthrough.of(node)
    if len(node.outputs) > 1:
        raise node.refuse("it gives indices", "drop the second output of MaxPool")
    if result is None:
        return None
    sliding = Sliding.of(node, tuple(node.attribute("kernel_shape", ())))
    return MaxPool(sliding, x.shape[1], x.dtype, result)


def resolve_average(node: Node) -> Kernel | None:
    """AveragePool, with or without counting its padding; ModelError where a mean would be over nothing."""
    x, out = node.input(0), node.outputs[0]
    sliding = Sliding.of(node, tuple(node.attribute("kernel_shape", ())))
    row_counts, column_counts = _counts(node, sliding, 0), _counts(node, sliding, 1)
    counts = np.unique(np.multiply.outer(row_counts.astype(np.int64), column_counts)).tolist()
    if out.quant is None:
        clamp = Clamp(node.activation.low, node.activation.high)
        epilogues: dict[int, Epilogue] = dict.fromkeys(counts, clamp)
        return AveragePool(sliding, x.shape[1], 0, row_counts, column_counts, epilogues)
    bound = sliding.taps << (8 * x.dtype.size)
    if x.quant is None or bound >= 2**31:
        return None
    scale = x.quant.scale
    epilogues = {count: epilogue_of(node, np.array([scale / count]), bound) for count in counts}
    return AveragePool(sliding, x.shape[1], x.quant.zero_point, row_counts, column_counts, epilogues)


def _counts(node: Node, sliding: Sliding, axis: int) -> np.ndarray:
    """How many taps along ``axis`` (0: rows, 1: columns) count for each output. Padding counts where
    count_include_pad says so; what ceil_mode adds beyond the padding never does."""
    taps = np.arange(sliding.kernel[axis]) * sliding.dilation[axis] - sliding.pads[axis]
    positions = np.arange(sliding.output[axis])[:, None] * sliding.stride[axis] + taps
    pads = node.attribute("pads", [])
    spatial = len(pads) // 2
    padding = int(pads[spatial + axis]) if node.attribute("count_include_pad", 0) and axis < spatial else None
    first, end = (0, 0) if padding is None else (-sliding.pads[axis], padding)
    counts = ((positions >= first) & (positions < sliding.input[axis] + end)).sum(axis=1)
    if counts.min() == 0:
        name, index = ("row", "column")[axis], int(counts.argmin())
        raise node.refuse(f"the mean of output {name} {index} is over padding only", "use less padding")
    return counts.astype(np.uint16 if counts.max() > 255 else np.uint8)
