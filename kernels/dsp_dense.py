"""Dense layers by the micro-kernels for Arm's DSP extension; numbers are those of ``Dense``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dense import Dense
from .dsp_inputs import Inputs
from .dsp_words import CYCLES_PER_MAC, Form, cycles_per_mac, fits, form_of, in_fours, packed, scale_of, staged
from .epilogue import Requantize

_MOST_WIDENED = 256
"""Inputs. To widen a vector first saves a sixth of the instructions, and takes two bytes for each input."""


@dataclass(frozen=True, eq=False)
class DspDense(Dense):
    """Input (of type ``source``), weights and output of 8, 4 or 2 bits each. Short vectors are widened first,
    as packed ones are, and filled up to a multiple of eight with weights of 0."""

    template: ClassVar[str] = "dsp_dense"

    source: DType

    @classmethod
    def of(cls, kernel: Dense, input_dtype: DType) -> DspDense | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        if not fits(kernel.weights, kernel.bias, Inputs(input_dtype, kernel.input_zero), kernel.epilogue):
            return None
        made = cls(kernel.shape, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue, input_dtype)
        as_it_is = made.depth == made.taps and made.scale == 0 and not input_dtype.is_packed
        return made if as_it_is or made.form is not Form.APART else None

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.source, self.input_zero)

    @property
    def depth(self) -> int:
        return self.weights.shape[1]

    @property
    def filled(self) -> int:
        """Bytes of a vector, filled up."""
        multiple = max(4, 8 // self.inputs.many)
        return -(-self.source.nbytes(self.depth) // multiple) * multiple

    @property
    def taps(self) -> int:
        """Inputs of a vector, filled up."""
        return self.filled * self.inputs.many

    @property
    def is_widened(self) -> bool:
        """Whether the micro-kernel takes inputs of 16 bits."""
        odd = self.depth != self.taps or self.scale > 0 or self.source.is_packed or not self.form.four_bytes
        return self.form is not Form.APART and (self.depth <= _MOST_WIDENED or odd)

    @cached_property
    def form(self) -> Form:
        """How weights lie."""
        return form_of(self.weights, self.bias, self.inputs, self.scale)

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return scale_of(self.epilogue)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        filled = np.pad(self.weights, ((0, 0), (0, self.taps - self.depth)))
        words = packed(self.inputs.ordered(filled), self.bias, self.inputs, self.epilogue, self.form)
        return {"weights": words if self.is_widened else in_fours(words)}

    def cost(self, window: Window) -> Cost:
        channels, taps = self.weights.shape
        per_mac = cycles_per_mac(CYCLES_PER_MAC, self.form, self.source, self.epilogue, taps, channels)
        return super().cost(window).at(per_mac)

    @property
    def work_bytes(self) -> int:
        """Working memory for a vector."""
        return 2 * self.taps if self.is_widened else 0

    def scratch(self) -> int:
        return self.work_bytes + staged(self.epilogue, len(self.weights), 1)
