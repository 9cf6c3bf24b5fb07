"""Memory placement: one arena offset per buffer, so that lines in use together never overlap."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from ..ir.accesses import accesses
from ..ir.lifetime import Liveness, liveness
from ..ir.program import MemoryPlan, Program
from .in_place import Guests, guests
from .meeting import forbidden_distances
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
    live, pairs = _lines(program)
    packing = _packing(program, live, pairs)
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
    return replace(program, plan=plan)


def least_arena(program: Program) -> int:
    """Bytes that no placement of ``program`` can do without: those in use during its busiest task."""
    live, pairs = _lines(program)
    return -(-int(_in_use(live, pairs).max(initial=0)) // UNIT) * UNIT


def _lines(program: Program) -> tuple[Liveness, Guests]:
    """The lines of ``program``, and which of them may coincide."""
    table = accesses(program)
    live = liveness(table)
    return live, guests(program, table, live)


def _in_use(live: Liveness, pairs: Guests) -> np.ndarray:
    """Bytes in use at each moment when every step that may run in place does: in whole UNITs per line while
    all lines in use begin at one."""
    line, moment = np.divmod(np.unique(pairs.guest * live.moments + pairs.moment), live.moments)

    def used(sizes: np.ndarray) -> np.ndarray:
        return live.in_use(sizes) - np.bincount(moment, sizes[line], live.moments).astype(np.int64)

    sizes = live.end - live.begin
    return np.where(live.in_use(live.begin % UNIT) > 0, used(sizes), used(-(-sizes // UNIT) * UNIT))


def _packing(program: Program, live: Liveness, pairs: Guests) -> Packing:
    """Block ``i`` is the buffer ``live.names[i]``; sizes and distances are in UNITs."""
    used = _in_use(live, pairs)
    widest = Counter[str]()
    for name, buffer in program.buffers.items():
        owner, _ = program.owner(name)
        widest[owner] = max(widest[owner], buffer.dtype.size)
    blocks: list[Block] = []
    owners = live.owner[live.line]
    for number, name in enumerate(live.names):
        size, multiple = -(-program.buffers[name].nbytes // UNIT), -(-widest[name] // UNIT)
        mine = owners == number
        if not mine.any():
            blocks.append(Block(0, multiple))
            continue
        line, first, last = live.line[mine], live.first[mine], live.last[mine]
        area = int((live.end[line] - live.begin[line]) @ (last - first))
        begin, end = int(first.min()), int(last.max())
        blocks.append(Block(size, multiple, begin, end, area, int(used[begin:end].max())))
    distances = merged(*forbidden_distances(live, pairs, UNIT))
    return Packing(tuple(blocks), *distances, -(-int(used.max(initial=0)) // UNIT))
