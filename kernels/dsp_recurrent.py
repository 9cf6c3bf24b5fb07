"""Recurrent layers whose products are made by the micro-kernel for Arm's DSP extension; numbers are those of
``IntegerRecurrent``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dense import Dense
from .dsp_inputs import Inputs
from .dsp_words import CYCLES_PER_MAC, MOST_SCALE, Form, in_one, packed
from .epilogue import Requantize
from .integer_recurrent import IntegerRecurrent

_MULTIPLE = 8
"""Inputs are filled up to so many."""


@dataclass(frozen=True, eq=False)
class WideProduct:
    """A product with one vector of bytes, with outputs of 16 bits (``runtime_c/dsp_one_wide.h``)."""

    product: Dense

    @property
    def inputs(self) -> Inputs:
        return Inputs(DType.INT8, self.product.input_zero)

    @property
    def source(self) -> DType:
        return DType.INT8

    @property
    def depth(self) -> int:
        return self.product.weights.shape[1]

    @property
    def filled(self) -> int:
        """Inputs, filled up."""
        return -(-self.depth // _MULTIPLE) * _MULTIPLE

    @property
    def epilogue(self) -> Requantize:
        assert isinstance(self.product.epilogue, Requantize)
        return self.product.epilogue

    @property
    def scale(self) -> int:
        """Bits by which inputs are shifted up."""
        return self.epilogue.scale

    def fits(self) -> bool:
        """Whether the micro-kernel can compute it."""
        epilogue, weights = self.epilogue, self.product.weights
        plain = epilogue.limit is None and epilogue.fraction == 0 and 0 <= epilogue.scale <= MOST_SCALE
        return plain and in_one(weights, self.product.bias, self.inputs, self.scale) and self._sums_fit()

    def _sums_fit(self) -> bool:
        weights = self.product.weights.astype(np.int64)
        sums = np.abs(weights).sum(axis=1) * self.inputs.span + np.abs(self.product.bias.astype(np.int64))
        return bool((sums << self.scale < 2**31).all())

    def words(self) -> np.ndarray:
        """Biases, weights and multipliers."""
        filled = np.pad(self.product.weights, ((0, 0), (0, self.filled - self.depth)))
        return packed(self.inputs.ordered(filled), self.product.bias, self.inputs, self.epilogue, Form.ONE)


@dataclass(frozen=True, eq=False)
class DspRecurrent(IntegerRecurrent):
    """Vectors are widened first, which takes two bytes for each input."""

    template: ClassVar[str] = "dsp_recurrent"

    @classmethod
    def of(cls, kernel: IntegerRecurrent, input_dtype: DType) -> DspRecurrent | None:
        """None where the micro-kernel cannot compute one of the products."""
        made = cls(*(getattr(kernel, field.name) for field in fields(IntegerRecurrent)))
        return made if all(product.fits() for product in made.wide.values()) else None

    @cached_property
    def wide(self) -> dict[str, WideProduct]:
        """By the names of their constants."""
        return {name: WideProduct(product) for name, product in self.products.items()}

    def product_constants(self) -> dict[str, np.ndarray]:
        return {f"{name}_weights": product.words() for name, product in self.wide.items()}

    def work_bytes(self) -> int:
        return 2 * max(product.filled for product in self.wide.values())

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
