"""Activations of 16 bits by the micro-kernels for Arm's DSP extension (``runtime_c/dsp_wide*.h``).

SMLAD takes two of them as they lie in memory, only weights are widened. Numbers are those of ``Conv2D`` and
``Dense``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .conv2d import Conv2D
from .dense import Dense
from .epilogue import Epilogue, Requantize
from .weights import centred_bias

_CYCLES_PER_MAC = 2.0
"""Modelled, as measured with layers of 64 and 128 channels on a Cortex-M4 (``benchmarks.narrow``)."""


def _fits(weights: np.ndarray, epilogue: Epilogue, source: DType) -> bool:
    """Whether all is of 16 bits but the weights, and outputs are as they saturate."""
    if source is not DType.INT16 or not isinstance(epilogue, Requantize) or weights.dtype != np.int8:
        return False
    whole = (epilogue.low, epilogue.high) == (source.lowest, source.highest)
    plain = epilogue.limit is None and epilogue.pre_shift == 0 and not epilogue.wide
    return epilogue.dtype is source and whole and plain


def _filled(taps: int) -> int:
    """A multiple of four."""
    return -(-taps // 4) * 4


def _packed(
    weights: np.ndarray, bias: np.ndarray, input_zero: int, epilogue: Epilogue, together: int
) -> np.ndarray:
    """uint32: for each ``together`` channels their biases, of each four of the ``weights`` [channels, taps] a
    word in turns, in the order of bytes 0, 2, 1, 3, and their multipliers."""
    assert isinstance(epilogue, Requantize)
    channels, taps = weights.shape
    biases = centred_bias(weights, bias, input_zero)
    multipliers = np.broadcast_to(epilogue.multipliers.astype(np.int64), channels)
    missing = -channels % together
    fours = np.pad(weights.astype(np.int64), ((0, missing), (0, _filled(taps) - taps))) & 0xFF
    fours = fours.reshape(-1, together, _filled(taps) // 4, 4)
    words = (fours << np.array([0, 16, 8, 24])).sum(axis=3).transpose(0, 2, 1)
    first, last = (np.pad(end, (0, missing)).reshape(-1, together) for end in (biases, multipliers))
    found = np.concatenate([first, words.reshape(len(words), -1), last], axis=1)
    return (found & 0xFFFFFFFF).astype(np.uint32)


@dataclass(frozen=True, eq=False)
class DspWideConv2D(Conv2D):
    """Three pixels and two channels at a time."""

    template: ClassVar[str] = "dsp_wide_conv2d"

    @classmethod
    def of(cls, kernel: Conv2D, input_dtype: DType) -> DspWideConv2D | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        scattered = kernel.groups > 1 or kernel.sliding.dilation[1] > 1
        if scattered or not _fits(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.sliding, 1, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    @property
    def taps(self) -> int:
        """Of a pixel, filled up."""
        return _filled(self.sliding.taps * self.in_channels)

    def constants(self) -> Mapping[str, np.ndarray]:
        flat = self.weights.reshape(self.out_channels, -1)
        return {"weights": _packed(flat, self.bias, self.input_zero, self.epilogue, 2)}

    def in_place(self) -> tuple[int, ...]:
        """Pixels are read before they are written."""
        return (0,) if self.sliding.is_pointwise and self.in_channels == self.out_channels else ()

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(_CYCLES_PER_MAC)

    def scratch(self) -> int:
        return 6 * self.taps


@dataclass(frozen=True, eq=False)
class DspWideDense(Dense):
    """Four channels at a time."""

    template: ClassVar[str] = "dsp_wide_dense"

    @classmethod
    def of(cls, kernel: Dense, input_dtype: DType) -> DspWideDense | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        if not _fits(kernel.weights, kernel.epilogue, input_dtype):
            return None
        return cls(kernel.shape, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)

    @property
    def taps(self) -> int:
        """Inputs of a vector, filled up."""
        return _filled(self.weights.shape[1])

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"weights": _packed(self.weights, self.bias, self.input_zero, self.epilogue, 4)}

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(_CYCLES_PER_MAC)

    def scratch(self) -> int:
        return 0 if self.weights.shape[1] == self.taps else 2 * self.taps
