"""Convolution of packed operands; numbers are those of ``Conv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .epilogue import Requantize
from .packed_words import SOURCES, Products, filled_multipliers


@dataclass(frozen=True, eq=False)
class PackedConv2D(Conv2D):
    """Input, weights and output of 8, 4 or 2 bits each. The inputs under the kernel are unpacked once for all
    output channels; ``source`` is their type."""

    template: ClassVar[str] = "packed_conv2d"

    source: DType

    @classmethod
    def of(cls, kernel: Conv2D, source: DType) -> PackedConv2D | None:
        """None where elements of a group begin inside a byte, and where sums take more than 32 bits."""
        if not isinstance(kernel.epilogue, Requantize) or source not in SOURCES:
            return None
        made = cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue,
            source,
        )  # fmt: skip
        depth, per_group = kernel.weights.shape[3], kernel.out_channels // kernel.groups
        ends = depth * source.bits % 8 or per_group * kernel.epilogue.dtype.bits % 8
        fit = all(made.products(group).fit for group in range(kernel.groups))
        return made if fit and not (kernel.groups > 1 and ends) else None

    def products(self, group: int) -> Products:
        """The sums of a group's output channels; inputs come in the order of its taps."""
        per_group = self.out_channels // self.groups
        mine = slice(group * per_group, (group + 1) * per_group)
        weights = self.weights[mine].reshape(per_group, -1)
        return Products(self.source, weights, self.bias[mine], self.input_zero)

    def constants(self) -> Mapping[str, np.ndarray]:
        groups = [self.products(group) for group in range(self.groups)]
        named = {
            "weights": np.concatenate([group.words for group in groups]),
            "bias": np.concatenate([group.biases for group in groups]),
        }
        return named | groups[0].mask | filled_multipliers(self.epilogue, self.groups)

    def in_place(self) -> tuple[int, ...]:
        """A pixel is read before it is written."""
        return (0,) if self.sliding.is_pointwise and self.in_channels == self.out_channels else ()

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(self.products(0).cycles_per_mac)

    def scratch(self) -> int:
        return self.sliding.taps * self.in_channels
