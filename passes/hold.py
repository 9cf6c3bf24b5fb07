"""Results that are the same in every time step of an inference, kept so that they are computed once."""

from __future__ import annotations

from dataclasses import replace

from ..ir.invariant import invariant_steps
from ..ir.program import Program, Role, State, Task


def hold_invariants(program: Program) -> Program:
    """``program``, which runs layer by layer and has states, with what depends on its inputs alone computed
    first, and with those of these results that later steps read among its states: they cost no arena.

    As it is where later steps read inputs themselves, or nothing depends on inputs alone.
    """
    once = invariant_steps(program)
    later = [index for index in range(len(program.steps)) if index not in once]
    read = {program.owner(name)[0] for index in later for name in program.steps[index].inputs}
    if not once or read & {program.owner(name)[0] for name in program.inputs}:
        return program
    made = {program.owner(name)[0] for index in once for name in program.steps[index].outputs}
    buffers, states = dict(program.buffers), list(program.states)
    for name in sorted(made & read):
        kept = replace(buffers[name], role=Role.STATE)
        before = replace(kept, name=f"{name}_before", source="")
        buffers |= {name: kept, before.name: before}
        states.append(State(before.name, name, bytes(kept.nbytes)))
    steps = tuple(program.steps[index] for index in (*sorted(once), *later))
    tasks = tuple(map(Task, range(len(steps))))
    return replace(program, buffers=buffers, steps=steps, tasks=tasks, states=tuple(states))
