"""Products of matrices by a micro-kernel for Arm's DSP extension; numbers are those of ``MatMul``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .dsp_inputs import halves
from .epilogue import Requantize
from .matmul import MatMul

_MOST_COLUMNS = 16
_MOST_SCALE = 6
"""Bits by which elements without their zero points, which have 9 bits, can be shifted up in 16."""
_CYCLES_PER_MAC = 2.8
"""Modelled, as measured with 64 x 32 x 64 on a Cortex-M4."""


@dataclass(frozen=True, eq=False)
class DspMatMul(MatMul):
    """Some columns are widened to 16 bits, and multiplied with two rows after the other."""

    template: ClassVar[str] = "dsp_matmul"

    @classmethod
    def of(cls, kernel: MatMul, input_dtype: DType) -> DspMatMul | None:
        """None where the micro-kernel cannot compute ``kernel``."""
        e, constants = kernel.epilogue, (kernel.left.values, kernel.right.values)
        if not isinstance(e, Requantize) or e.dtype is not DType.INT8 or input_dtype is not DType.INT8:
            return None
        if e.shift != 1 or e.limit is not None or e.wide or e.pre_shift > _MOST_SCALE:
            return None
        if any(values is not None and values.dtype != np.int8 for values in constants):
            return None
        return cls(kernel.shape, kernel.left, kernel.right, kernel.bias, e)

    @property
    def requantize(self) -> Requantize:
        assert isinstance(self.epilogue, Requantize)
        return self.epilogue

    @property
    def most(self) -> int:
        """Columns that are widened at a time, an even number."""
        return min(_MOST_COLUMNS, -(-self.columns // 2) * 2)

    @property
    def added(self) -> tuple[int, int]:
        """What to add to two elements of each side to take its zero point off."""
        return halves(-self.left.zero, -self.left.zero), halves(-self.right.zero, -self.right.zero)

    def constants(self) -> Mapping[str, np.ndarray]:
        """Biases are shifted up where the requantization shifts accumulators."""
        found = dict(super().constants()) | {"multipliers": self.requantize.multipliers}
        if self.bias is not None:
            biases = np.broadcast_to(self.bias, (self.columns,)).astype(np.int64)
            found["bias"] = (biases << self.requantize.pre_shift).astype(np.int32)
        return found

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(_CYCLES_PER_MAC)

    def scratch(self) -> int:
        return (self.most + 2) * 2 * (-(-self.depth // 4) * 4)
