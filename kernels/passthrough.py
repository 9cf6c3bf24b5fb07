"""How an element that a kernel selects becomes an element of its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from ..ir.dtype import DType
from .epilogue import quantized_bounds
from .node import Activation, Node
from .table import Table, in_bytes, looked_up


@dataclass(frozen=True, eq=False)
class Passthrough:
    """Between ``low`` and ``high``; or, where operand and output differ in quantization, through ``table``,
    indexed by the bits of the operand's elements."""

    dtype: DType
    low: float
    high: float
    table: np.ndarray | None = None

    @classmethod
    def of(cls, node: Node) -> Passthrough | None:
        """From input 0 to output 0 of ``node``, with its fused activation; None where it takes arithmetic."""
        x, out = node.input(0), node.outputs[0]
        if x.quant == out.quant and x.dtype is out.dtype:
            if out.quant is not None:
                return cls(out.dtype, *quantized_bounds(out.quant, out.dtype, node.activation))
            return cls(out.dtype, *_plain_bounds(out.dtype, node.activation))
        if x.quant is None or out.quant is None or x.dtype.size != 1 or out.dtype.size != 1:
            return None
        bounds = node.activation

        def bounded(real: np.ndarray) -> np.ndarray:
            return np.clip(real, bounds.low, bounds.high)

        recode = Table.of((), (x.quant, x.dtype), (out.quant, out.dtype), bounded)
        return cls(out.dtype, out.dtype.lowest, out.dtype.highest, recode.values)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {} if self.table is None else {"table": in_bytes(self.table)}

    def apply(self, values: np.ndarray) -> np.ndarray:
        """``values`` of the operand's type as elements of the output."""
        if self.table is not None:
            return looked_up(self.table, values)
        return np.clip(values, self.low, self.high).astype(self.dtype.numpy)


def _plain_bounds(dtype: DType, activation: Activation) -> tuple[float, float]:
    if dtype.is_float:
        return activation.low, activation.high
    lowest, highest = int(dtype.lowest), int(dtype.highest)
    low = lowest if activation.low <= lowest else ceil(activation.low)
    high = highest if activation.high >= highest else floor(activation.high)
    return min(low, highest), max(high, lowest)
