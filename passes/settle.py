"""Where the next value of each state is computed: over the old one, or beside it and copied at the end."""

from __future__ import annotations

from dataclasses import replace

from ..ir.program import Program, Role, State, Step, Task
from ..kernels.copy import Copy


def settle_states(program: Program) -> Program:
    """``program``, which runs layer by layer, with steps at its end that copy those states to their place
    whose old value is still read once the new one is there.

    A step may write a state itself where all others that read the old value come before it, and it reads
    none of it, or overwrites it in place. To be called when steps, their order and their kernels are settled;
    a program that was settled before may be settled anew.
    """
    for state in program.states:
        if not _may_be_overwritten(program, state):
            program = _copied_at_the_end(program, state)
    return program


def _may_be_overwritten(program: Program, state: State) -> bool:
    owners = {name: program.owner(name)[0] for name in program.buffers}
    readers = [i for i, s in enumerate(program.steps) if any(owners[n] == state.before for n in s.inputs)]
    writers = [i for i, s in enumerate(program.steps) if any(owners[n] == state.after for n in s.outputs)]
    last, first = max(readers, default=-1), min(writers)
    if last != first:
        return last < first
    return len(writers) == 1 and _in_place(program, program.steps[first], state)


def _in_place(program: Program, step: Step, state: State) -> bool:
    """Whether ``step`` puts each element of the new value where it has read the old one."""
    reads = [k for k, name in enumerate(step.inputs) if program.owner(name)[0] == state.before]
    writes = [k for k, name in enumerate(step.outputs) if program.owner(name)[0] == state.after]
    if len(reads) != 1 or len(writes) != 1 or reads[0] not in step.overwritable(writes[0]):
        return False
    read, written = program.buffers[step.inputs[reads[0]]], program.buffers[step.outputs[writes[0]]]
    return (read.nbytes, read.dtype) == (written.nbytes, written.dtype)


def _copied_at_the_end(program: Program, state: State) -> Program:
    """``program`` that computes the state's new value in the arena, and copies it there as its last step."""
    kept = program.buffers[state.after]
    made = replace(kept, name=f"{state.after}_made", role=Role.ACTIVATION)
    buffers = {
        name: replace(b, alias=replace(b.alias, parent=made.name))
        if b.alias is not None and b.alias.parent == kept.name
        else b
        for name, b in program.buffers.items()
    } | {made.name: made}
    names = {kept.name: made.name}
    steps = tuple(
        replace(
            step,
            inputs=tuple(names.get(name, name) for name in step.inputs),
            outputs=tuple(names.get(name, name) for name in step.outputs),
        )
        for step in program.steps
    )
    keep = Step(f"keep_{state.before}", Copy(kept.nbytes), (made.name,), (kept.name,), operator="state")
    keep = replace(keep, source=program.buffers[state.before].source)
    tasks = (*program.tasks, Task(len(steps)))
    return replace(program, buffers=buffers, steps=(*steps, keep), tasks=tasks)
