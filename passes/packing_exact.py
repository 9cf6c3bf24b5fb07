"""Exact packing with OR-Tools CP-SAT. Import it late: OR-Tools takes half a second to load."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ortools.sat.python import cp_model

from .packing import Packed, Packing

_EFFORT_PER_SECOND = 0.25
"""Units of CP-SAT's deterministic time that a second of search takes, roughly, on one 3 GHz core."""


def pack_exactly(packing: Packing, start: Packed, seconds: float) -> tuple[Packed, int]:
    """The best packing found, never worse than ``start``, and a proved lower bound of the peak.

    The search ends when both meet, or after about ``seconds``. These are counted as work done, not on the
    clock: the same packing gets the same answer wherever it runs.
    """
    model = cp_model.CpModel()
    peak = model.new_int_var(packing.lower_bound, start.peak, "peak")
    offsets = _offsets(model, packing, peak, start)
    alone = _shares(model, packing, offsets)
    _keep_apart(model, packing, offsets, alone)
    for column in range(packing.live.shape[1]):
        firm = int(packing.sizes @ packing.firm[:, column])
        own = sum(packing.blocks[guest].size * alone[guest] for guest in _guests(packing, column))
        model.add(firm + own <= peak)
    model.minimize(peak)

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.interleave_search = True  # all of CP-SAT's strategies take turns, in a fixed order
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = seconds * _EFFORT_PER_SECOND
    status = solver.solve(model)
    bound = max(packing.lower_bound, round(solver.best_objective_bound))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE) or solver.value(peak) >= start.peak:
        return start, bound
    return Packed(tuple(solver.value(offset) for offset in offsets), solver.value(peak)), bound


def _offsets(
    model: cp_model.CpModel, packing: Packing, peak: cp_model.IntVar, start: Packed
) -> list[cp_model.LinearExprT]:
    """An expression per block, a multiple of what the block wants, that ends below the peak."""
    offsets: list[cp_model.LinearExprT] = []
    for index, block in enumerate(packing.blocks):
        highest = (start.peak - block.size) // block.multiple
        place = model.new_int_var(0, highest, f"place{index}")
        model.add_hint(place, start.offsets[index] // block.multiple)
        model.add(place * block.multiple + block.size <= peak)
        offsets.append(place * block.multiple)
    model.add_hint(peak, start.peak)
    return offsets


def _shares(
    model: cp_model.CpModel, packing: Packing, offsets: list[cp_model.LinearExprT]
) -> dict[int, cp_model.IntVar]:
    """For each block that could share: the literal that it does not, and so needs memory of its own."""
    taken: dict[int, list[cp_model.IntVar]] = {}
    for share in packing.shares:
        shared = model.new_bool_var(f"share{share.guest}with{share.host}")
        model.add(offsets[share.guest] == offsets[share.host] + share.delta).only_enforce_if(shared)
        taken.setdefault(share.guest, []).append(shared)
    alone: dict[int, cp_model.IntVar] = {}
    for guest, choices in taken.items():
        alone[guest] = model.new_bool_var(f"alone{guest}")
        model.add_exactly_one(*choices, alone[guest])
    return alone


def _keep_apart(
    model: cp_model.CpModel,
    packing: Packing,
    offsets: list[cp_model.LinearExprT],
    alone: dict[int, cp_model.IntVar],
) -> None:
    """One rectangle per block and run of columns; the columns that sharing may save are optional ones."""
    columns: list[cp_model.IntervalVar] = []
    memory: list[cp_model.IntervalVar] = []
    for index, block in enumerate(packing.blocks):
        for begin, end in _runs(packing.firm[index]):
            name = f"{index}from{begin}"
            columns.append(model.new_fixed_size_interval_var(begin, end - begin, f"columns{name}"))
            memory.append(model.new_fixed_size_interval_var(offsets[index], block.size, f"memory{name}"))
    for guest, own in alone.items():
        (column,) = {share.column for share in packing.shares if share.guest == guest}
        size = packing.blocks[guest].size
        columns.append(model.new_optional_fixed_size_interval_var(column, 1, own, f"birth{guest}"))
        memory.append(model.new_optional_fixed_size_interval_var(offsets[guest], size, own, f"own{guest}"))
    model.add_no_overlap_2d(columns, memory)


def _guests(packing: Packing, column: int) -> list[int]:
    return sorted({share.guest for share in packing.shares if share.column == column})


def _runs(live: np.ndarray) -> Iterator[tuple[int, int]]:
    """Half-open runs of true elements."""
    edges = np.flatnonzero(np.diff(live.astype(np.int8), prepend=0, append=0)).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)
