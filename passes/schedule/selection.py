"""Selections between branches: grids whose regions run one branch alone, and the copy that is then spared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from ...ir.program import Alias, Full, Program, Step
from ...kernels.patch_select import PatchSelect
from ...kernels.select import Select
from .segment import Grid

_REFINED = (1, 2, 3)
"""Times that the coarsest grid is cut finer along each axis."""


Selection = Select | PatchSelect
"""By a constant mask, or by flags of patches that are computed at run time."""


def grids_along(kernel: Selection) -> Iterator[Grid]:
    """Grids over the result on whose lines all borders of the mask, or of patches, lie: the coarsest, and
    finer ones."""
    rows, columns = kernel.cells.shape
    down, across = (_parts(_borders(cells), len(cells)) for cells in (kernel.cells, kernel.cells.T))
    for finer, narrower in product(_REFINED, _REFINED):
        if down * finer <= rows and across * narrower <= columns:
            yield Grid(down * finer, across * narrower)


def _borders(mask: np.ndarray) -> set[int]:
    """Rows that differ from the one before."""
    return set((np.flatnonzero((mask[1:] != mask[:-1]).any(axis=1)) + 1).tolist())


def _parts(borders: set[int], length: int) -> int:
    """The least number of nearly equal parts that ends at all ``borders``."""
    return next(n for n in range(1, length + 1) if borders <= {length * part // n for part in range(n)})


def without_selections(program: Program) -> Program:
    """``program`` without those selections of which each operand is computed only where it is taken: it is
    written straight into the result, of which it becomes a view. Steps that went are in ``views``."""
    for step in program.steps:
        if isinstance(step.kernel, Selection) and spares(program, step) and _in_turns(program, step):
            program = _removed(program, step)
    return program


def _branches(step: Step) -> tuple[str, ...]:
    """What is selected from."""
    return step.inputs[1:] if isinstance(step.kernel, PatchSelect) else step.inputs


def spares(program: Program, step: Step) -> bool:
    """True where the result is kept whole and the branches are for this step alone."""
    out = program.buffers[step.outputs[0]]
    views = {buffer.alias.parent for buffer in program.buffers.values() if buffer.alias}
    if out.storage != Full() or out.alias or out.name in views or len(set(step.inputs)) != len(step.inputs):
        return False
    for name in _branches(step):
        makers = [index for index, other in enumerate(program.steps) if name in other.outputs]
        readers = [other for other in program.steps if name in other.inputs]
        theirs = name in (*program.inputs, *program.outputs) or name in views or program.buffers[name].alias
        if theirs or len(makers) != 1 or readers != [step]:
            return False
    return True


def _in_turns(program: Program, step: Step) -> bool:
    """True where each branch is computed where it is taken and nowhere else."""
    kernel = step.kernel
    for operand, name in enumerate(_branches(step)):
        tasks = [task for task in program.tasks if name in program.steps[task.step].outputs]
        if isinstance(kernel, Select):
            taken = all(kernel.taken(operand, program.window(task)).all() for task in tasks)
        else:
            taken = all(task.when is not None for task in tasks)
        if not taken:
            return False
    return True


def _removed(program: Program, step: Step) -> Program:
    index, (out,) = program.steps.index(step), step.outputs
    views = {
        name: replace(program.buffers[name], storage=Full(), alias=Alias(out)) for name in _branches(step)
    }
    tasks = tuple(
        replace(
            task,
            step=task.step - (task.step > index),
            origins={name: x for name, x in task.origins.items() if name not in views},
        )
        for task in program.tasks
        if task.step != index
    )
    steps = program.steps[:index] + program.steps[index + 1 :]
    buffers = {**program.buffers, **views}
    return replace(program, steps=steps, tasks=tasks, buffers=buffers, views=(*program.views, step))


def model_macs(program: Program) -> int:
    """Multiply-accumulates of a program that runs layer by layer; of branches that a selection joins, those
    of one."""
    wanted = {program.owner(name)[0] for name in program.outputs}
    macs = 0
    for step in reversed(program.steps):
        if wanted.isdisjoint(program.owner(name)[0] for name in step.outputs):
            continue
        selects = isinstance(step.kernel, Selection)
        read = tuple(name for name in step.inputs if not selects or name not in _branches(step)[1:])
        wanted.update(program.owner(name)[0] for name in read)
        macs += step.kernel.cost(program.buffers[step.outputs[0]].whole).macs
    return macs
