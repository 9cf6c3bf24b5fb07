"""Weights in the order of the micro-kernels for Arm's DSP extension (``runtime_c/dsp_*.h``)."""

from __future__ import annotations

import numpy as np

from ..ir.dtype import DType
from .epilogue import Epilogue, Requantize

CYCLES_PER_MAC = 1.8
"""Modelled, as measured with kws01 on a Cortex-M4."""

MOST_SCALE = 8
"""Bits by which inputs can be shifted up in 16 bits."""

_HALF = 2**15
_SUM = 2**23


def requantizes(weights: np.ndarray, epilogue: Epilogue, input_dtype: DType) -> bool:
    """Whether the types are those of the micro-kernels: bytes, and a requantization that shifts by 1.

    Where that shifts accumulators up first, inputs are shifted instead, which have 16 bits then.
    """
    if not isinstance(epilogue, Requantize) or weights.dtype != np.int8 or input_dtype is not DType.INT8:
        return False
    if epilogue.limit is not None or epilogue.pre_shift > MOST_SCALE:
        return False
    return epilogue.dtype is DType.INT8 and epilogue.shift == 1


def halves(low: int, high: int) -> int:
    """Two numbers of 16 bits in one word."""
    return (high & 0xFFFF) << 16 | low & 0xFFFF


def scale_of(epilogue: Epilogue) -> int:
    """Bits by which accumulators are shifted up."""
    assert isinstance(epilogue, Requantize)
    return epilogue.pre_shift


def in_one(weights: np.ndarray, bias: np.ndarray, input_zero: int, scale: int = 0) -> bool:
    """Whether the int8 ``weights`` [channels, taps] of channels 2i and 2i + 1 can be one 16-bit number.

    It is 256 · w[2i + 1] + w[2i], by which the micro-kernels multiply as it is: it has to fit, and of the
    sums of odd channels, times 2^``scale``, they know 24 bits in the end.
    """
    even, odd = weights[: len(weights) // 2 * 2 : 2], weights[1::2]
    pairs = 256 * odd.astype(np.int64) + even
    span = max(127 - input_zero, input_zero + 128)
    sums = np.abs(odd.astype(np.int64)).sum(axis=1) * span + np.abs(bias[1::2].astype(np.int64))
    return bool(np.all((pairs >= -_HALF) & (pairs < _HALF)) and np.all(sums << scale < _SUM))


def packed(
    weights: np.ndarray, bias: np.ndarray, input_zero: int, epilogue: Requantize, apart: bool
) -> np.ndarray:
    """uint32 words, for each two channels: two biases, the weights, two multipliers.

    ``weights`` are [channels, taps], of a multiple of four taps; two of two channels are one number, or two
    bytes ``apart``. The input's zero point is taken off in the biases, which are shifted up as inputs are.
    Where weights are one number the second bias is that of the sum for both channels, 256 · b[2i + 1] +
    b[2i].
    """
    channels, taps = weights.shape
    even = channels + channels % 2
    wide = np.zeros((even, taps), np.int64)
    wide[:channels] = weights
    sums = np.zeros(even, np.int64)
    sums[:channels] = bias.astype(np.int64) - input_zero * weights.astype(np.int64).sum(axis=1)
    sums <<= epilogue.pre_shift
    multipliers = np.zeros(even, np.int64)
    multipliers[:channels] = epilogue.multipliers
    both = 256 * wide[1::2] + (wide[0::2] & 0xFF if apart else wide[0::2])
    halves = both.reshape(-1, taps // 4, 4) & 0xFFFF
    words = (halves[..., :2] | halves[..., 2:] << 16).reshape(even // 2, taps // 2)
    second = sums[1::2] if apart else 256 * sums[1::2] + sums[0::2]
    biases = np.stack([sums[0::2], second], axis=1) & 0xFFFFFFFF
    return np.concatenate([biases, words, multipliers.reshape(-1, 2)], axis=1).astype(np.uint32)


def in_fours(words: np.ndarray) -> np.ndarray:
    """What ``packed`` made, in the order for four channels at a time: biases, in turns the weights of both
    pairs for eight taps, multipliers. Taps are a multiple of eight."""
    pairs = np.pad(words, ((0, len(words) % 2), (0, 0)))
    fours = pairs.reshape(len(pairs) // 2, 2, -1)
    weights = fours[:, :, 2:-2].reshape(len(fours), 2, -1, 4).transpose(0, 2, 1, 3)
    ends = (fours[:, :, :2], weights, fours[:, :, -2:])
    return np.concatenate([part.reshape(len(fours), -1) for part in ends], axis=1)
