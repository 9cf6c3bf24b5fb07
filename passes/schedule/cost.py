"""What a schedule costs: modelled cycles of a core, multiply-accumulates and BitOPs, from the kernels' own
counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from ...ir.kernel import Cost
from ...ir.program import Program, Step, When
from ...kernels.outliers import Outliers

CYCLES_PER_TASK = 500.0
"""Entering a layer's function, and what it sets up for a row, as measured with kws01 on a Cortex-M4."""


def cycles(work: Cost, tasks: int) -> float:
    """Modelled cycles of ``work`` done in ``tasks`` calls."""
    return work.cycles + CYCLES_PER_TASK * tasks


def executed(program: Program) -> Cost:
    """Work of all tasks. Of those that depend on a flag, in an inference as is to be expected."""
    works: dict[float, Cost] = {}
    for task in program.tasks:
        share, work = _share(program, task.when), program.steps[task.step].kernel.cost(program.window(task))
        works[share] = works.get(share, Cost()) + work
    return sum((work.scaled(share) for share, work in works.items()), Cost())


def step_macs(program: Program) -> list[int]:
    """Multiply-accumulates of all tasks of each step, those done again included, as is to be expected."""
    macs = [0.0] * len(program.steps)
    for task in program.tasks:
        work = program.steps[task.step].kernel.cost(program.window(task))
        macs[task.step] += work.macs * _share(program, task.when)
    return [round(count) for count in macs]


def bitops(program: Program) -> int:
    """Multiply-accumulates of all tasks, each times the bits of both factors, as is to be expected."""
    steps = zip(program.steps, step_macs(program), strict=True)
    return sum(macs * prod(factor_bits(program, step)) for step, macs in steps if macs)


@dataclass(frozen=True)
class Most:
    """What an inference takes at most, whatever its flags are."""

    macs: int
    bitops: int


def most(program: Program) -> Most:
    """Of each patch, the branch that takes more."""
    always, either = np.zeros(2, np.int64), dict[tuple[str, int, int], np.ndarray]()
    for task in program.tasks:
        step = program.steps[task.step]
        macs = step.kernel.cost(program.window(task)).macs
        work = np.array([macs, macs * prod(factor_bits(program, step)) if macs else 0], np.int64)
        if task.when is None:
            always += work
        else:
            either.setdefault(task.when.place, np.zeros((2, 2), np.int64))[int(task.when.value)] += work
    macs, bits = (always + sum(branches.max(axis=0) for branches in either.values())).tolist()
    return Most(macs, bits)


def _share(program: Program, when: When | None) -> float:
    """How often a condition is expected to hold."""
    if when is None:
        return 1.0
    (maker,) = (step.kernel for step in program.steps if when.flag in step.outputs)
    assert isinstance(maker, Outliers), "no other kernel makes flags that tasks depend on"
    share = maker.shares[when.y][when.x]
    return share if when.value else 1 - share


def factor_bits(program: Program, step: Step) -> tuple[int, int]:
    """Bits of a step's activations and weights; without weights those of its operands."""
    operands = [program.buffers[name].dtype.bits for name in step.inputs or step.outputs]
    return operands[0], step.kernel.weight_bits or operands[-1]
