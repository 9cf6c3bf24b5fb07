"""Weights in the order of the micro-kernels for cores without DSP instructions (``runtime_c/tile_*.h``)."""

from __future__ import annotations

import numpy as np

from .epilogue import Requantize

_HALF = 2**15
_EXACT = 2**29
"""Magnitude of sums. By 16-bit parts, the middle products then have a sum of 32 bits."""


def groups(channels: int, lanes: int) -> np.ndarray:
    """[groups, lanes] numbers of channels. The last group may have some of the one before again, so that it
    is full; where there are fewer than ``lanes`` in all, the last channel is there several times."""
    begins = np.minimum(np.arange(0, channels, lanes), max(channels - lanes, 0))
    return np.minimum(begins[:, None] + np.arange(lanes), channels - 1)


def in_groups(weights: np.ndarray, lanes: int) -> np.ndarray:
    """``weights`` [channels, taps] as [groups, taps, lanes]."""
    chosen = weights[groups(len(weights), lanes)]
    return np.ascontiguousarray(chosen.transpose(0, 2, 1))


def biases(weights: np.ndarray, bias: np.ndarray, input_zero: int) -> np.ndarray:
    """int64 [channels]: what a sum begins with that takes the input's bytes as they are."""
    return bias.astype(np.int64) - input_zero * weights.astype(np.int64).sum(axis=1)


def parameters(
    weights: np.ndarray, bias: np.ndarray, input_zero: int, epilogue: Requantize, lanes: int
) -> np.ndarray:
    """int32 [groups, 2, lanes]: biases and multipliers; ``weights`` are [channels, taps]."""
    sums = biases(weights, bias, input_zero)
    both = np.stack([sums, np.broadcast_to(epilogue.multipliers, sums.shape)])
    made = both[:, groups(len(sums), lanes)].transpose(1, 0, 2)
    return (made & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def even(taps: int) -> int:
    """As many taps, filled up to a multiple of two."""
    return taps + taps % 2


def in_pairs(weights: np.ndarray) -> np.ndarray:
    """``weights`` [channels, taps] as [pairs of channels, pairs of taps, 2, 2]: of two taps those of the
    first channel, then those of the second. Missing taps are 0."""
    filled = np.pad(weights, ((0, 0), (0, weights.shape[1] % 2)))
    chosen = filled[groups(len(weights), 2)].reshape(-1, 2, filled.shape[1] // 2, 2)
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
