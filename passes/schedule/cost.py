"""What a schedule costs: modelled cycles of a core, from the kernels' own counts."""

from __future__ import annotations

from ...ir.kernel import Cost

CYCLES_PER_MAC = 10.0
CYCLES_PER_PAIRED_MAC = 1.8
CYCLES_PER_OPERATION = 6.0
CYCLES_PER_TASK = 500.0
"""Entering a layer's function, and what it sets up for a row. All as measured with kws01 on a Cortex-M4."""


def cycles(work: Cost, tasks: int) -> float:
    """Modelled cycles of ``work`` done in ``tasks`` calls."""
    macs = CYCLES_PER_MAC * (work.macs - work.paired) + CYCLES_PER_PAIRED_MAC * work.paired
    return macs + CYCLES_PER_OPERATION * work.operations + CYCLES_PER_TASK * tasks
