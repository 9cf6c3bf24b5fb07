"""Sums of two packed tensors by a table of all pairs of four bits; numbers are those of ``ScaledSum``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.bits import pack, unpack
from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .scaled_sum import ScaledSum

_CYCLES_PER_OPERATION = {4: 2.2, 2: 1.1}
"""Modelled: two fifths of what 16 × 16 × 32 elements take on a Cortex-M4 (5.5 and 2.8), as in
``dsp_elementwise``."""


@dataclass(frozen=True, eq=False)
class PackedPairs(ScaledSum):
    """Operands and output of one shape, all of 4 bits or all of 2, in whole bytes."""

    template: ClassVar[str] = "packed_pairs"

    @classmethod
    def of(cls, kernel: ScaledSum, sources: Sequence[DType]) -> PackedPairs | None:
        """None for operands that are repeated or constant, and for other types."""
        broadcast = kernel.broadcast
        alike = all(s.constant is None and s.shape == broadcast.shape for s in broadcast.sources)
        whole = kernel.dtype.is_packed and not broadcast.shape[-1] * kernel.dtype.bits % 8
        if not alike or not whole or any(source is not kernel.dtype for source in sources):
            return None
        return cls(broadcast, kernel.dtype, kernel.multipliers, kernel.offset, kernel.result)

    def constants(self) -> Mapping[str, np.ndarray]:
        """uint8 [256]: four bits of the output by those of the first operand and, above, of the second."""
        index = np.arange(256, dtype=np.uint8)
        run = 4 // self.dtype.bits
        operands = [unpack(half[:, None], self.dtype, run) for half in (index & 15, index >> 4)]
        return {"table": pack(self.combine(operands), self.dtype.bits)[:, 0]}

    def cost(self, window: Window) -> Cost:
        return super().cost(window).at(0.0, _CYCLES_PER_OPERATION[self.dtype.bits])
