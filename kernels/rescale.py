"""A quantized tensor in another quantization or width, between bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Requantize
from .fixed_point import magnitude, zero_point
from .node import UNBOUNDED, Activation, Tensor


@dataclass(frozen=True, eq=False)
class Rescale(Kernel):
    """y = requantize(x − zero)."""

    template: ClassVar[str] = "rescale"
    windowed: ClassVar[bool] = True

    elements: int
    zero: int
    narrowing: bool
    """Elements of the output are no larger than those of the input."""
    epilogue: Requantize

    @classmethod
    def of(cls, x: Tensor, out: Tensor, activation: Activation = UNBOUNDED) -> Rescale:
        """From quantized ``x`` to quantized ``out``, of 8 or 16 bits each."""
        assert x.quant is not None and out.quant is not None
        zero = zero_point(x)
        scales = np.array([x.quant.scale])
        epilogue = Requantize.of(scales, out.quant, out.dtype, magnitude(x.dtype, zero), activation)
        return cls(x.elements, zero, out.dtype.size in (1, x.dtype.size), epilogue)

    def cost(self, window: Window) -> Cost:
        return Cost(operations=self.elements)

    def in_place(self) -> tuple[int, ...]:
        return (0,) if self.narrowing else ()

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (self.epilogue.apply(inputs[0].astype(np.int64) - self.zero),)
