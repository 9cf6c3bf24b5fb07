"""Depthwise convolution by the micro-kernels for Arm's DSP extension; numbers are ``DepthwiseConv2D``'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .depthwise import DepthwiseConv2D
from .dsp_inputs import Inputs, halves
from .dsp_words import CYCLES_PER_MAC, fits, scale_of
from .epilogue import Requantize
from .weights import centred_bias

_COLUMNS = 50
"""Columns of the input that are widened at a time; each takes 24 bytes."""
_APART, _SCALED = 1.3, 1.7
"""Modelled cycles where four channels are by themselves, those of bytes being 1, and where bytes are shifted
up besides; weights of few bits take 1.0 to 1.04 (``benchmarks.narrow``)."""
_ORDER = (0, 2, 1, 3)
"""In which the micro-kernel takes four channels."""


@dataclass(frozen=True, eq=False)
class DspDepthwise(DepthwiseConv2D):
    """Kernels of 3 × 3; input (of type ``source``), weights and output of 8, 4 or 2 bits each. Four channels
    are computed at a time, the last ones perhaps again. Where input or output is packed, or inputs are
    shifted up, each four take their own call of the micro-kernel, between what makes their columns and what
    packs their outputs."""

    template: ClassVar[str] = "dsp_depthwise"

    source: DType

    @classmethod
    def of(cls, kernel: DepthwiseConv2D, input_dtype: DType) -> DspDepthwise | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        s, bias, inputs = kernel.sliding, kernel.bias, Inputs(input_dtype, kernel.input_zero)
        suits = s.kernel == (3, 3) and s.dilation[1] == 1 and s.stride[1] <= 2
        flat = kernel.weights.reshape(-1, kernel.channels).T
        if not suits or not fits(flat, bias, inputs, kernel.epilogue):
            return None
        made = cls(s, kernel.weights, bias, kernel.input_zero, kernel.epilogue, input_dtype)
        return made if made._begins_bytes else None

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.source, self.input_zero)

    @property
    def apart(self) -> bool:
        """Whether each four channels are by themselves."""
        return self.source.is_packed or self.epilogue.dtype.is_packed or self.scale > 0

    @property
    def last(self) -> int:
        """The first of the last four channels: of a pixel of the input nothing is read that is not there."""
        room = self.source.nbytes(self.channels) * self.inputs.many
        return (self.channels - 1) // 4 * 4 if room % 4 == 0 else room - 4

    @property
    def _begins_bytes(self) -> bool:
        """Whether the last four channels begin a byte of input and output."""
        many = max(self.inputs.many, 8 // self.epilogue.dtype.bits)
        return self.last >= 0 and self.last % many == 0

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return scale_of(self.epilogue)

    @property
    def zeros(self) -> int:
        """Two zero points as inputs are multiplied."""
        return halves(self.inputs.zero << self.scale, self.inputs.zero << self.scale)

    @property
    def form(self) -> str:
        """The end of the micro-kernel's name."""
        return {8: "", 4: "_nibbles", 2: "_crumbs"}[self.weight_bits]

    @property
    def words(self) -> int:
        """32-bit words of four channels."""
        return {8: 20, 4: 16, 2: 12}[self.weight_bits]

    @property
    def most(self) -> int:
        """Outputs of a row that are computed at a time."""
        return min(self.sliding.output[1], (_COLUMNS - 3) // self.sliding.stride[1] + 1)

    def constants(self) -> Mapping[str, np.ndarray]:
        """For each four channels, in the micro-kernel's order: bias, multiplier, weights."""
        assert isinstance(self.epilogue, Requantize)
        flat = self.weights.reshape(-1, self.channels).T
        bias = centred_bias(flat, self.bias, self.inputs.zero) << self.scale
        multipliers = np.broadcast_to(self.epilogue.multipliers, bias.shape)
        words: list[int] = []
        for begin in range(0, self.channels, 4):
            four = min(begin, self.last) + np.arange(4)
            for place in _ORDER:
                c = int(four[place])
                if c < self.channels:
                    words += [int(bias[c]), int(multipliers[c]), *self._filter(c, place >= 2)]
                else:
                    words += [0] * (self.words // 4)
        return {"weights": (np.array(words, np.int64) & 0xFFFFFFFF).astype(np.uint32)}

    def _filter(self, channel: int, second: bool) -> list[int]:
        """Words of a channel's weights, each of which has pairs: for its lower and its upper half.

        A column has a pair for the word of its first two rows, and one for the word of the last row that two
        channels share: its lower half, or the upper one with the ``second`` channel, whose pairs come in the
        other order.
        """
        pairs: list[tuple[int, int]] = []
        for top, middle, bottom in self.weights[:, :, channel].T.astype(np.int64).tolist():
            pairs += [(0, bottom), (top, middle)] if second else [(top, middle), (bottom, 0)]
        return _words(pairs, self.weight_bits)

    def cost(self, window: Window) -> Cost:
        scaled_bytes = self.scale > 0 and not self.source.is_packed
        slower = _SCALED if scaled_bytes else _APART if self.apart else 1.0
        return super().cost(window).at(CYCLES_PER_MAC * slower)

    @property
    def work_bytes(self) -> int:
        """Working memory for the columns under as many outputs as are computed at a time."""
        return 24 * ((self.most - 1) * self.sliding.stride[1] + 3)

    def scratch(self) -> int:
        return self.work_bytes + (4 * self.most if self.apart else 0)


def _words(pairs: Sequence[tuple[int, int]], bits: int) -> list[int]:
    """Pairs of weights side by side: of 8 bits two in a word, of 4 bits four and of 2 bits six, which are
    raised so that none is negative."""
    each, raised, mask = {8: 2, 4: 4, 2: 6}[bits], 1 << (bits - 1) if bits < 8 else 0, (1 << bits) - 1
    words = [0] * -(-len(pairs) // each)
    for number, (low, high) in enumerate(pairs):
        both = low + raised & mask | (high + raised & mask) << 16
        words[number // each] |= both << bits * (number % each)
    return words
