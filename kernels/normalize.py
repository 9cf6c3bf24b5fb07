"""Normalization along lanes: to mean 0 and variance 1, or to mean square 1, then times scale plus bias.

LayerNormalization-17, InstanceNormalization-22 and GroupNormalization-21 take the mean off and differ in what
a lane is and in which elements share a scale; RMSNormalization-23 leaves the mean in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isqrt, log2, sqrt
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Kernel
from ..ir.window import Window
from .elementary import sqrt as float_sqrt
from .lanes import Lanes, Lanewise, in_turn

_LEAST_SHIFT = 8
"""With fewer fraction bits in the result's offsets, rounding them could cost more than 1/256 LSB."""


@dataclass(frozen=True, eq=False)
class Normalize(Lanewise):
    """float32: (x − mean) / sqrt(mean((x − mean)²) + epsilon) · scale + bias, with sums in memory order.

    ``centred`` False takes the mean as 0. ``scale`` and ``bias`` are the parameters of ``lanes``.
    """

    template: ClassVar[str] = "normalize"

    centred: bool
    epsilon: float
    scale: np.ndarray
    bias: np.ndarray | None

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"scale": self.scale} | ({} if self.bias is None else {"bias": self.bias})

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x, count = _lanes_of(self.lanes, inputs[0]), np.float32(self.lanes.length)
        if self.centred:
            x = x - in_turn(np.add, x)[:, None] / count
        squares = in_turn(np.add, x * x)[:, None]
        factor = np.float32(1.0) / float_sqrt(squares / count + np.float32(self.epsilon))
        indices = self.lanes.parameter_indices
        y = x * factor * self.scale[indices]
        if self.bias is not None:
            y = y + self.bias[indices]
        return (_tensor_of(self.lanes, y, inputs[0].shape),)


