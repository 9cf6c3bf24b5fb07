"""Weights in the order of the micro-kernels for cores without DSP instructions (``runtime_c/tile_*.h``)."""

from __future__ import annotations

import numpy as np

from .epilogue import Requantize
from .weights import centred_bias, channel_groups

_HALF = 2**15
_EXACT = 2**29
"""Magnitude of sums. By 16-bit parts, the middle products then have a sum of 32 bits."""


def in_groups(weights: np.ndarray, lanes: int) -> np.ndarray:
    """``weights`` [channels, taps] as [groups, taps, lanes]."""
    chosen = weights[channel_groups(len(weights), lanes)]
    return np.ascontiguousarray(chosen.transpose(0, 2, 1))


def parameters(
    weights: np.ndarray, bias: np.ndarray, input_zero: int, epilogue: Requantize, lanes: int
) -> np.ndarray:
    """int32 [groups, 2, lanes]: biases and multipliers; ``weights`` are [channels, taps]."""
    sums = centred_bias(weights, bias, input_zero)
    both = np.stack([sums, np.broadcast_to(epilogue.multipliers, sums.shape)])
    made = both[:, channel_groups(len(sums), lanes)].transpose(1, 0, 2)
    return (made & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def even(taps: int) -> int:
    """As many taps, filled up to a multiple of two."""
    return taps + taps % 2


def in_pairs(weights: np.ndarray) -> np.ndarray:
    """``weights`` [channels, taps] as [pairs of channels, pairs of taps, 2, 2]: of two taps those of the
    first channel, then those of the second. Missing taps are 0."""
    filled = np.pad(weights, ((0, 0), (0, weights.shape[1] % 2)))
    chosen = filled[channel_groups(len(weights), 2)].reshape(-1, 2, filled.shape[1] // 2, 2)
    return np.ascontiguousarray(chosen.transpose(0, 2, 1, 3))


def products_fit(weights: np.ndarray) -> bool:
    """Whether the products of two taps with any bytes have a sum of 16 bits; ``weights`` are [channels,
    taps]. It is so unless two weights of -128 come together."""
    magnitudes = np.abs(in_pairs(weights).astype(np.int64)).sum(axis=-1)
    return bool(np.all(128 * magnitudes < _HALF))


def sums_fit(weights: np.ndarray, bias: np.ndarray) -> bool:
    """Whether a requantization by 16-bit parts is exact for all sums of products."""
    reach = 256 * np.abs(weights.astype(np.int64)).sum(axis=1) + np.abs(bias.astype(np.int64))
    return bool(np.all(reach < _EXACT))
