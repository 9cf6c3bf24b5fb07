"""Copies that need not be made: slices and concatenations that only say where bytes lie.

A Slice (or crop, or Gather of neighbours) whose result is one contiguous piece of its input becomes a view
of the input. A Concat along the outermost axis that is longer than 1 goes: whoever computes its inputs
writes them straight into its output, of which they become views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..ir.program import Alias, Buffer, Full, Program, Role, Step, Task
from ..kernels.concat import Concat
from ..kernels.remap import Remap
from .place import place


def eliminate_copies(program: Program) -> Program:
    """``program`` without the copies that can be views, where its arena does not grow by it (the bytes of a
    view stay where its parent lay, amid what others could use). Steps that went are in the result's
    ``views``.

    For layer-by-layer programs, before placement; others, and those without such copies, come back as they
    are. Views begin at multiples of their element's size, not of a word.
    """
    if [task for task in program.tasks if task.window is None] != [
        Task(i) for i in range(len(program.steps))
    ]:
        return program
    candidates = [step.name for step in program.steps if isinstance(step.kernel, Remap | Concat)]
    best = _without(program, candidates)
    if best is program or _arena(best) <= _arena(program):
        return best
    best, bound = program, _arena(program)
    for name in candidates:
        attempt = _without(best, [name])
        if attempt is not best and (needed := _arena(attempt)) <= bound:
            best, bound = attempt, needed
    return best


def _arena(program: Program) -> int:
    """Bytes of an arena that is found quickly."""
    plan = place(program, seconds=0).plan
    assert plan is not None
    return plan.arena_bytes


def _without(program: Program, names: Sequence[str]) -> Program:
    """``program`` without those of the named steps that can be views."""
    for name in names:
        (step,) = (s for s in program.steps if s.name == name)
        views = _views(program, step)
        if views:
            program = _removed(program, step, views)
    return program


def _views(program: Program, step: Step) -> dict[str, Alias]:
    """The views that take the step's place; none where it has to copy."""
    operands = [program.buffers[name] for name in program.operands(step)]
    if any(operand.storage != Full() or operand.dtype.is_packed for operand in operands):
        return {}
    match step.kernel:
        case Remap(contiguous_from=int(begin)):
            return _slice_views(program, step, begin)
        case Concat(contiguous_at=tuple(begins)):
            return _concat_views(program, step, begins)
        case _:
            return {}


def _slice_views(program: Program, step: Step, begin: int) -> dict[str, Alias]:
    """The output as a view of the input, unless both are the caller's or states: those share no bytes."""
    (source,), (out,) = step.inputs, step.outputs
    theirs = {program.owner(name)[0] for name in program.sources + program.results if name != out}
    taken = out in program.outputs and program.owner(source)[0] in theirs
    if program.buffers[out].alias or program.persists(out) or taken:
        return {}
    return {out: Alias(source, begin * program.buffers[source].dtype.size)}


def _concat_views(program: Program, step: Step, begins: Sequence[int]) -> dict[str, Alias]:
    """The inputs' buffers as views of the output: each whole, computed by a step, in one place only."""
    (out,) = step.outputs
    theirs = {program.owner(name)[0] for name in program.sources + program.results}
    views: dict[str, Alias] = {}
    for name, begin in zip(step.inputs, begins, strict=True):
        owner, inside = program.owner(name)
        held = program.buffers[owner]
        if inside or owner in views or owner in theirs or not _is_all_of(program.buffers[name], held):
            return {}
        views[owner] = Alias(out, begin * held.dtype.size)
    return views


def _is_all_of(view: Buffer, owner: Buffer) -> bool:
    whole = view.nbytes == owner.nbytes and view.dtype.bits == owner.dtype.bits
    return whole and owner.storage == Full() and owner.role is Role.ACTIVATION


def _removed(program: Program, step: Step, views: dict[str, Alias]) -> Program:
    """``program`` with ``views`` instead of ``step``."""
    index = program.steps.index(step)
    steps = program.steps[:index] + program.steps[index + 1 :]
    tasks = tuple(replace(t, step=t.step - (t.step > index)) for t in program.tasks if t.step != index)
    buffers = {n: replace(b, alias=views[n]) if n in views else b for n, b in program.buffers.items()}
    return replace(program, steps=steps, tasks=tasks, buffers=buffers, views=(*program.views, step))
