"""Memory placement: one arena offset per buffer, so that buffers in use together never overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from ..ir.lifetime import Lifetime, live_intervals
from ..ir.program import Full, MemoryPlan, Program, Step
from .packing import Block, Packing, Share, pack_greedily

UNIT = 4
"""Bytes; every buffer begins at a multiple, so that kernels may load whole words."""

Intervals = Mapping[str, tuple[Lifetime, ...]]


def place(program: Program, *, seconds: float = 8.0) -> Program:
    """``program`` with a MemoryPlan of the smallest arena found within about ``seconds`` of search.

    The search is exact and stops when the plan is proved optimal. Its time counts in OR-Tools'
    deterministic units, so the plan is the same on every machine. Buffers that no task uses, and views,
    get no offset.
    """
    intervals = live_intervals(program)
    names = [name for name in intervals if program.buffers[name].nbytes > 0]
    packing = _packing(program, intervals, names)
    packed, bound = pack_greedily(packing), packing.lower_bound
    if packed.peak > bound:
        from .packing_exact import pack_exactly  # OR-Tools takes half a second to load

        packed, bound = pack_exactly(packing, packed, seconds)
    placed = dict(zip(names, packed.offsets, strict=True))
    plan = MemoryPlan(
        offsets={name: placed.get(name, 0) * UNIT for name in intervals},
        arena_bytes=packed.peak * UNIT,
        lower_bound=bound * UNIT,
        proved_optimal=packed.peak == bound,
        alignment=UNIT * max((block.multiple for block in packing.blocks), default=1),
    )
    return replace(program, plan=plan)


def least_arena(program: Program) -> int:
    """Bytes that no placement of ``program`` can do without: those in use during its busiest task."""
    intervals = live_intervals(program)
    names = [name for name in intervals if program.buffers[name].nbytes > 0]
    return _packing(program, intervals, names).lower_bound * UNIT


def _packing(program: Program, intervals: Intervals, names: list[str]) -> Packing:
    """Columns are tasks, block ``i`` is the buffer ``names[i]``, sizes are in UNITs, rounded up."""
    widest = Counter[str]()
    for name, buffer in program.buffers.items():
        owner, _ = program.owner(name)
        widest[owner] = max(widest[owner], buffer.dtype.size)
    sizes = [program.buffers[name].nbytes for name in names]
    blocks = tuple(
        Block(-(-size // UNIT), -(-widest[name] // UNIT)) for name, size in zip(names, sizes, strict=True)
    )
    live = np.zeros((len(names), max(len(program.tasks), 1)), bool)
    for row, name in enumerate(names):
        for interval in intervals[name]:
            live[row, interval.first : interval.end] = True
    multiple = max((block.multiple for block in blocks), default=1)
    rows = {name: row for row, name in enumerate(names)}
    shares = tuple(_shares(program, intervals, rows, UNIT * multiple))
    return Packing(blocks, live, shares).reduced()


def _shares(
    program: Program, intervals: Intervals, rows: Mapping[str, int], alignment: int
) -> Iterator[Share]:
    """Where a step may run in place: its output's owner may begin at the bytes of a dying input.

    Input and output are stored whole, the input's owner is used by nothing later and by no other operand of
    the step, the output's owner by nothing earlier (so the step is one task), and the output is not longer.
    """
    kept = {program.owner(name)[0] for name in program.outputs}
    given = {program.owner(name)[0] for name in program.inputs}
    for column, task in enumerate(program.tasks):
        step = program.steps[task.step]
        if len(step.outputs) != 1:
            continue
        output = step.outputs[0]
        guest, guest_offset = program.owner(output)
        if guest not in rows or guest in given or intervals[guest][0].first != column:
            continue
        for name in _overwritable(program, step):
            host, host_offset = program.owner(name)
            delta = host_offset - guest_offset
            dies = host in rows and host not in kept and intervals[host][-1].end == column + 1
            if dies and delta % alignment == 0:
                yield Share(rows[guest], rows[host], column, delta // UNIT)


def _overwritable(program: Program, step: Step) -> Iterator[str]:
    """Inputs whose bytes the kernel lets the one output overwrite, as far as this step's operands go."""
    output = program.buffers[step.outputs[0]]
    uses = Counter(program.owner(name)[0] for name in program.operands(step))
    for index in sorted(set(step.kernel.in_place())):
        if index < len(step.inputs):
            name = step.inputs[index]
            whole = program.buffers[name].storage == output.storage == Full()
            if whole and uses[program.owner(name)[0]] == 1 and output.nbytes <= program.buffers[name].nbytes:
                yield name
