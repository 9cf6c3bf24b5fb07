"""Exact packing with OR-Tools CP-SAT. Import it late: OR-Tools takes half a second to load."""

from __future__ import annotations

from itertools import groupby

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
    bound = max(packing.lower_bound, _heaviest_set_apart(packing, seconds / 8))
    if start.peak == bound:
        return start, bound
    model = cp_model.CpModel()
    peak = model.new_int_var(bound, start.peak, "peak")
    offsets = _offsets(model, packing, peak, start)
    _keep_apart(model, packing, offsets, start.peak)
    model.minimize(peak)
    solver, status = _solved(model, seconds)
    bound = max(bound, round(solver.best_objective_bound))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE) or solver.value(peak) >= start.peak:
        return start, bound
    return Packed(tuple(solver.value(offset) for offset in offsets), solver.value(peak)), bound


def _solved(model: cp_model.CpModel, seconds: float) -> tuple[cp_model.CpSolver, cp_model.CpSolverStatus]:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.interleave_search = True  # all of CP-SAT's strategies take turns, in a fixed order
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = seconds * _EFFORT_PER_SECOND
    return solver, solver.solve(model)


def _heaviest_set_apart(packing: Packing, seconds: float) -> int:
    """Units of the largest set found of blocks that can share no memory with each other: a lower bound."""
    model = cp_model.CpModel()
    taken = [model.new_bool_var(f"taken{index}") for index in range(len(packing.blocks))]
    for one, other in zip(*np.nonzero(np.triu(~packing.apart, 1)), strict=True):
        model.add_bool_or(~taken[one], ~taken[other])
    model.maximize(sum(block.size * var for block, var in zip(packing.blocks, taken, strict=True)))
    solver, status = _solved(model, seconds)
    return round(solver.objective_value) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else 0


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


def _keep_apart(
    model: cp_model.CpModel, packing: Packing, offsets: list[cp_model.LinearExprT], peak: int
) -> None:
    """Every distance between two offsets is one that is not forbidden."""
    ranges = zip(*(a.tolist() for a in (packing.one, packing.other, packing.low, packing.high)), strict=True)
    for (one, other), group in groupby(ranges, key=lambda item: item[:2]):
        forbidden = cp_model.Domain.from_intervals([[low, high] for _, _, low, high in group])
        allowed = forbidden.complement().intersection_with(cp_model.Domain(-peak, peak))
        model.add_linear_expression_in_domain(offsets[other] - offsets[one], allowed)
