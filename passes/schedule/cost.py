"""What a schedule costs: modelled cycles of a core, from the kernels' own counts."""

from __future__ import annotations

from ...ir.kernel import Cost

CYCLES_PER_MAC = 2.0
CYCLES_PER_OPERATION = 6.0
CYCLES_PER_TASK = 150.0
"""Entering a layer's function, and the pointers that it sets up for a row."""


def cycles(work: Cost, tasks: int) -> float:
    """Modelled cycles of ``work`` done in ``tasks`` calls."""
    return CYCLES_PER_MAC * work.macs + CYCLES_PER_OPERATION * work.operations + CYCLES_PER_TASK * tasks
