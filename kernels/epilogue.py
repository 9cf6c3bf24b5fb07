"""How an accumulator becomes an output element: requantization for integers, a clamp for floats."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from .node import UNBOUNDED, Activation, Node

_ROUNDED_BITS = 24
"""By a shift of 1, accumulators of so many bits get at most 2^-10 LSB of error from the rounded multiplier;
wider ones take a larger shift. A shift that most layers have in common lets them share code."""

_OFFSET_BITS = 29
"""|zero_point| · 2^shift is at most 2^29, and hi32 below 2^30 in magnitude: their sum fits 32 bits."""

_COARSEST = 2.0**17
"""From this many output LSB for one of the accumulator on, anything but 0 saturates 16 bits and less."""


def _spare_bits(dtype: DType) -> int:
    """Bits of a byte behind an element in its upper ones."""
    return max(8 - dtype.bits, 0)


def quantized_bounds(quant: Quant, dtype: DType, activation: Activation) -> tuple[int, int]:
    """Integers that ``activation`` (and the element type) allow in a tensor quantized by ``quant``."""
    low, high = int(dtype.lowest), int(dtype.highest)
    if np.isfinite(activation.low):
        low = max(low, min(high, round(activation.low / quant.scale) + quant.zero_point))
    if np.isfinite(activation.high):
        high = min(high, max(low, round(activation.high / quant.scale) + quant.zero_point))
    return low, high


@dataclass(frozen=True, eq=False)
class Requantize:
    """y = clamp((offset + hi32((acc << pre_shift) · multiplier)) >> shift, low, high).

    hi32 is the upper half of the signed 64-bit product, rounded down; the multiplier is per channel,
    shift and offset = zero_point · 2^shift + 2^(shift − 1) are the layer's. Nested floors are exact, so
    the only errors against real arithmetic are that of the rounded multiplier, at most 2^-10 LSB where no
    scale is above 1/4, and ties, which round up. Accumulators whose pre-shift could overflow are first
    clamped to ± ``limit`` (they saturate anyway).

    ``wide`` accumulators have 64 bits. Where those that do not saturate need more than 32, pre_shift is
    negative: they are shifted down first, which loses at most 2^-12 LSB times the ratio of the layer's
    largest scale to its smallest.
    """

    multipliers: np.ndarray
    shift: int
    pre_shift: int
    zero_point: int
    low: int
    high: int
    dtype: DType
    limit: int | None = None
    wide: bool = False

    @classmethod
    def of(
        cls, scales: np.ndarray, quant: Quant, dtype: DType, bound: int, activation: Activation = UNBOUNDED
    ) -> Requantize:
        """For accumulators in units of ``scales`` (one per channel, or one) and magnitude ≤ ``bound``,
        to a tensor of ``dtype`` (at most 16 bits) quantized by ``quant``."""
        ratios = np.minimum(np.asarray(scales, np.float64).reshape(-1) / quant.scale, _COARSEST)
        least = float(np.min(ratios, where=ratios > 0, initial=np.inf))
        reach = min(bound, int(4 * 2.0**dtype.bits / least))  # saturates from there on
        down = max(0, reach.bit_length() - 31)
        ratios, reach = ratios * 2.0**down, reach >> down
        largest = float(ratios.max(initial=0.0))
        wanted = max(1 + _spare_bits(dtype), reach.bit_length() - _ROUNDED_BITS + 1)
        shift = wanted if largest == 0.0 else int(np.floor(-1.0 - np.log2(largest)))
        pre_shift = max(0, 1 - shift)
        most = _OFFSET_BITS - max(abs(quant.zero_point) - 1, 0).bit_length()
        shift = min(shift + pre_shift, wanted, most)
        multipliers = np.round(ratios * 2.0 ** (32 + shift - pre_shift)).astype(np.int64)
        multipliers = np.minimum(multipliers, 2**31 - 1).astype(np.int32)
        top = ((2**31 - 1) >> min(pre_shift, 31)) << down
        limit = top if bound > top | ((1 << down) - 1) else None
        low, high = quantized_bounds(quant, dtype, activation)
        return cls(
            multipliers, shift, pre_shift - down, quant.zero_point, low, high, dtype, limit, bound >= 2**31
        )

    @property
    def offset(self) -> int:
        return (self.zero_point << self.shift) + (1 << (self.shift - 1))

    @property
    def fraction(self) -> int:
        """Bits that accumulators lack so that a shift by 1 leaves the output in the upper bits of a byte,
        where it saturates as the byte does; negative where they have too many."""
        return 1 + _spare_bits(self.dtype) - self.shift

    @property
    def scale(self) -> int:
        """Bits by which accumulators are shifted up before they are multiplied, for such a byte."""
        return self.pre_shift + self.fraction

    @property
    def byte_offset(self) -> int:
        """``offset`` for such a byte."""
        return self.offset << self.fraction

    @property
    def byte_bounds(self) -> tuple[int, int]:
        """The least and the largest of such bytes between ``low`` and ``high``."""
        spare = _spare_bits(self.dtype)
        return self.low << spare, (self.high << spare) + (1 << spare) - 1

    @property
    def per_channel(self) -> bool:
        return self.multipliers.size > 1

    def apply(self, accumulator: np.ndarray) -> np.ndarray:
        """``accumulator`` is int64 with channels last; the result has the output's dtype."""
        if self.limit is not None:
            accumulator = np.clip(accumulator, -self.limit, self.limit)
        product = shifted(accumulator, self.pre_shift) * self.multipliers.astype(np.int64)
        result = (self.offset + (product >> 32)) >> self.shift
        return np.clip(result, self.low, self.high).astype(self.dtype.numpy)


