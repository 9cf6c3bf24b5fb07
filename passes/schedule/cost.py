"""What a schedule costs: modelled cycles of a core, multiply-accumulates and BitOPs, from the kernels' own
counts."""

from __future__ import annotations

from math import prod

from ...ir.kernel import Cost
from ...ir.program import Program, Step

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


def step_macs(program: Program) -> list[int]:
    """Multiply-accumulates of all tasks of each step, those done again included."""
    macs = [0] * len(program.steps)
    for task in program.tasks:
        macs[task.step] += program.steps[task.step].kernel.cost(program.window(task)).macs
    return macs


def bitops(program: Program) -> int:
    """Multiply-accumulates of all tasks, each times the bits of both factors."""
    steps = zip(program.steps, step_macs(program), strict=True)
    return sum(macs * prod(factor_bits(program, step)) for step, macs in steps if macs)


def factor_bits(program: Program, step: Step) -> tuple[int, int]:
    """Bits of a step's activations and weights; without weights those of its operands."""
    operands = [program.buffers[name].dtype.bits for name in step.inputs or step.outputs]
    return operands[0], step.kernel.weight_bits or operands[-1]
