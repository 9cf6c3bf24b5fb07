"""Weights of event-driven layers in the order of ``runtime_c/event_rows.h``, the range of their currents, and
what they cost.

Where inputs are spikes, a sum of products is a sum of rows of weights: those of the inputs that spiked. Four
outputs of a row are one 32-bit word, whose even bytes are outputs 0 and 1 and whose odd bytes are outputs 2
and 3, so that both pairs can be added as halves of a word. Rows are cut into blocks of some words, which lie
one behind the other, so that the sums of a block stay in registers while all rows that spiked go by.
"""

from __future__ import annotations

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
CYCLES_PER_SUM, CYCLES_PER_SPIKE, CYCLES_PER_OUTPUT, CYCLES_PER_BYTE = 2.6, 24.0, 14.0, 9.0
"""Modelled, of the portable kernels: for each weight that is added, spike that is found, output, and byte of
spikes that is scanned."""


def current_type(weights: np.ndarray, bias: np.ndarray) -> DType:
    """The narrower of int16 and int32 that holds every sum of a layer, whatever inputs spike: ``weights`` are
    [outputs, taps], ``bias`` has one per output.

    The least sum of an output is that of its negative weights, the largest that of its positive ones; what
    has been added up on the way lies between them. Raises ValueError where 32 bits do not hold them.
    """
    rows, start = weights.astype(np.int64), bias.astype(np.int64)
    low = int((start + np.minimum(rows, 0).sum(axis=1)).min(initial=0))
    high = int((start + np.maximum(rows, 0).sum(axis=1)).max(initial=0))
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


def event_cost(vectors: int, taps: int, fan_out: float, outputs: int, rate: float | None) -> Cost:
    """Of portable kernels: ``vectors`` of ``taps`` inputs, each of which is added to ``fan_out`` of so many
    outputs where it spikes. Operations are the additions; where the rate is unknown, of all inputs."""
    spikes = vectors * taps * (1.0 if rate is None else rate)
    sums = ceil(spikes * fan_out)
    cycles = (
        sums * CYCLES_PER_SUM + spikes * CYCLES_PER_SPIKE
        + vectors * (outputs * CYCLES_PER_OUTPUT + taps / 8 * CYCLES_PER_BYTE)
    )  # fmt: skip
    return Cost(operations=sums, spared=sums * CYCLES_PER_OPERATION - cycles)
