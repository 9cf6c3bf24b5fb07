"""Weights in the order of the micro-kernels for Helium (``runtime_c/mve_*.h``)."""

from __future__ import annotations

import numpy as np

from .epilogue import Requantize
from .weights import centred_bias

CYCLES_PER_MAC = 0.3
"""Instructions, as measured with kws01 on a Cortex-M55: there is no timing table of this core."""
BLOCK = 16
"""Bytes of a vector."""


def in_fours(weights: np.ndarray, bias: np.ndarray, input_zero: int, epilogue: Requantize) -> np.ndarray:
    """uint32 words, for each four channels: their blocks of weights in turns, four biases, four multipliers.

    ``weights`` are [channels, taps]; the first block is filled up at its front, the last channels up to four.
    """
    channels, taps = weights.shape
    filled, blocks = -(-channels // 4) * 4, -(-taps // BLOCK)
    wide = np.zeros((filled, blocks * BLOCK), np.int8)
    wide[:channels, blocks * BLOCK - taps :] = weights
    turns = wide.reshape(filled // 4, 4, blocks, BLOCK).transpose(0, 2, 1, 3).reshape(filled // 4, -1)
    ends = np.zeros((2, filled), np.int32)
    ends[0, :channels] = centred_bias(weights, bias, input_zero)
    ends[1, :channels] = epilogue.multipliers
    words = np.ascontiguousarray(turns).view("<u4")
    sides = ends.reshape(2, filled // 4, 4).view(np.uint32)
    return np.concatenate([words, sides[0], sides[1]], axis=1).astype(np.uint32)
