"""Weights in the order of the micro-kernels for Arm's DSP extension (``runtime_c/dsp_*.h``)."""

from __future__ import annotations

from enum import Enum

import ml_dtypes
import numpy as np

from ..ir.dtype import DType
from .epilogue import Epilogue, Requantize
from .weights import centred_bias

CYCLES_PER_MAC = 1.8
"""Modelled, as measured with kws01 on a Cortex-M4."""

MOST_SCALE = 8
"""Bits by which inputs can be shifted up in 16 bits."""

_WEIGHTS = (np.dtype(np.int8), np.dtype(ml_dtypes.int4))
_HALF = 2**15
_SUM = 2**23


class Form(Enum):
    """How the weights of two channels lie side by side; the value ends the names of its micro-kernels.

    ``ONE``: they are one 16-bit number, 256 · w[2i + 1] + w[2i]. ``APART``: two bytes. ``NIBBLES``: of 4
    bits, in one byte, 16 · w[2i + 1] + w[2i] + 8.
    """

    ONE = ""
    APART = "_apart"
    NIBBLES = "_nibbles"

    @property
    def raised(self) -> int:
        """What is added to weights of first channels."""
        return 8 if self is Form.NIBBLES else 0

    @property
    def one_bytes(self) -> int:
        """Length of a turn in the loop of the micro-kernel for one pixel; 0: there is none."""
        return {Form.ONE: 56, Form.APART: 0, Form.NIBBLES: 72}[self]

    @property
    def two_bytes(self) -> int:
        """The same for two pixels."""
        return {Form.ONE: 48, Form.APART: 56, Form.NIBBLES: 56}[self]

    @property
    def three_bytes(self) -> int:
        """The same for three."""
        return {Form.ONE: 68, Form.APART: 0, Form.NIBBLES: 76}[self]

    @property
    def four_bytes(self) -> int:
        """The same for one pixel and four channels."""
        return {Form.ONE: 136, Form.APART: 168, Form.NIBBLES: 0}[self]


def form_of(weights: np.ndarray, bias: np.ndarray, input_zero: int, scale: int = 0) -> Form:
    """That of ``weights`` [channels, taps] for sums that are multiplied by 2^``scale``.

    Sums of weights of 4 bits always have the 28 bits that are known of them: they are 2^11 at most for each
    input, of which no layer has 2^16.
    """
    if weights.dtype != np.int8:
        return Form.NIBBLES
    return Form.ONE if in_one(weights, bias, input_zero, scale) else Form.APART


def words_of_pair(taps: int, form: Form) -> int:
    """32-bit words of two channels: biases, weights, multipliers."""
    return taps // (4 if form is Form.NIBBLES else 2) + 4


def requantizes(weights: np.ndarray, epilogue: Epilogue, input_dtype: DType) -> bool:
    """Whether the types are those of the micro-kernels: bytes, and a requantization that shifts by 1.

    Where that shifts accumulators up first, inputs are shifted instead, which have 16 bits then.
    """
    if not isinstance(epilogue, Requantize) or weights.dtype not in _WEIGHTS or input_dtype is not DType.INT8:
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
    weights: np.ndarray, bias: np.ndarray, input_zero: int, epilogue: Requantize, form: Form
) -> np.ndarray:
    """uint32 words, for each two channels: two biases, the weights, two multipliers.

    ``weights`` are [channels, taps], of a multiple of four taps. The input's zero point is taken off in the
    biases, which are shifted up as inputs are. But for weights apart, the second bias is that of the sum for
    both channels, 256 · b[2i + 1] + b[2i], or with 16 for nibbles.
    """
    channels, taps = weights.shape
    even = channels + channels % 2
    wide = np.zeros((even, taps), np.int64)
    wide[:channels] = weights
    sums = np.zeros(even, np.int64)
    sums[:channels] = centred_bias(weights, bias, input_zero)
    sums <<= epilogue.pre_shift
    multipliers = np.zeros(even, np.int64)
    multipliers[:channels] = epilogue.multipliers
    first, second = wide[0::2], wide[1::2]
    match form:
        case Form.NIBBLES:
            numbers = (16 * second + first + form.raised & 0xFF).reshape(even // 2, -1, 4)
            words, shift = (numbers << 8 * np.arange(4)).sum(axis=2), 4
        case Form.ONE | Form.APART:
            both = 256 * second + (first & 0xFF if form is Form.APART else first)
            numbers = both.reshape(-1, taps // 4, 4) & 0xFFFF
            words = (numbers[..., :2] | numbers[..., 2:] << 16).reshape(even // 2, taps // 2)
            shift = 8
    last = sums[1::2] if form is Form.APART else (sums[1::2] << shift) + sums[0::2]
    biases = np.stack([sums[0::2], last], axis=1) & 0xFFFFFFFF
    return np.concatenate([biases, words, multipliers.reshape(-1, 2)], axis=1).astype(np.uint32)


def in_fours(words: np.ndarray) -> np.ndarray:
    """What ``packed`` made, in the order for four channels at a time: biases, in turns the weights of both
    pairs for eight taps, multipliers. Taps are a multiple of eight."""
    pairs = np.pad(words, ((0, len(words) % 2), (0, 0)))
    fours = pairs.reshape(len(pairs) // 2, 2, -1)
    weights = fours[:, :, 2:-2].reshape(len(fours), 2, -1, 4).transpose(0, 2, 1, 3)
    ends = (fours[:, :, :2], weights, fours[:, :, -2:])
    return np.concatenate([part.reshape(len(fours), -1) for part in ends], axis=1)
