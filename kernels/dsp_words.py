"""Weights in the order of the micro-kernels for Arm's DSP extension (``runtime_c/dsp_*.h``)."""

from __future__ import annotations

from enum import Enum

import numpy as np

from ..ir.dtype import DType
from .dsp_inputs import Inputs
from .epilogue import Epilogue, Requantize, requantizes
from .packed_words import SOURCES
from .weights import centred_bias

CYCLES_PER_MAC = 1.8
"""Modelled, as measured with kws01 on a Cortex-M4."""

_WIDENED = 4.0
"""Modelled cycles more for an input that is packed, once for all output channels, as measured with pointwise
layers of 16 to 64 channels (``benchmarks.narrow``)."""

_PACKED = 6.0
"""Modelled cycles more for an output that is packed, measured with the same."""

MOST_SCALE = 8
"""Bits by which inputs can be shifted up in 16 bits."""

_HALF = 2**15


class Form(Enum):
    """How the weights of two channels lie side by side; the value ends the names of its micro-kernels.

    ``ONE``: they are one 16-bit number, 256 · w[2i + 1] + w[2i]. ``APART``: two bytes. ``NIBBLES``: of 4
    bits, in one byte, 16 · w[2i + 1] + w[2i] + 8. ``CRUMBS``: of 2 bits, in half a byte,
    4 · (w[2i + 1] + 2) + w[2i] + 2.
    """

    ONE = ""
    APART = "_apart"
    NIBBLES = "_nibbles"
    CRUMBS = "_crumbs"

    @property
    def bits(self) -> int:
        """Of a weight."""
        return {Form.NIBBLES: 4, Form.CRUMBS: 2}.get(self, 8)

    @property
    def raised(self) -> int:
        """What is added to weights, of first channels or of both."""
        return {Form.NIBBLES: 8, Form.CRUMBS: 2}.get(self, 0)

    @property
    def sum_bits(self) -> int:
        """Bits that micro-kernels know of a second channel's sum in the end."""
        return {Form.ONE: 24, Form.APART: 32, Form.NIBBLES: 28, Form.CRUMBS: 30}[self]

    @property
    def slower(self) -> float:
        """Modelled cycles for a multiply-accumulate, those of ``ONE`` being 1, as ``benchmarks.narrow``
        measures layers of 64 channels."""
        return {Form.NIBBLES: 1.1, Form.CRUMBS: 1.06}.get(self, 1.0)

    @property
    def turn(self) -> int:
        """Words of inputs in a turn of the loops for two and for three pixels."""
        return 4 if self is Form.CRUMBS else 2

    @property
    def one_bytes(self) -> int:
        """Length of a turn in the loop of the micro-kernel for one pixel; 0: there is none."""
        return {Form.ONE: 56, Form.APART: 0, Form.NIBBLES: 72, Form.CRUMBS: 72}[self]

    @property
    def two_bytes(self) -> int:
        """The same for two pixels."""
        return {Form.ONE: 48, Form.APART: 56, Form.NIBBLES: 56, Form.CRUMBS: 108}[self]

    @property
    def three_bytes(self) -> int:
        """The same for three."""
        return {Form.ONE: 68, Form.APART: 0, Form.NIBBLES: 76, Form.CRUMBS: 148}[self]

    @property
    def four_bytes(self) -> int:
        """The same for one pixel and four channels."""
        return {Form.ONE: 136, Form.APART: 168, Form.NIBBLES: 0, Form.CRUMBS: 0}[self]


def fits(weights: np.ndarray, bias: np.ndarray, inputs: Inputs, epilogue: Epilogue) -> bool:
    """Whether types, requantization and sums of ``weights`` [channels, ...] are what micro-kernels take."""
    if not requantizes(weights, epilogue, inputs.dtype, SOURCES, MOST_SCALE):
        return False
    bits = DType.of(weights.dtype).bits
    form = {4: Form.NIBBLES, 2: Form.CRUMBS}.get(bits, Form.APART)
    return _sums_have(form.sum_bits, weights.reshape(len(weights), -1), bias, inputs, scale_of(epilogue))


