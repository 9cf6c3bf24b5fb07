"""MaxPool and AveragePool over rows and columns (ONNX MaxPool-22, AveragePool-22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Clamp, Epilogue, Requantize
from .node import Node
from .passthrough import Passthrough
from .sliding import Sliding


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
        lowest = -np.inf if self.dtype.is_float else int(np.iinfo(self.dtype.numpy).min)
        patches = self.sliding.patches(inputs[0], window, lowest)
        out = self.result.apply(patches.max(axis=(3, 4)))
        return (out if inputs[0].ndim == 4 else out[:, :, 0],)


@dataclass(frozen=True, eq=False)
class AveragePool(Kernel):
    """The mean under the kernel: the sum, centred, times one multiplier per number of elements counted.

    With ``count_padding`` every window counts all of its taps, else those inside the tensor.
    ``epilogues`` holds one epilogue per count that occurs.
    """

    template: ClassVar[str] = "average_pool"
    windowed: ClassVar[bool] = True

    sliding: Sliding
    channels: int
    input_zero: int
    count_padding: bool
    epilogues: Mapping[int, Epilogue]

    def needs(self, operand: int, window: Window) -> Window:
        return self.sliding.needs(window)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.sliding.taps * self.channels * window.pixels * self.sliding.batch)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        integer = inputs[0].dtype != np.float32
        wide = np.int64 if integer else np.float32
        patches = self.sliding.patches(inputs[0], window, self.input_zero).astype(wide)
        sums = (patches - wide(self.input_zero)).sum(axis=(3, 4), dtype=wide)
        counts = _counts(self.sliding, window, self.count_padding)
        out = np.empty(sums.shape, inputs[0].dtype)
        for count, epilogue in self.epilogues.items():
            here = counts == count
            part = sums[:, here]
            out[:, here] = epilogue.apply(part if integer else part / np.float32(count))
        return (out if inputs[0].ndim == 4 else out[:, :, 0],)


def _counts(sliding: Sliding, window: Window, count_padding: bool) -> np.ndarray:
    """[rows, columns] of ``window``: how many elements each output pixel's mean is over."""
    if count_padding:
        return np.full((window.height, window.width), sliding.taps)
    axes: list[np.ndarray] = []
    for axis, (begin, end) in enumerate(((window.y0, window.y1), (window.x0, window.x1))):
        taps = np.arange(sliding.kernel[axis]) * sliding.dilation[axis] - sliding.pads[axis]
        positions = np.arange(begin, end)[:, None] * sliding.stride[axis] + taps
        axes.append(((positions >= 0) & (positions < sliding.input[axis])).sum(axis=1))
    return axes[0][:, None] * axes[1][None, :]


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
    """AveragePool, with or without counting its padding."""
    x, out = node.input(0), node.outputs[0]
    sliding = Sliding.of(node, tuple(node.attribute("kernel_shape", ())))
    count_padding = bool(node.attribute("count_include_pad", 0))
    counts = np.unique(_counts(sliding, Window(0, sliding.output[0], 0, sliding.output[1]), count_padding))
    epilogues: dict[int, Epilogue] = {}
    for count in counts.tolist():
        if out.quant is None or x.quant is None:
            epilogues[count] = Clamp(node.activation.low, node.activation.high)
        else:
            scale = np.array([x.quant.scale / count])
            epilogues[count] = Requantize.of(scale, out.quant, out.dtype, 256 * sliding.taps, node.activation)
    zero = 0 if x.quant is None else x.quant.zero_point
    return AveragePool(sliding, x.shape[1], zero, count_padding, epilogues)