@dataclass(frozen=True, eq=False)
class QuantizedNormalize(Lanewise):
    """8-bit in and out, integers only.

    With n elements q, S = Σ q and Q = Σ q², exact in 32 bits: d = n·q − S is n times the deviation and
    V = n·Q − S² is n² times the variance, both in units of the operand's LSB, so that the operand's scale
    matters for epsilon only. (Without centring: d = q − zero point, V = Σ d².) Then

        root = max(⌊sqrt(V · 2^fraction + epsilon)⌋, least_root)    31 bits at most
        z = (d · ⌊numerator / root⌋) >> shift                        the normalized element, below 2^30
        y = clamp((offset + hi32(z · gain)) >> out_shift)            gain and offset: parameters of ``lanes``;
                                                                     one offset for all without a bias

    ``least_root`` is what any lane of unequal elements reaches; where all are equal, d = 0.
    """

    template: ClassVar[str] = "quantized_normalize"

    centred: bool
    input_zero: int
    fraction: int
    epsilon: int
    least_root: int
    numerator: int
    shift: int
    gains: np.ndarray
    offsets: np.ndarray
    out_shift: int
    dtype: DType

    @property
    def bounds(self) -> tuple[int, int]:
        return int(self.dtype.lowest), int(self.dtype.highest)

    @property
    def offset(self) -> int | None:
        """That of all elements, where there is no bias."""
        return int(self.offsets[0]) if self.offsets.size == 1 else None

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"gains": self.gains} | ({"offsets": self.offsets} if self.offset is None else {})

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        q = _lanes_of(self.lanes, inputs[0]).astype(np.int64)
        count = self.lanes.length
        if self.centred:
            total = q.sum(axis=1, keepdims=True)
            d, power = count * q - total, count * (q * q).sum(axis=1, keepdims=True) - total * total
        else:
            d = q - self.input_zero
            power = (d * d).sum(axis=1, keepdims=True)
        root = np.maximum(_integer_sqrt((power << self.fraction) + self.epsilon), self.least_root)
        z = (d * (self.numerator // root)) >> self.shift
        indices = self.lanes.parameter_indices
        offsets = self.offsets if self.offset is not None else self.offsets[indices]
        y = (offsets + ((z * self.gains[indices]) >> 32)) >> self.out_shift
        y = np.clip(y, *self.bounds).astype(self.dtype.numpy)
        return (_tensor_of(self.lanes, y, inputs[0].shape),)


def _lanes_of(lanes: Lanes, array: np.ndarray) -> np.ndarray:
    """Lanes of the tensor, or of a window of it."""
    return lanes.split(array if lanes.per_pixel else array.reshape(lanes.shape))


def _tensor_of(lanes: Lanes, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return lanes.join(values, shape if lanes.per_pixel else lanes.shape).reshape(shape)


def _integer_sqrt(values: np.ndarray) -> np.ndarray:
    """Square roots of int64 below 2^62, rounded down."""
    root = np.sqrt(values.astype(np.float64)).astype(np.int64)
    root -= root * root > values
    return root + ((root + 1) * (root + 1) <= values)


@dataclass(frozen=True, eq=False)
class Normalization:
    """What a node asks for. ``scale`` and ``bias`` are real parameters of ``lanes``."""

    lanes: Lanes
    centred: bool
    epsilon: float
    scale: np.ndarray
    bias: np.ndarray | None

    def floats(self) -> Kernel:
        """The float32 kernel."""
        bias = None if self.bias is None else self.bias.astype(np.float32)
        return Normalize(self.lanes, self.centred, self.epsilon, self.scale.astype(np.float32), bias)

    def integers(self, source: Quant, source_dtype: DType, out: Quant, dtype: DType) -> Kernel | None:
        """The kernel for 8-bit integers; None where 32 bits are too few for sums, or for the result."""
        span = 128 if self.centred and source_dtype is DType.INT8 else 255
        if self.lanes.length * span * span >= 2**31:
            return None
        root = _Root.of(self.lanes.length, self.centred, self.epsilon / source.scale**2)
        if root is None:
            return None
        places = min(29 - ceil(log2(self.lanes.length) / 2), root.places)
        output = self._output(places, out)
        if output is None:
            return None
        gains, offsets, out_shift = output
        return QuantizedNormalize(
            self.lanes, self.centred, source.zero_point, root.fraction, root.epsilon, root.least,
            root.numerator, root.places - places, gains, offsets, out_shift, dtype,
        )  # fmt: skip

    def _output(self, places: int, out: Quant) -> tuple[np.ndarray, np.ndarray, int] | None:
        """Gains, offsets and shift that make output elements of z, which has ``places`` fraction bits."""
        gains = self.scale / out.scale
        bias = np.zeros(1) if self.bias is None else self.bias / out.scale
        largest = float(np.abs(gains).max(initial=2.0**-20))
        reach = float(np.abs(bias + out.zero_point).max()) + 1.0
        shift = min(20, floor(places - 1 - log2(largest)), floor(29.9 - log2(reach)))
        if shift < _LEAST_SHIFT:
            return None
        multipliers = np.clip(np.round(gains * 2.0 ** (32 + shift - places)), -(2**31 - 1), 2**31 - 1)
        offsets = np.round((bias + out.zero_point + 0.5) * 2.0**shift)
        return multipliers.astype(np.int32), offsets.astype(np.int32), shift


@dataclass(frozen=True)
class _Root:
    """Numbers of ``QuantizedNormalize``; numerator / root has ``places`` fraction bits."""

    fraction: int
    epsilon: int
    least: int
    numerator: int
    places: int

    @classmethod
    def of(cls, count: int, centred: bool, epsilon: float) -> _Root | None:
        """For lanes of ``count`` elements; ``epsilon`` is in units of the operand's LSB, squared.

        The normalized element is d · unit / sqrt(V + wanted), where V, unless 0, is from ``lowest`` to
        ``highest``. None where ``epsilon`` is so large that it leaves V no room in 62 bits.
        """
        if centred:
            unit, wanted, lowest, highest = 1.0, epsilon * count**2, max(count - 1, 1), count**2 * 255**2 // 4
        else:
            unit, wanted, lowest, highest = sqrt(count), epsilon * count, 1, count * 255**2
        fraction = floor(61.9 - log2(highest + wanted))
        if fraction < 0:
            return None
        stored = max(1, round(wanted * 2.0**fraction))
        least = max(1, isqrt((lowest << fraction) + stored))
        places = floor(30.9 + log2(least / unit) - fraction / 2)
        return cls(fraction, stored, least, floor(unit * 2.0 ** (places + fraction / 2)), places)
