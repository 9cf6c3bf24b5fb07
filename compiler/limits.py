"""By how much a figure may grow: ``+2k`` or ``+1.5%``."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """An amount, or a share in percent of what was there before."""

    amount: float
    is_percent: bool = False

    def allows(self, before: float, after: float) -> bool:
        """Whether ``after`` is no more than ``before`` and what may be added."""
        return after <= before + (before * self.amount / 100 if self.is_percent else self.amount)

    def __str__(self) -> str:
        return f"+{self.amount:g}%" if self.is_percent else f"+{self.amount:,.0f}"


def parse_limit(text: str, thousand: int) -> Limit | None:
    """``+0``, ``512``, ``+2k``, ``+1M`` or ``+1.5%``, where k is a ``thousand`` (1024 for bytes) and M its
    square; None for anything else."""
    match = re.fullmatch(r"\+?(\d+(?:\.\d+)?)\s*([kKmM%]?)", text.strip())
    if match is None:
        return None
    if match[2] == "%":
        return Limit(float(match[1]), is_percent=True)
    return Limit(float(match[1]) * {"": 1, "k": thousand, "m": thousand**2}[match[2].lower()])
