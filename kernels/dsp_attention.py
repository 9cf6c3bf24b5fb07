"""Attention by micro-kernels for Arm's DSP extension; numbers are those of ``QuantizedAttention``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from ..ir.dtype import DType
from ..ir.kernel import Cost
from ..ir.window import Window
from .attention import QuantizedAttention
from .dsp_inputs import halves

LANES = 3
"""Queries that are computed at a time."""
_CYCLES_PER_MAC = 1.73
_CYCLES_PER_OPERATION = 15.0
"""Modelled, as measured with 128 tokens and heads of 32 to 128 features on a Cortex-M4."""
_TURN_BYTES = 44
"""Of code, for four features of a key."""
_PLACES = 33
"""By which a product for an exponent is shifted at least: the upper half of it, rounded."""


@dataclass(frozen=True, eq=False)
class DspAttention(QuantizedAttention):
    """Three queries are widened to 16 bits. Their scores are words that take turns; weights of two keys are
    one word then, so that values of two keys are multiplied at once."""

    template: ClassVar[str] = "dsp_attention"

    @classmethod
    def fitting(cls, kernel: QuantizedAttention, input_dtype: DType) -> DspAttention | None:
        """None where the micro-kernels cannot compute ``kernel``."""
        made = cls(*(getattr(kernel, field.name) for field in fields(kernel)))
        if input_dtype is not DType.INT8 or made.heads.depth < 4 or made.heads.width < 2:
            return None
        return made if max(2 * made.heads.largest, made.far) << made.up < 2**31 else None

    @property
    def up(self) -> int:
        """Bits by which differences of scores are shifted up."""
        return max(0, _PLACES - self.places)

    @property
    def down(self) -> int:
        """Bits by which upper halves of products for exponents are shifted down."""
        return self.places + self.up - 32

    @property
    def rounding(self) -> int:
        """What is added to them before."""
        return self.half >> (self.places - self.down)

    @property
    def far(self) -> int:
        """How far below the largest score one has to be to weigh nothing; 0 where no mask needs that."""
        return 0 if self.seen is None else -(-(self.beyond << self.places) // self.gain)

    @property
    def added(self) -> int:
        """What to add to two elements of a query to take its zero point off."""
        return halves(-self.zero, -self.zero)

    @property
    def entry(self) -> int:
        """Where the loop over features, which has four turns of four each behind the first ones, is entered:
        bytes, and 1 as addresses of code have it."""
        turns = -(-self.heads.depth // 4) - 1
        skipped = -turns % 4 if turns else 4
        return 1 + _TURN_BYTES * skipped

    @property
    def query_words(self) -> int:
        """32-bit words of the queries that are computed at a time."""
        return LANES * 2 * -(-self.heads.depth // 4)

    def cost(self, window: Window) -> Cost:
        """Queries that are missing in the last three take as long."""
        queries = window.x1 - window.x0 if self.heads.across else window.y1 - window.y0
        share = LANES * -(-queries // LANES) / max(queries, 1)
        return super().cost(window).at(share * _CYCLES_PER_MAC, share * _CYCLES_PER_OPERATION)

    def scratch(self) -> int:
        return 4 * (self.query_words + LANES * self.heads.keys)
