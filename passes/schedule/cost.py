"""What a schedule costs: modelled cycles of a core, from the kernels' own counts."""

from __future__ import annotations

from ...ir.kernel import Cost
from ...ir.program import Program

CYCLES_PER_TASK = 500.0
"""Entering a layer's function, and what it sets up for a row, as measured with kws01 on a Cortex-M4."""


def cycles(work: Cost, tasks: int) -> float:
    """Modelled cycles of ``work`` done in ``tasks`` calls."""
    return work.cycles + CYCLES_PER_TASK * tasks


def executed(program: Program) -> Cost:
    """Work of all tasks."""
    total = Cost()
    for task in program.tasks:
        total += program.steps[task.step].kernel.cost(program.window(task))
    return total
