"""Memory placement: one arena offset per buffer, so that lines in use together never overlap, and one in the
state block per state."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ..ir.accesses import accesses
from ..ir.lifetime import Liveness, liveness
from ..ir.program import MemoryPlan, Program
from .bound import least_bytes
from .in_place import Guests, guests
from .meeting import forbidden_distances, meetings
from .packing import Block, Packing, merged, pack_greedily

UNIT = 4
"""Bytes; every buffer begins at a multiple, so that kernels may load whole words."""


def place(program: Program, *, seconds: float = 8.0) -> Program:
    """``program`` with a MemoryPlan of the smallest arena found within about ``seconds`` of search.

    The search is exact where the program is small enough, and stops when the plan is proved optimal. Its time
    counts in OR-Tools' deterministic units, so the plan is the same on every machine; without ``seconds``
    there is none, and the plan is the best of the quick ones. Buffers that no task uses, and views, get no
    offset.
    """
    live, packing = _packing(program)
    packed, bound = pack_greedily(packing), packing.lower_bound
    if packed.peak > bound and seconds > 0:
        from .packing_exact import pack_exactly  # OR-Tools takes half a second to load

        packed, bound = pack_exactly(packing, packed, seconds)
    plan = MemoryPlan(
        offsets={name: offset * UNIT for name, offset in zip(live.names, packed.offsets, strict=True)},
        arena_bytes=packed.peak * UNIT,
        lower_bound=bound * UNIT,
        proved_optimal=packed.peak == bound,
        alignment=UNIT * max((block.multiple for block in packing.blocks), default=1),
    )
    return replace(program, plan=_with_states(program, plan))


def _with_states(program: Program, plan: MemoryPlan) -> MemoryPlan:
    """``plan`` with a block for the states, one behind the other: all of them are in use all the time."""
    offsets, end, alignment = dict(plan.offsets), 0, 1
    for state in program.states:
        buffer = program.buffers[state.before]
        unit = UNIT * _in_units(buffer.dtype.size)
        begin = -(-end // unit) * unit
        offsets |= {state.before: begin, state.after: begin}
        end, alignment = begin + buffer.nbytes, max(alignment, unit)
    return replace(plan, offsets=offsets, state_bytes=end, state_alignment=alignment)


def least_arena(program: Program) -> int:
    """Bytes that no placement of ``program`` can do without."""
    live, pairs = _lines(program)
    return _in_units(least_bytes(live, pairs, meetings(live, pairs), UNIT)) * UNIT


def _lines(program: Program) -> tuple[Liveness, Guests]:
    """The lines of ``program``, and which of them may coincide."""
    table = accesses(program)
    live = liveness(table)
    return live, guests(program, table, live)


def _packing(program: Program) -> tuple[Liveness, Packing]:
    """Block ``i`` is the buffer ``names[i]`` of the lines; sizes and distances are in UNITs."""
    live, pairs = _lines(program)
    meet = meetings(live, pairs)
    widest = Counter[str]()
    for name, buffer in program.buffers.items():
        owner, _ = program.owner(name)
        widest[owner] = max(widest[owner], buffer.dtype.size)
    used, owners = live.in_use(live.end - live.begin), live.owner[live.line]
    blocks: list[Block] = []
    for number, name in enumerate(live.names):
        block = Block(_in_units(program.buffers[name].nbytes), _in_units(widest[name]))
        mine = owners == number
        if mine.any():
            line, first, last = live.line[mine], live.first[mine], live.last[mine]
            area = int((live.end[line] - live.begin[line]) @ (last - first))
            begin, end = int(first.min()), int(last.max())
            breadth = int(used[begin:end].max())
            block = replace(block, first=begin, last=end, area=area, breadth=breadth)
        blocks.append(block)
    distances = merged(*forbidden_distances(live, pairs, meet, UNIT))
    return live, Packing(tuple(blocks), *distances, _in_units(least_bytes(live, pairs, meet, UNIT)))


def _in_units(nbytes: int) -> int:
    return -(-nbytes // UNIT)
