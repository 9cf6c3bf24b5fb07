"""Which steps compute the same in every time step of an inference, whose inputs stay the same."""

from __future__ import annotations

from collections import defaultdict

from .program import Program


def invariant_steps(program: Program) -> frozenset[int]:
    """Steps whose results depend on inputs alone, and are neither the caller's nor what a state becomes; a
    state that nobody reads as it was before the run only keeps such results."""
    owner = {name: program.owner(name)[0] for name in program.buffers}
    reads = [{owner[name] for name in step.inputs} for step in program.steps]
    writes = [{owner[name] for name in step.outputs} for step in program.steps]
    writers: dict[str, set[int]] = defaultdict(set)
    for index, names in enumerate(writes):
        for name in names:
            writers[name].add(index)
    carried = {state.before for state in program.states if state.after not in program.held}
    wanted = {owner[name] for name in program.outputs}
    wanted |= {state.after for state in program.states if state.before in carried}
    found = set(range(len(program.steps)))
    while True:
        varying = {
            index
            for index in found
            if reads[index] & carried
            or writes[index] & wanted
            or any(not writers[name] <= found for name in reads[index] | writes[index])
        }
        if not varying:
            return frozenset(found)
        found -= varying


def run_once(program: Program) -> int:
    """How many of the first tasks need not run again where inputs stay the same: all later ones read states,
    and what they computed themselves. 0 where results of others are not kept."""
    once = invariant_steps(program)
    owner = {name: program.owner(name)[0] for name in program.buffers}
    steps = [step for index, step in enumerate(program.steps) if index not in once]
    known = {owner[name] for step in steps for name in step.outputs}
    kept = all(program.persists(name) or owner[name] in known for step in steps for name in step.inputs)
    count = sum(task.step in once for task in program.tasks)
    first = all(task.step in once for task in program.tasks[:count])
    return count if kept and first else 0
