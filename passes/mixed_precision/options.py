"""What a caller may choose about mixed precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...targets import Target
from .memory import Goal

Objective = Literal["cycles", "bitops"]
"""What is saved where memory does not decide."""

UNBOUNDED = 1 << 62


@dataclass(frozen=True)
class MixedOptions:
    """Limits of the search.

    ``max_drop`` is a share (0.01 is a point) of the metric on the calibration samples; ``lam`` the weight λ
    of lost entropy against saved BitOPs; budgets are bytes, of the arena under the schedule of ``goal``, and
    of all constants. ``evaluations`` bounds how many models are rounded and measured. For ``objective``
    "cycles" a step that makes its layers no faster is taken only where a budget needs it; cycles are those
    of ``target``'s kernels, of the portable ones where it is None. ``kept`` are tensors that have 8 bits,
    whatever they cost.
    """

    max_drop: float = 0.01
    lam: float = 0.5
    goal: Goal = "fit"
    sram_budget: int = UNBOUNDED
    flash_budget: int = UNBOUNDED
    evaluations: int = 10
    objective: Objective = "cycles"
    target: Target | None = None
    kept: frozenset[str] = frozenset()


DEFAULTS = MixedOptions()
