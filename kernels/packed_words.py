"""Weights and inputs of packed kernels in the order of ``runtime_c/packed_products*.h``.

Two weights of at most 8 bits in the halves of a word, made positive, times one input are two products in one
multiplication: w0 + 65536 · w1 times x is x · w0 + 65536 · x · w1. Sums of a few such products keep apart as
well; how many do follows from the types. ULPPACK (Won et al., MLSys 2022) and SLBC (arXiv 2407.01054) pack
both operands; here one is enough, and the other is any byte.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.dtype import DType
from .epilogue import Epilogue, Requantize
from .weights import centred_bias

BLOCK = 8
"""Output channels at a time."""
_HALF = 2**15 - 1
_WORD = 2**31 - 1
SOURCES = (DType.INT8, DType.INT4, DType.INT2)
"""Types of inputs."""


@dataclass(frozen=True, eq=False)
class Products:
    """The sums of products of ``weights`` [channels, taps] with inputs of type ``source``."""

    source: DType
    weights: np.ndarray
    bias: np.ndarray
    input_zero: int

    @property
    def bits(self) -> int:
        """Bits of a weight."""
        return DType.of(self.weights.dtype).bits

    @property
    def halves(self) -> bool:
        """Whether two products are one multiplication."""
        return self.bits + self.source.bits < 16

    @property
    def raised(self) -> int:
        """What is added to the weights to make them positive."""
        return 1 << (self.bits - 1) if self.halves else 0

    @property
    def most(self) -> int:
        """How many products are added before the halves are taken apart; an even number."""
        return _HALF // (-int(self.source.lowest) * (2**self.bits - 1)) // 2 * 2

    @property
    def mask(self) -> dict[str, np.ndarray]:
        """A weight in each half, as a constant of which compilers do not know the value."""
        return {"mask": np.array([(2**self.bits - 1) * 0x00010001], np.uint32)} if self.halves else {}

    @property
    def routine(self) -> str:
        """The function of the runtime that adds them up."""
        return f"tinyc_packed_products{self.bits}" if self.halves else "tinyc_packed_products"

    @property
    def cycles_per_mac(self) -> float:
        """Modelled, as measured with pointwise and 3 × 3 layers of 16 to 64 channels on a Cortex-M4."""
        return 3.0 if self.halves else 4.4

    @property
    def fit(self) -> bool:
        """Whether no sum exceeds 32 bits as the weights are raised and the zero point is left to the bias."""
        largest = -int(self.source.lowest) * (2**self.bits - 1) * self.weights.shape[1]
        return largest + int(np.abs(self._offsets).max(initial=0)) <= _WORD

    @property
    def block(self) -> int:
        """Words of a block of channels."""
        return -(-self.weights.shape[1] * self.bits * BLOCK // 32)

    @property
    def _offsets(self) -> np.ndarray:
        return centred_bias(self.weights, self.bias, self.input_zero)

    @property
    def biases(self) -> np.ndarray:
        """int32 for each channel of all blocks, the input's zero point taken off."""
        return filled(self._offsets.astype(np.int32))

    @property
    def words(self) -> np.ndarray:
        """uint32 [blocks, words of a block]. Of 4 bits a word has one tap of the block, of 2 bits two taps,
        of 8 bits half a tap; channels 4 to 7 are in its upper half."""
        raised = (filled(self.weights.astype(np.int64)) + self.raised) & (2**self.bits - 1)
        blocks, taps = len(raised) // BLOCK, raised.shape[1]
        per_word = max(4 // self.bits, 1)  # taps
        raised = np.pad(raised, ((0, 0), (0, -taps % per_word)))
        # [block, group of taps, tap, half, channel of the half]
        shaped = raised.reshape(blocks, 2, 4, -1, per_word).transpose(0, 3, 4, 1, 2)
        if self.bits == 8:  # a word for two channels of each half
            shaped = shaped.reshape(blocks, -1, 2, 2, 2).transpose(0, 1, 3, 2, 4)
            shifts = 16 * np.arange(2)[:, None] + 8 * np.arange(2)
            return (shaped << shifts).sum(axis=(3, 4)).reshape(blocks, -1).astype(np.uint32)
        tap = 8 * np.arange(per_word)[:, None, None]
        shifts = tap + 16 * np.arange(2)[:, None] + self.bits * np.arange(4)
        return (shaped << shifts).sum(axis=(2, 3, 4)).astype(np.uint32)


def filled(channels: np.ndarray) -> np.ndarray:
    """An array with one row per channel, filled up to whole blocks."""
    return np.pad(channels, [(0, -len(channels) % BLOCK)] + [(0, 0)] * (channels.ndim - 1))


def filled_multipliers(epilogue: Epilogue, groups: int = 1) -> dict[str, np.ndarray]:
    """The multipliers, where there is one per channel, for whole blocks of each group."""
    if isinstance(epilogue, Requantize) and epilogue.per_channel:
        parts = np.split(epilogue.multipliers, groups)
        return {"multipliers": np.concatenate([filled(part) for part in parts])}
    return {}
