"""What layers whose inputs are spikes have in common: weights in the order of ``runtime_c/event_rows.h``, the
range of their currents, their sums, and what they cost.

A sum of products with spikes is a sum of rows of weights: those of the inputs that spiked. Four outputs of a
row are one 32-bit word, whose even bytes are outputs 0 and 1 and whose odd bytes are outputs 2 and 3, so that
both pairs can be added as halves of a word. Rows are cut into blocks of some words, which lie one behind the
other, so that the sums of a block stay in registers while all rows that spiked go by.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import CYCLES_PER_OPERATION, Cost

WORDS = 2
"""Of a block of the portable kernels."""
RAISED = 128
"""What is added to the weights of the portable kernels, to make them positive."""
_MOST_ROWS = 2**16
"""Rows are listed by numbers of 16 bits."""
_LANES = (0, 2, 1, 3)
"""Outputs in the order of a word's bytes."""


@dataclass(frozen=True)
class Fan:
    """``vectors`` of ``taps`` inputs each, on average, and as many ``outputs``; an input reaches ``reach`` of
    them. ``rate`` is the expected share of inputs that spike, None where it is unknown: then all may."""

    vectors: int
    taps: float
    outputs: int
    reach: int
    rate: float | None

    @property
    def spikes(self) -> float:
        """Expected of all vectors."""
        return self.vectors * self.taps * (1.0 if self.rate is None else self.rate)

    @property
    def additions(self) -> int:
        """Expected synaptic operations."""
        return ceil(self.spikes * self.reach)


@dataclass(frozen=True)
class Times:
    """Modelled cycles of a way to compute currents: for each weight that is added, spike that is found, input
    that is looked at, output, and vector."""

    addition: float
    spike: float
    input: float
    output: float
    vector: float

    def cost(self, fan: Fan) -> Cost:
        """Operations are the expected additions."""
        each = fan.taps * self.input + fan.outputs * self.output + self.vector
        cycles = fan.additions * self.addition + fan.spikes * self.spike + fan.vectors * each
        return Cost(operations=fan.additions, spared=fan.additions * CYCLES_PER_OPERATION - cycles)


PORTABLE = Times(addition=2.2, spike=12.5, input=0.63, output=20.5, vector=130.0)
"""Fitted to dense layers and 3 × 3 convolutions on a Cortex-M4."""


def current_range(weights: np.ndarray, bias: np.ndarray) -> tuple[int, int]:
    """The least and the largest sum of a layer, whatever inputs spike: ``weights`` are [outputs, taps],
    ``bias`` has one per output.

    The least sum of an output is that of its negative weights, the largest that of its positive ones; what
    has been added up on the way lies between them.
    """
    rows, start = weights.astype(np.int64), bias.astype(np.int64)
    low = (start + np.minimum(rows, 0).sum(axis=1)).min(initial=0)
    return int(low), int((start + np.maximum(rows, 0).sum(axis=1)).max(initial=0))


def current_type(weights: np.ndarray, bias: np.ndarray) -> DType:
    """The narrower of int16 and int32 that holds every sum. Raises ValueError where neither does."""
    low, high = current_range(weights, bias)
    for dtype in (DType.INT16, DType.INT32):
        if dtype.lowest <= low and high <= dtype.highest:
            return dtype
    raise ValueError(f"currents from {low:,} to {high:,} take more than 32 bits")


def check_rows(count: int) -> None:
    """Raises ValueError where a layer has more rows of weights than can be listed."""
    if count > _MOST_ROWS:
        raise ValueError(f"{count:,} inputs of an output, at most {_MOST_ROWS:,} can be listed")


def in_blocks(rows: np.ndarray, words: int, raised: int = 0) -> np.ndarray:
    """uint32: int8 rows [taps, outputs] in blocks of ``words`` words, the last block of as many as are left.

    ``raised`` is added to each weight; outputs that fill up the last word have weight 0.
    """
    taps, outputs = rows.shape
    filled = np.pad(rows.astype(np.int64), ((0, 0), (0, -outputs % 4))) + raised
    lanes = (filled & 0xFF).astype(np.uint8).reshape(taps, -1, 4)[:, :, _LANES]
    whole = np.ascontiguousarray(lanes).view("<u4")[:, :, 0]
    blocks = [whole[:, first : first + words].reshape(-1) for first in range(0, whole.shape[1], words)]
    return np.concatenate(blocks).astype(np.uint32)


def spike_sums(spikes: np.ndarray, weights: np.ndarray, bias: np.ndarray, dtype: DType) -> np.ndarray:
    """[pixels, outputs] of ``dtype``: spikes [pixels, taps] times weights [outputs, taps], plus bias."""
    # float64 holds every int32 sum exactly, and BLAS is far faster than integer products
    sums = spikes.astype(np.float64) @ weights.T.astype(np.float64) + bias
    return sums.astype(dtype.numpy)
