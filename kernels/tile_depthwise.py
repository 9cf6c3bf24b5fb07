"""Depthwise convolution without working memory; numbers are ``DepthwiseConv2D``'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .depthwise import DepthwiseConv2D
from .epilogue import Requantize, requantizes
from .tile_order import in_groups, parameters, sums_fit


@dataclass(frozen=True, eq=False)
class TileDepthwise(DepthwiseConv2D):
    """Kernels of 3 × 3, a row of one channel at a time, with the weights in registers."""

    template: ClassVar[str] = "tile_depthwise"
    lanes: ClassVar[int] = 1
    """Channels at a time; there have to be as many."""
    cycles_per_mac: ClassVar[float] = 4.6
    """Modelled, where the portable kernel takes 10; measured with vww01 on an ESP32-C3."""

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType) -> TileDepthwise | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        suits = kernel.sliding.kernel == (3, 3) and kernel.sliding.dilation[1] == 1
        small = kernel.channels < cls.lanes
        if not suits or small or not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.sliding, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    @property
    def filters(self) -> np.ndarray:
        """The weights as [channels, taps]."""
        return np.ascontiguousarray(self.weights.reshape(-1, self.channels).T)

    def packed(self) -> np.ndarray:
        """The weights in the order of the micro-kernel."""
        return self.filters

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        order = parameters(self.filters, self.bias, self.input_zero, self.epilogue, self.lanes)
        return {"weights": self.packed(), "parameters": order}

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(self.cycles_per_mac)


@dataclass(frozen=True, eq=False)
class TileTaps(TileDepthwise):
    """A pixel at a time, two channels at a time: pointers to the taps are for all channels, and padding is a
    pixel like any other."""

    template: ClassVar[str] = "tile_taps"
    lanes: ClassVar[int] = 2
    cycles_per_mac: ClassVar[float] = 4.5
    """Modelled, where the portable kernel takes 10; measured with vww01 on a Cortex-M0+."""

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType) -> TileDepthwise | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        made = super().of(kernel, input_dtype)
        return made if made is not None and sums_fit(made.filters, made.bias) else None

    def packed(self) -> np.ndarray:
        filled = np.pad(self.filters, ((0, 0), (0, 1)))
        return in_groups(filled, self.lanes).reshape(-1).view("<u4")

    def constants(self) -> Mapping[str, np.ndarray]:
        padding = np.full(self.channels, self.input_zero, np.int8)
        return {**super().constants(), **({"padding": padding} if self.sliding.is_padded else {})}
