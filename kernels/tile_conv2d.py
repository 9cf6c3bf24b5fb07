"""Convolution by register tiles; numbers are those of ``Conv2D``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .epilogue import Requantize, requantizes
from .tile_order import even, in_groups, in_pairs, parameters, products_fit, sums_fit


@dataclass(frozen=True, eq=False)
class TileConv2D(Conv2D):
    """Four pixels and four channels at a time. Rows of taps are read where they lie, without working memory;
    beside padding each tap has a pointer."""

    template: ClassVar[str] = "tile_conv2d"
    lanes: ClassVar[int] = 4
    """Channels at a time; there have to be as many."""
    cycles_per_mac: ClassVar[float] = 3.0
    """Modelled, where the portable kernel takes 10; measured with ic01 on an ESP32-C3."""

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> TileConv2D | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        scattered = kernel.groups > 1 or kernel.sliding.dilation[1] > 1
        small = kernel.out_channels < cls.lanes
        if scattered or small or not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(
            kernel.sliding, kernel.groups, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue
        )

    @property
    def flat(self) -> np.ndarray:
        """The weights as [channels, taps]."""
        return self.weights.reshape(self.out_channels, -1)

    @property
    def spans(self) -> int:
        """The most runs of taps that a pixel has."""
        return self.sliding.taps if self.sliding.is_padded else self.sliding.kernel[0]

    @property
    def gathered(self) -> bool:
        """Whether taps are gathered first: those of a row are fewer than a pointer is worth."""
        return self.sliding.is_padded and self.in_channels <= 2

    def packed(self) -> np.ndarray:
        """The weights in the order of the micro-kernel, bytes."""
        return in_groups(self.flat, self.lanes)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        made = {
            "weights": self.packed().reshape(-1).view("<u4"),
            "parameters": parameters(self.flat, self.bias, self.input_zero, self.epilogue, self.lanes),
        }
        padding = np.full(self.in_channels, self.input_zero, np.int8)
        return made | ({"padding": padding} if self.sliding.is_padded else {})

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(self.cycles_per_mac)


@dataclass(frozen=True, eq=False)
class TilePairs(TileConv2D):
    """Two pixels and two channels at a time: the same taps of two pixels are the halves of a word, so that
    one multiplication makes two products. Words take four bytes of working memory for each tap."""

    template: ClassVar[str] = "tile_pairs"
    lanes: ClassVar[int] = 2
    cycles_per_mac: ClassVar[float] = 3.4
    """Modelled, where the portable kernel takes 10; measured with ic01 on a Cortex-M0+."""

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> TileConv2D | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        made = super().of(kernel, input_dtype)
        fits = made is not None and products_fit(made.flat) and sums_fit(made.flat, made.bias)
        return made if fits else None

    def packed(self) -> np.ndarray:
        return in_pairs(self.flat)

    def scratch(self) -> int:
        return 4 * even(self.flat.shape[1])
