"""ConvTranspose over rows and columns, any grouping (ONNX ConvTranspose-22).

Gather form: output pixel y sums over the taps k that hit it, those where y + pad − k · dilation is a multiple
i · stride of the stride with i inside the input. So it needs no accumulator buffer and computes any window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Epilogue, requantize_constants
from .node import Constant, Node
from .sliding import Sliding
from .weights import Linear, linear_operands


@dataclass(frozen=True, eq=False)
class ConvTranspose2D(Kernel):
    """``weights`` are [out channels, kernel rows, kernel columns, in channels per group]. The pads of
    ``sliding`` are cut off the output."""

    template: ClassVar[str] = "conv_transpose"
    windowed: ClassVar[bool] = True

    sliding: Sliding
    groups: int
    weights: np.ndarray
    bias: np.ndarray
    input_zero: int
    epilogue: Epilogue

    @property
    def weight_bits(self) -> int:
        return DType.of(self.weights.dtype).bits

    @property
    def out_channels(self) -> int:
        return self.weights.shape[0]

    @property
    def depth(self) -> int:
        """Input channels of one group."""
        return self.weights.shape[3]

    def needs(self, operand: int, window: Window) -> Window:
        return Window(*self._needs(0, window.y0, window.y1), *self._needs(1, window.x0, window.x1))

    def _needs(self, axis: int, begin: int, end: int) -> tuple[int, int]:
        s = self.sliding
        reach = (s.kernel[axis] - 1) * s.dilation[axis]
        first = -(-(begin + s.pads[axis] - reach) // s.stride[axis])
        return first, max((end - 1 + s.pads[axis]) // s.stride[axis] + 1, first)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias} | requantize_constants(self.epilogue)

    def cost(self, window: Window) -> Cost:
        rows = sum(place[0].size for place in self._hits(0, window.y0, window.y1))
        columns = sum(place[0].size for place in self._hits(1, window.x0, window.x1))
        return Cost(macs=rows * columns * self.depth * self.out_channels * self.sliding.batch)

    def overhang(self, axis: int) -> tuple[bool, bool]:
        """Whether some tap that hits an output lies before the input, and whether one lies behind it."""
        s = self.sliding
        taps = np.arange(s.kernel[axis]) * s.dilation[axis]
        reached = np.arange(s.output[axis])[:, None] + s.pads[axis] - taps
        sources = reached[reached % s.stride[axis] == 0] // s.stride[axis]
        return bool((sources < 0).any()), bool((sources >= s.input[axis]).any())

    def _hits(self, axis: int, begin: int, end: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each tap of an axis: the outputs in [begin, end) that it adds to, and the inputs it takes."""
        s = self.sliding
        hits: list[tuple[np.ndarray, np.ndarray]] = []
        for tap in range(s.kernel[axis]):
            reached = np.arange(begin, end) + s.pads[axis] - tap * s.dilation[axis]
            source = reached // s.stride[axis]
            hit = (reached % s.stride[axis] == 0) & (source >= 0) & (source < s.input[axis])
            hits.append((np.flatnonzero(hit), source[hit]))
        return hits

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        exact = np.float32 if self.weights.dtype == np.float32 else np.float64
        needed = self.needs(0, window).clip(*self.sliding.input)
        x = (
            inputs[0]
            .reshape(self.sliding.batch, needed.height, needed.width, self.groups * self.depth)
            .astype(exact)
        )
        x -= exact(self.input_zero)
        sums = np.zeros((self.sliding.batch, window.height, window.width, self.out_channels), exact)
        sums += self.bias.astype(exact)
        for ky, (rows, iy) in enumerate(self._hits(0, window.y0, window.y1)):
            for kx, (columns, ix) in enumerate(self._hits(1, window.x0, window.x1)):
                taps = x[:, iy - needed.y0][:, :, ix - needed.x0]
                sums[:, rows[:, None], columns] += self._products(taps, self.weights[:, ky, kx].astype(exact))
        out = self.epilogue.apply(sums if exact is np.float32 else sums.astype(np.int64))
        return (out if inputs[0].ndim == 4 else out[:, :, 0],)

    def _products(self, taps: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """[…, in channels] times [out channels, depth], group by group: […, out channels]."""
        grouped = taps.reshape(*taps.shape[:-1], self.groups, 1, self.depth)
        per_group = weights.reshape(self.groups, -1, self.depth)
        return np.matmul(grouped, per_group.swapaxes(1, 2)).reshape(*taps.shape[:-1], self.out_channels)


def resolve(node: Node) -> Kernel | None:
    """ConvTranspose with constant weights [I, O / group, k…]; ModelError for 3-D or run-time weights, and for
    scales that do not run along the output channels."""
    values = node.constant(1, "the weight").values
    groups = int(node.attribute("group", 1))
    sliding = _geometry(node, values.shape[2:])
    linear = _linear(node, groups)
    if linear is None:
        return None
    channels, depth = linear.weights.shape[:2]
    weights = linear.weights.reshape(channels, depth, *sliding.kernel).transpose(0, 2, 3, 1)
    return ConvTranspose2D(
        sliding, groups, np.ascontiguousarray(weights), linear.bias, linear.input_zero, linear.epilogue
    )


def _linear(node: Node, groups: int) -> Linear | None:
    """Weights as those of a Conv, [O, I / group, k…]: output channels of all groups first."""
    weights, tensor = node.constant(1, "the weight"), node.input(1)
    shape = weights.values.shape
    scales = 1 if weights.scale is None else weights.scale.size
    if scales > 1 and (weights.axis != 1 or scales != shape[1]):
        raise node.refuse(
            f"its weight has {scales} scales along axis {weights.axis}",
            "quantize it per tensor or along axis 1",
        )

    def arranged(values: np.ndarray) -> np.ndarray:
        grouped = values.reshape(groups, shape[0] // groups, *shape[1:])
        return grouped.swapaxes(1, 2).reshape(groups * shape[1], shape[0] // groups, *shape[2:])

    def repeated(parameter: np.ndarray | None) -> np.ndarray | None:
        return parameter if parameter is None or parameter.size == 1 else np.tile(parameter, groups)

    constant = Constant(arranged(weights.values), repeated(weights.scale), repeated(weights.zero_point), 0)
    as_conv = replace(tensor, shape=constant.values.shape, constant=constant)
    return linear_operands(replace(node, inputs=(node.inputs[0], as_conv, *node.inputs[2:])), channel_axis=0)


def _geometry(node: Node, kernel: tuple[int, ...]) -> Sliding:
    """Sizes from the shapes, pads from the attributes; where the model gives ``output_shape`` or ``auto_pad``
    instead of pads, from the formula of the ONNX operator."""
    if min(node.attribute("pads", [0])) < 0:
        raise node.refuse("its pads are negative", "pad its output instead")
    auto_pad = node.attribute("auto_pad", "NOTSET")
    plain = {name: value for name, value in node.attributes.items() if name != "auto_pad"}
    sliding = Sliding.of(replace(node, attributes=plain), kernel)
    if auto_pad == "VALID" or (auto_pad == "NOTSET" and not node.attribute("output_shape", ())):
        return sliding
    extra = [*node.attribute("output_padding", [0] * len(kernel)), 0][:2]
    begins: list[int] = []
    for axis in range(2):
        extent = (sliding.kernel[axis] - 1) * sliding.dilation[axis] + 1
        full = sliding.stride[axis] * (sliding.input[axis] - 1) + int(extra[axis]) + extent
        total = max(full - sliding.output[axis], 0)
        begins.append(total // 2 if auto_pad == "SAME_UPPER" else total - total // 2)
    return replace(sliding, pads=(begins[0], begins[1]))