@dataclass(frozen=True)
class Clamp:
    """Float results between ``low`` and ``high``; infinite bounds cost nothing."""

    wide: ClassVar[bool] = False

    low: float
    high: float
    dtype: DType = DType.FLOAT32

    def apply(self, accumulator: np.ndarray) -> np.ndarray:
        return np.clip(accumulator, np.float32(self.low), np.float32(self.high)).astype(np.float32)


Epilogue = Requantize | Clamp


def shifted(accumulator: np.ndarray, bits: int) -> np.ndarray:
    """int64 shifted up by ``bits``, down where that is negative."""
    return accumulator << bits if bits >= 0 else accumulator >> -bits


def epilogue_of(node: Node, scales: np.ndarray, bound: int) -> Epilogue:
    """The epilogue of ``node``'s first output; scales and bound matter for integers only.

    Raises ModelError where one channel's sums must be clamped before another's are precise.
    """
    out = node.outputs[0]
    if out.quant is None:
        return Clamp(node.activation.low, node.activation.high)
    epilogue = Requantize.of(scales, out.quant, out.dtype, bound, node.activation)
    least = float(np.min(scales, where=scales > 0, initial=np.inf))
    if epilogue.limit is not None and epilogue.limit * least / out.quant.scale < 2**out.dtype.bits:
        raise node.refuse(
            f"the largest scale of its output channels is {scales.max() / least:.2g} times the smallest, "
            "too much for one 32-bit requantization",
            "quantize its weights per tensor, or limit how far the scales of its channels lie apart",
        )
    return epilogue


def requantizes(
    weights: np.ndarray, epilogue: Epilogue, source: DType, types: Collection[DType] = (DType.INT8,),
    most: int = 0,
) -> bool:  # fmt: skip
    """Whether ``weights``, inputs (``source``) and outputs are of these ``types``, and the requantization is
    one that fast kernels take: of accumulators that are shifted up by at most ``most`` bits."""
    if not isinstance(epilogue, Requantize) or epilogue.limit is not None or epilogue.wide:
        return False
    own = {DType.of(weights.dtype), source, epilogue.dtype}
    return own <= set(types) and epilogue.fraction >= 0 and epilogue.scale <= most


def requantize_constants(epilogue: Epilogue) -> dict[str, np.ndarray]:
    """The multipliers, where there is one per channel."""
    if isinstance(epilogue, Requantize) and epilogue.per_channel:
        return {"multipliers": epilogue.multipliers}
    return {}
