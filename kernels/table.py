"""Any function of one 8-bit element: a table of 256 entries, computed in float64 at compile time."""

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
    """out = values[in], indexed by the element's bits as an unsigned byte."""

    template: ClassVar[str] = "table"
    windowed: ClassVar[bool] = True

    shape: tuple[int, ...]
    values: np.ndarray
    """256 elements of the output's type."""

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        source: tuple[Quant, DType],
        target: tuple[Quant, DType],
        function: RealFunction,
    ) -> Table:
        """Tabulates quantize(function(dequantize(q))); rounds half to even and saturates; NaN gives
        the least value, as in Quantize."""
        (quant, dtype), (out, out_dtype) = source, target
        stored = np.arange(256, dtype=np.uint8).view(dtype.numpy).astype(np.float64)
        with np.errstate(all="ignore"):
            real = function((stored - quant.zero_point) * quant.scale)
        info = np.iinfo(out_dtype.numpy)
        rounded = np.nan_to_num(np.rint(real / out.scale), nan=-1e18, posinf=1e18, neginf=-1e18)
        return cls(shape, np.clip(rounded + out.zero_point, info.min, info.max).astype(out_dtype.numpy))

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"table": self.values}

    def cost(self, window: Window) -> Cost:
        return Cost(operations=prod(self.shape))

    def in_place(self) -> tuple[int, ...]:
        return (0,)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        return (self.values[np.ascontiguousarray(inputs[0]).view(np.uint8)],)
