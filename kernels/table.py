"""Any function of one element of at most 8 bits: a table, computed in float64 at compile time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window

RealFunction = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Table(Kernel):
    """out = values[in], indexed by the element's bits as an unsigned number."""

    template: ClassVar[str] = "table"
    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    values: np.ndarray
    """Elements of the output's type, 256 for an operand of 8 bits."""

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        source: tuple[Quant, DType],
        target: tuple[Quant, DType],
        function: RealFunction,
    ) -> Table:
        """Of ``function``, from one quantization to another: see ``tabulated``."""
        return cls(shape, tabulated(source, target, function))

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"table": in_bytes(self.values)}

    def cost(self, window: Window) -> Cost:
        whole = prod(self.shape)
        return Cost(operations=window.pixels * self.shape[-1] if self._in_rows else whole)

    @property
    def _in_rows(self) -> bool:
        """Whether windows are of the rows and columns of one sample."""
        return len(self.shape) in (3, 4) and self.shape[0] == 1

    def in_place(self) -> tuple[int, ...]:
        return (0,)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (looked_up(self.values, inputs[0]),)


def tabulated(
    source: tuple[Quant, DType], target: tuple[Quant, DType], function: RealFunction
) -> np.ndarray:
    """quantize(function(dequantize(q))) for each q by its bits as an unsigned number; rounds half to even and
    saturates; NaN gives the least value, as in Quantize."""
    (quant, dtype), (out, out_dtype) = source, target
    count = 2**dtype.bits
    stored = np.arange(count) - (np.arange(count) > dtype.highest) * count
    with np.errstate(all="ignore"):
        real = function((stored - quant.zero_point) * quant.scale)
    rounded = np.nan_to_num(np.rint(real / out.scale), nan=-1e18, posinf=1e18, neginf=-1e18)
    clipped = np.clip(rounded + out.zero_point, out_dtype.lowest, out_dtype.highest)
    return clipped.astype(out_dtype.numpy)


def in_bytes(table: np.ndarray) -> np.ndarray:
    """A table as it lies in flash: no two elements share a byte."""
    return table.astype(np.int8) if DType.of(table.dtype).is_packed else table


def looked_up(table: np.ndarray, elements: np.ndarray) -> np.ndarray:
    """For each element what ``table`` has at its bits."""
    return table[elements.astype(np.int64) & (len(table) - 1)]
