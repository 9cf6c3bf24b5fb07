"""The stage of a model that runs in patches: where it ends, and what each patch computes of which tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from ...ir.errors import UsageError
from ...ir.program import Buffer, Program
from ...ir.window import Window
from ..quantize.insertion import QUANTIZED
from ..schedule.estimate import Estimator
from ..schedule.reads import Reads
from ..schedule.search import Candidate
from ..schedule.segment import Grid, Scope, Segment, has_rows, obstacle
from ..schedule.stream import Region, regions_of

Cells = Sequence[Sequence[bool]]
"""For each position of a grid, rows first, whether it is meant."""


@dataclass(frozen=True, eq=False)
class Stage:
    """The first steps of a program that runs layer by layer. Their result is cut into ``grid``, and each
    patch computed from the input on, with the halo that it needs."""

    scope: Scope
    grid: Grid

    @property
    def end(self) -> int:
        """How many steps there are."""
        return self.scope.end

    @property
    def result(self) -> Buffer:
        """What is cut."""
        return self.scope.program.buffers[self.scope.driver]

    @property
    def source(self) -> Buffer:
        """The input of the model."""
        return self.scope.program.buffers[self.scope.program.inputs[0]]

    @cached_property
    def _regions(self) -> list[Region]:
        return list(regions_of(self.scope, self.grid))

    def result_mask(self, cells: Cells) -> np.ndarray:
        """Bool, of the result's shape in the model but for one channel: pixels of these ``cells``."""
        windows = (region[self.scope.driver] for region in self._picked(cells))
        mask = _marked(self.result, windows)
        return np.take(mask, [0], axis=self.result.order[-1] if self.result.order else -1)

    def source_mask(self, cells: Cells) -> np.ndarray:
        """Bool, of the input's shape in the model: what ``cells`` need of it."""
        program, reads = self.scope.program, self.scope.reads
        readers = [
            (index, operand)
            for index, step in self.scope.steps
            for operand, name in enumerate(step.inputs)
            if program.owner(name)[0] == self.source.name
        ]
        windows = (
            reads.needed(index, operand, region[program.steps[index].outputs[0]])
            for region in self._picked(cells)
            for index, operand in readers
            if program.steps[index].outputs[0] in region
        )
        return _marked(self.source, windows)

    def shares(self, often: Sequence[Sequence[float | Fraction]]) -> dict[str, Fraction]:
        """By node, the share of its result's pixels that is computed where each cell is so ``often``, from
        never, 0, to always, 1; some of them several times."""
        found: dict[str, Fraction] = {}
        flat = [Fraction(share) for row in often for share in row]
        for _, step in self.scope.steps:
            name = step.outputs[0]
            cells = zip(self._regions, flat, strict=True)
            computed = sum(share * region[name].pixels for region, share in cells if name in region)
            found[step.source] = Fraction(computed, self.scope.program.buffers[name].whole.pixels)
        return found

    def _picked(self, cells: Cells) -> Iterator[Region]:
        flat = [cell for row in cells for cell in row]
        return (region for region, cell in zip(self._regions, flat, strict=True) if cell)


def _marked(buffer: Buffer, windows: Iterable[Window]) -> np.ndarray:
    """Bool, of the tensor's shape in the model: True in all ``windows``."""
    mask = np.zeros(buffer.shape, bool)
    for window in windows:
        buffer.part(mask, window)[...] = True
    return buffer.from_memory(mask)


def stage_of(program: Program, down: int, across: int) -> Stage:
    """The stage of ``program``, which runs layer by layer, that is worth cutting into ``down`` x ``across``
    patches: of the places where a single tensor leaves, that with the least product of memory (of the stage,
    or of the largest layer behind) and modelled cycles, as both count.

    Raises UsageError where there is none.
    """
    reads, estimator, count = Reads(program), Estimator(program), len(program.steps)
    grid = Grid(down, across)
    wholes = [estimator.whole(index) for index in range(count)]
    best: tuple[float, Stage] | None = None
    for end in range(2, count):
        scope = Scope(reads, 0, end)
        if scope.obstacle is not None:
            break
        segment, rest = Segment(0, end, grid), [whole for whole in wholes[end:] if whole is not None]
        if len(scope.leaving) == 1 and obstacle(scope, segment) is None and _splits(scope):
            made = estimator.simulated(segment)
            nbytes = max(made.nbytes, *(whole.nbytes for whole in rest))
            product = nbytes * (made.cycles + sum(whole.cycles for whole in rest))
            if best is None or product < best[0]:
                best = product, Stage(scope, grid)
    if best is None:
        raise UsageError(
            f"No first layers of this model can be cut into {down}x{across} patches",
            why="they have to begin with one image, end with one tensor that is at least as large as the "
            "grid, and advance row by row",
            remedy="choose a coarser grid, --input-mode buffer or reread, or leave --patches out",
        )
    return best[1]


def scheduled_stage(program: Program, schedule: Candidate) -> Stage | None:
    """The stage of ``program`` that ``schedule``, of the same model quantized, cuts into regions; None where
    it does not."""
    first = schedule.segments[0]
    if first.grid is None or first.regions == 1:
        return None
    result = schedule.program.steps[first.end - 1].outputs[0]
    name = schedule.program.buffers[result].source.removesuffix(QUANTIZED)
    reads = Reads(program)
    for end in range(1, len(program.steps)):
        scope = Scope(reads, 0, end)
        if program.buffers[scope.driver].source == name and _splits(scope):
            possible = obstacle(scope, Segment(0, end, first.grid)) is None
            return Stage(scope, first.grid) if possible else None
    return None


def _splits(scope: Scope) -> bool:
    """True where the steps compute from the only input to a tensor that further steps read."""
    program = scope.program
    return len(program.inputs) == 1 and scope.driver not in program.outputs and has_rows(
        program.buffers[program.inputs[0]]
    )
