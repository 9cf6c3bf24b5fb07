"""Recurrent layers on float32 whose products are made by register tiles; numbers are those of
``FloatRecurrent``, but for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .float_recurrent import FloatRecurrent
from .fma_tiles import CYCLES_PER_MAC, packed
from .recurrent import Operand

_OF_PRODUCTS = (Operand.W, Operand.R, Operand.B)


@dataclass(frozen=True, eq=False)
class FmaRecurrent(FloatRecurrent):
    """Inputs and states are one vector, [W R] one matrix."""

    template: ClassVar[str] = "fma_recurrent"

    fused: bool
    """By VFMA, not by a multiplication and an addition apart."""

    @classmethod
    def of(cls, kernel: FloatRecurrent, input_dtype: DType, fused: bool) -> FmaRecurrent | None:
        """None where weights or biases are computed at run time."""
        if any(operand in kernel.operands for operand in _OF_PRODUCTS):
            return None
        return cls(kernel.layer, kernel.operands, kernel.fixed, fused)

    @cached_property
    def matrices(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """Weights [rows, inputs and units] and biases [rows], by the names of their constants: ``early`` of
        all gates, or of a GRU's first two, ``late`` of its candidate; where that is reset behind the product,
        ``driven`` [units, inputs] and ``fed`` [units, units]."""
        layer, rows = self.layer, self.layer.gates * self.layer.units
        w, r = (self.fixed[index].reshape(rows, -1) for index in (Operand.W, Operand.R))
        biases = self.fixed.get(Operand.B, np.zeros(2 * rows, np.float32)).reshape(2, rows)
        both, sums, split = np.concatenate([w, r], axis=1), biases.sum(axis=0), 2 * layer.units
        if layer.operator != "GRU":
            return {"early": (both, sums)}
        early = both[:split], sums[:split]
        if layer.reset_after:
            parts = (w[split:], biases[0, split:]), (r[split:], biases[1, split:])
            return {"early": early, "driven": parts[0], "fed": parts[1]}
        return {"early": early, "late": (both[split:], sums[split:])}

    def constants(self) -> Mapping[str, np.ndarray]:
        others = {index: array for index, array in self.fixed.items() if index not in _OF_PRODUCTS}
        kept = FloatRecurrent(self.layer, self.operands, others).constants()
        matrices = {
            f"{name}_{key}": array
            for name, (weights, bias) in self.matrices.items()
            for key, array in packed(weights, bias).items()
        }
        return {**kept, **matrices}

    @property
    def cell_scratch(self) -> int:
        """Bytes of states and gates."""
        return super().scratch()

    def scratch(self) -> int:
        """Those, the vector, and what is reset behind the product."""
        layer = self.layer
        return self.cell_scratch + 4 * (layer.inputs + layer.units * (1 + layer.reset_after))

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(CYCLES_PER_MAC)
