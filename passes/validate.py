"""The memory plan's proof: a replay of the task list that follows every byte of arena and state block.

For each byte the replay keeps which tensor was written there last: for a ring also which row, for a tile
which origin. A task may read only bytes that still hold what it wants. So nothing reads of a state what it
was before the run where its new value has been written. Nothing here is shared with the placement that is
being checked.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, product

import numpy as np

from ..ir.dtype import DType
from ..ir.program import Buffer, Frame, Full, MemoryPlan, Program, Role, Tile, When
from .replay import Replay, invalid

WORD = 4
"""Bytes; kernels may load whole words from where a buffer begins."""


def validate(program: Program) -> None:
    """Raise VerificationError unless ``program``'s plan keeps every value until its last use.

    The error names task, step, buffer and bytes. Checked: every operand lies inside the arena and is
    aligned; every byte that is read, by a task or by the caller at the end, still holds what was written
    for this reader; a task's outputs and scratch share no byte with its other operands, save where its
    kernel runs in place.
    """
    if program.plan is None:
        raise invalid(f"program {program.name}", "it was not placed")
    _check_operands(program)
    _check_views(program)
    _check_writers(program)
    _check_layout(program, program.plan)
    _check_states(program, program.plan)
    replay = Replay(program, program.plan)
    for name in _given(program):
        replay.give(name)
    for index, task in enumerate(program.tasks):
        replay.run(index, task)
    for name in program.results:
        replay.take(name)


def _given(program: Program) -> list[str]:
    """What holds something before the first task: inputs that no step computes, and states."""
    fed = {name for step in program.steps for name in step.outputs}
    return [name for name in program.inputs if name not in fed] + [s.before for s in program.states]


def _check_operands(program: Program) -> None:
    """Tasks name steps and steps name buffers that exist; the caller sees no tiles and no frames."""
    for index, task in enumerate(program.tasks):
        if not 0 <= task.step < len(program.steps):
            raise invalid(f"task {index}", f"there is no step {task.step}")
        if task.when is not None and not _is_flag(program, task.when):
            raise invalid(f"task {index}", f"there is no flag {task.when.flag}")
    for step in program.steps:
        for name in program.operands(step):
            if name not in program.buffers:
                raise invalid(f"step {step.name}", f"there is no buffer {name}")
    for name in program.sources + program.results:
        if name not in program.buffers:
            raise invalid(f"program {program.name}", f"there is no buffer {name}")
        storage = program.buffers[name].storage
        if isinstance(storage, Tile) or (isinstance(storage, Frame) and name not in program.fed):
            kind = type(storage).__name__.lower()
            raise invalid(f"buffer {name}", f"an input or output cannot be stored as a {kind}")


def _is_flag(program: Program, when: When) -> bool:
    """True for a byte that some step computes."""
    buffer = program.buffers.get(when.flag)
    made = any(when.flag in step.outputs for step in program.steps)
    return buffer is not None and made and buffer.dtype is DType.BOOL and buffer.grid[2] == 1


def _check_views(program: Program) -> None:
    """Views lead to a buffer that owns memory, and each lies inside its parent."""
    for name, buffer in program.buffers.items():
        seen, last = {name}, buffer
        while last.alias is not None:
            parent = last.alias.parent
            if parent not in program.buffers or parent in seen:
                raise invalid(f"buffer {name}", f"it is a view of {parent}, which leads to no memory")
            seen.add(parent)
            last = program.buffers[parent]
        if buffer.alias is not None:
            _check_view(buffer, buffer.alias.offset, program.buffers[buffer.alias.parent])


def _check_view(view: Buffer, offset: int, parent: Buffer) -> None:
    if offset < 0 or offset + view.nbytes > parent.nbytes:
        why = f"bytes [{offset}, {offset + view.nbytes}) are not inside {parent.name} ({parent.nbytes} bytes)"
        raise invalid(f"buffer {view.name}", why)
    if view.storage == parent.storage == Full():
        return
    # a row of a ring and a pixel of a tile have no fixed place: only another name for all of it will do
    same = (view.grid, view.batch, view.dtype.bits) == (parent.grid, parent.batch, parent.dtype.bits)
    if view.storage != parent.storage or not same:
        why = f"it is a view of a part of {parent.name}, which is not stored whole"
        raise invalid(f"buffer {view.name}", why)


def _check_writers(program: Program) -> None:
    """Every byte of a buffer has one writer, the caller or one step, so what it holds needs no history: views
    of the same bytes are written by tasks of other pixels, or by such as never run both. What only moves rows
    inside their frame writes none."""
    spans: dict[str, list[tuple[int, int, str, int]]] = defaultdict(list)
    writers = [(name, "the caller", -1) for name in _given(program)]
    writers += [
        (name, f"step {step.name}", index)
        for index, step in enumerate(program.steps)
        for name in step.outputs
        if not step.kernel.slides
    ]
    for name, writer, index in writers:
        (owner, begin), size = program.owner(name), program.buffers[name].nbytes
        if size > 0:
            spans[owner].append((begin, begin + size, writer, index))
    for owner, parts in spans.items():
        for (_, end, one, first), (begin, _, other, second) in combinations(sorted(parts), 2):
            if begin < end and not _take_turns(program, first, second):
                raise invalid(f"buffer {owner}", f"{one} and {other} both write its bytes from {begin} on")


def _take_turns(program: Program, *steps: int) -> bool:
    """True where two steps whose outputs are views of one tensor, whole and alike, compute other pixels of
    it, or the same in no one run."""
    if min(steps) < 0 or any(len(program.steps[index].outputs) != 1 for index in steps):
        return False
    one, other = (program.buffers[program.steps[index].outputs[0]] for index in steps)
    same = (one.grid, one.batch, one.dtype) == (other.grid, other.batch, other.dtype)
    if not same or one.storage != Full() or other.storage != Full() or one.batch != 1:
        return False
    if program.owner(one.name) != program.owner(other.name):
        return False
    written: dict[int, dict[When | None, np.ndarray]] = {index: {} for index in steps}
    for task in program.tasks:
        if task.step in steps:
            pixels = written[task.step].setdefault(task.when, np.zeros(one.grid[:2], bool))
            window = program.window(task)
            pixels[window.y0 : window.y1, window.x0 : window.x1] = True
    return not any(
        (mine & others).any() and not (when is not None and when.excludes(other))
        for (when, mine), (other, others) in product(*(written[index].items() for index in steps))
    )


def _check_layout(program: Program, plan: MemoryPlan) -> None:
    """Every operand lies inside its block and is aligned; the plan claims no more than it holds."""
    operands = [name for task in program.tasks for name in program.operands(program.steps[task.step])]
    for name in dict.fromkeys((*program.sources, *operands, *program.results)):
        buffer, (owner, inside) = program.buffers[name], program.owner(name)
        if owner not in plan.offsets:
            raise invalid(f"buffer {name}", f"{owner} has no offset")
        begin = plan.offsets[owner] + inside
        kind, size, aligned = ("arena", plan.arena_bytes, plan.alignment)
        if program.persists(name):
            kind, size, aligned = ("state block", plan.state_bytes, plan.state_alignment)
        if begin < 0 or begin + buffer.nbytes > size:
            end = begin + buffer.nbytes
            why = f"bytes [{begin}, {end}) are not inside the {kind} of {size} bytes"
            raise invalid(f"buffer {name}", why)
        alignment = buffer.dtype.size if buffer.alias else max(buffer.dtype.size, WORD)
        if buffer.nbytes > 0 and (begin % alignment or aligned % alignment):
            why = f"it begins at byte {begin} of the {kind} aligned to {aligned}, and needs {alignment}"
            raise invalid(f"buffer {name}", why)
    if plan.lower_bound > plan.arena_bytes or plan.proved_optimal != (plan.lower_bound == plan.arena_bytes):
        why = f"an arena of {plan.arena_bytes} bytes, a lower bound of {plan.lower_bound}"
        raise invalid(f"program {program.name}", f"{why}, proved optimal: {plan.proved_optimal}")


def _check_states(program: Program, plan: MemoryPlan) -> None:
    """What a run leaves of a state lies where the next one looks for it, and nowhere else lies anything."""
    pairs = {name for state in program.states for name in (state.before, state.after)}
    for name, buffer in program.buffers.items():
        if (buffer.role is Role.STATE) != (name in pairs):
            raise invalid(f"buffer {name}", f"its role is {buffer.role.value}, and it is no half of a state")
    for state in program.states:
        before, after = program.buffers[state.before], program.buffers[state.after]
        places = [(plan.offsets[b.name], b.nbytes, b.dtype, b.storage, b.alias) for b in (before, after)]
        if places[0] != places[1] or before.storage != Full() or before.alias is not None:
            raise invalid(f"buffer {after.name}", f"it does not lie where {before.name} does, as a whole")
        if len(state.initial) != before.nbytes:
            raise invalid(f"buffer {before.name}", f"a reset writes {len(state.initial)} bytes to it")
