"""How inputs of 8, 4 and 2 bits are widened to 16 for Arm's DSP extension (``runtime_c/dsp_spread*.h``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.dtype import DType


def halves(low: int, high: int) -> int:
    """Two numbers of 16 bits in one word."""
    return (high & 0xFFFF) << 16 | low & 0xFFFF


@dataclass(frozen=True)
class Inputs:
    """Of type ``dtype`` and with this zero ``point``. Packed ones are ``raised`` so that none is negative:
    then one mask gives two of them, and there is no sign to extend."""

    dtype: DType
    point: int

    @property
    def many(self) -> int:
        """Elements in a byte."""
        return 8 // self.dtype.bits

    @property
    def raised(self) -> int:
        """What is added to each."""
        return -int(self.dtype.lowest) if self.dtype.is_packed else 0

    @property
    def zero(self) -> int:
        """The zero point of what they are widened to."""
        return self.point + self.raised

    @property
    def span(self) -> int:
        """The largest magnitude of an element without its zero point."""
        return max(int(self.dtype.highest) - self.point, self.point - int(self.dtype.lowest))

    def padding(self, scale: int) -> int:
        """Two zero points in one word, as inputs that are to be multiplied by 2^``scale`` are widened:
        packed ones are multiplied at once, bytes later."""
        zero = self.zero << scale if self.dtype.is_packed else self.zero
        return halves(zero, zero)

    @property
    def padding_byte(self) -> int:
        """A byte of zero points, as an int8."""
        mask = (1 << self.dtype.bits) - 1
        byte = sum((self.point & mask) << self.dtype.bits * i for i in range(self.many))
        return byte - 256 if byte > 127 else byte

    @property
    def routine(self) -> str:
        """What widens them, besides bytes."""
        return f"tinyc_dsp_spread{self.dtype.bits}" if self.dtype.is_packed else "NULL"

    def filled(self, weights: np.ndarray) -> np.ndarray:
        """``weights`` [..., channels], with channels of 0 up to whole bytes."""
        return np.pad(weights, [(0, 0)] * (weights.ndim - 1) + [(0, -weights.shape[-1] % self.many)])

    def ordered(self, weights: np.ndarray) -> np.ndarray:
        """``weights`` [channels, elements of whole words] in the order in which micro-kernels meet their
        inputs: of 4 · ``many`` elements word i has the i-th and the one 2 · ``many`` behind it."""
        groups = weights.reshape(len(weights), -1, 2, self.many, 2)
        return groups.transpose(0, 1, 3, 2, 4).reshape(weights.shape)
