"""Patches that are classified at run time: which tasks of a region depend on the flag of its patch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...ir.program import When
from ...ir.window import Window
from ...kernels.patch_select import PatchSelect
from .segment import Grid, Scope
from .selection import spares


@dataclass(frozen=True)
class Fork:
    """A segment whose regions each lie in one patch of the selection ``kernel``, with which it ends. A run
    takes the steps ``when[True]`` or ``when[False]`` of a region, as its patch's flag says; all others are
    taken always. The selection's ``inputs``, flags first, are computed one after the other, so that the two
    branches are never in memory together; ``result`` is its output."""

    kernel: PatchSelect
    result: str
    inputs: tuple[str, ...]
    when: Mapping[bool, frozenset[int]]

    @property
    def flags(self) -> str:
        """The buffer that tells which patches hold outliers."""
        return self.inputs[0]

    def condition(self, step: int, window: Window) -> When | None:
        """Of ``step`` in the region that computes ``window`` of the result."""
        patch = self.kernel.patch(window)
        assert patch is not None
        taken = (value for value, steps in self.when.items() if step in steps)
        return next((When(self.flags, *patch, value) for value in taken), None)


def fork_of(scope: Scope, grid: Grid) -> Fork | None:
    """What steps in the regions of ``grid`` depend on; None where that is nothing."""
    last = scope.program.steps[scope.end - 1]
    kernel = last.kernel
    inside = all(name in scope.producers for name in last.inputs)
    if not isinstance(kernel, PatchSelect) or not inside or scope.leaving != (scope.driver,):
        return None
    rows, columns, _ = scope.program.buffers[scope.driver].grid
    along = all(kernel.patch(window) is not None for window in grid.windows(rows, columns))
    if not along or not spares(scope.program, last):
        return None
    flags, one, other = (_makers(scope, name) for name in last.inputs)
    return Fork(kernel, scope.driver, last.inputs, {True: one - other - flags, False: other - one - flags})


def _makers(scope: Scope, name: str) -> frozenset[int]:
    """The steps of the scope that compute a tensor."""
    wanted, found = {name}, set[int]()
    for index, step in reversed(scope.steps):
        if wanted.intersection(step.outputs):
            found.add(index)
            wanted.update(step.inputs)
    return frozenset(found)
