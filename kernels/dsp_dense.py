"""Dense layers by the micro-kernels for Arm's DSP extension; numbers are those of ``Dense``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dense import Dense
from .dsp_words import CYCLES_PER_MAC, Form, form_of, in_fours, packed, requantizes, scale_of
from .epilogue import Requantize

_MOST_WIDENED = 256
"""Inputs. To widen a vector first saves a sixth of the instructions, and takes two bytes for each input."""


@dataclass(frozen=True, eq=False)
class DspDense(Dense):
    """Short vectors are widened first, and filled up to a multiple of eight with weights of 0."""

    template: ClassVar[str] = "dsp_dense"

    @classmethod
    def of(cls, kernel: Dense, input_dtype: DType) -> DspDense | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        if not requantizes(kernel.weights, kernel.epilogue, input_dtype):
            return None
        made = cls(kernel.shape, kernel.weights, kernel.bias, kernel.input_zero, kernel.epilogue)
        fits = made.form is not Form.APART or (made.depth == made.filled and made.scale == 0)
        return made if fits else None

    @property
    def depth(self) -> int:
        return self.weights.shape[1]

    @property
    def filled(self) -> int:
        """Inputs of a vector, filled up."""
        return -(-self.depth // 8) * 8

    @property
    def is_widened(self) -> bool:
        """Whether the micro-kernel takes inputs of 16 bits."""
        odd = self.depth != self.filled or self.scale > 0 or not self.form.four_bytes
        return self.form is not Form.APART and (self.depth <= _MOST_WIDENED or odd)

    @property
    def form(self) -> Form:
        """How weights lie."""
        return form_of(self.weights, self.bias, self.input_zero, self.scale)

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return scale_of(self.epilogue)

    def constants(self) -> Mapping[str, np.ndarray]:
        assert isinstance(self.epilogue, Requantize)
        filled = np.pad(self.weights, ((0, 0), (0, self.filled - self.depth)))
        words = packed(filled, self.bias, self.input_zero, self.epilogue, self.form)
        return {"weights": words if self.is_widened else in_fours(words)}

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)

    def scratch(self) -> int:
        return 2 * self.filled if self.is_widened else 0