def form_of(weights: np.ndarray, bias: np.ndarray, inputs: Inputs, scale: int = 0) -> Form:
    """That of ``weights`` [channels, taps] for sums that are multiplied by 2^``scale``."""
    bits = DType.of(weights.dtype).bits
    if bits < 8:
        return Form.NIBBLES if bits == 4 else Form.CRUMBS
    return Form.ONE if in_one(weights, bias, inputs, scale) else Form.APART


def filled_up(count: int, form: Form, inputs: Inputs) -> int:
    """Bytes of a pixel's taps, filled up to whole words of bytes and of weights."""
    multiple = max(4, 2 * form.turn // inputs.many)
    return -(-count // multiple) * multiple


STAGED = 4
"""Pixels whose outputs are bytes before they are packed."""


def staged(epilogue: Epilogue, channels: int, pixels: int = STAGED) -> int:
    """Working memory for outputs of pixels that are bytes before they are packed."""
    return pixels * channels if epilogue.dtype.is_packed else 0


def cycles_per_mac(
    base: float, form: Form, source: DType, epilogue: Epilogue, taps: int, channels: int
) -> float:
    """Modelled, with the work on a pixel's inputs, for ``channels`` outputs, and on an output, of ``taps``
    inputs; ``base`` is what bytes take."""
    widened = _WIDENED / channels if source.is_packed else 0.0
    return base * form.slower + widened + (_PACKED / taps if epilogue.dtype.is_packed else 0.0)


def words_of_pair(taps: int, form: Form) -> int:
    """32-bit words of two channels: biases, weights, multipliers."""
    return taps * form.bits // 16 + 4


def scale_of(epilogue: Epilogue) -> int:
    """Bits by which accumulators are shifted up."""
    assert isinstance(epilogue, Requantize)
    return epilogue.scale


def in_one(weights: np.ndarray, bias: np.ndarray, inputs: Inputs, scale: int = 0) -> bool:
    """Whether the int8 ``weights`` [channels, taps] of channels 2i and 2i + 1 can be one 16-bit number.

    It is 256 · w[2i + 1] + w[2i], by which the micro-kernels multiply as it is: it has to fit, and of the
    sums of odd channels, times 2^``scale``, they know 24 bits in the end.
    """
    even, odd = weights[: len(weights) // 2 * 2 : 2], weights[1::2]
    pairs = 256 * odd.astype(np.int64) + even
    known = _sums_have(Form.ONE.sum_bits, odd, bias[1::2], inputs, scale)
    return known and bool(np.all((pairs >= -_HALF) & (pairs < _HALF)))


def _sums_have(bits: int, weights: np.ndarray, bias: np.ndarray, inputs: Inputs, scale: int) -> bool:
    """Whether all sums, times 2^``scale``, fit ``bits``."""
    sums = np.abs(weights.astype(np.int64)).sum(axis=1) * inputs.span + np.abs(bias.astype(np.int64))
    return bool(np.all(sums << scale < 2 ** (bits - 1)))


def packed(
    weights: np.ndarray, bias: np.ndarray, inputs: Inputs, epilogue: Requantize, form: Form
) -> np.ndarray:
    """uint32 words, for each two channels: two biases, the weights, two multipliers.

    ``weights`` are [channels, taps], of a multiple of four taps (crumbs: of eight) in the order of
    micro-kernels. The input's zero point is taken off in the biases, which are shifted up as inputs are. But
    for weights apart, the second bias is that of the sum for both channels, 256 · b[2i + 1] + b[2i], or with
    16 for nibbles, with 4 for crumbs.
    """
    channels, taps = weights.shape
    even = channels + channels % 2
    wide = np.zeros((even, taps), np.int64)
    wide[:channels] = weights
    sums = np.zeros(even, np.int64)
    sums[:channels] = centred_bias(weights, bias, inputs.zero)
    sums <<= epilogue.scale
    multipliers = np.zeros(even, np.int64)
    multipliers[:channels] = epilogue.multipliers
    first, second = wide[0::2], wide[1::2]
    match form:
        case Form.CRUMBS:
            numbers = (4 * (second + form.raised) + first + form.raised).reshape(even // 2, -1, 2, 2, 2)
            shifts = 8 * np.arange(2)[:, None, None] + 16 * np.arange(2)[:, None] + 4 * np.arange(2)
            words, shift = (numbers << shifts).sum(axis=(2, 3, 4)), 2
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
