"""Segments: runs of consecutive steps, and the way in which each is executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ...ir.program import Alias, Buffer, Program, Role, Step
from .reads import Reads


@dataclass(frozen=True)
class Grid:
    """How a segment's output is cut into regions, ``down`` x ``across``, computed one after the other.

    (1, 1) is one stream of rows, nothing recomputed; (1, n) column tiles of row streams; (m, n) patches.
    """

    down: int = 1
    across: int = 1

    @property
    def regions(self) -> int:
        return self.down * self.across


@dataclass(frozen=True)
class Segment:
    """Steps [begin, end). Without ``grid`` each is one task after the other; with it, all advance together
    row by row, from the last row to the first where ``upward``."""

    begin: int
    end: int
    grid: Grid | None = None
    upward: bool = False

    @property
    def regions(self) -> int:
        """Parts that are computed one after the other; halos are recomputed where there are several."""
        return 1 if self.grid is None else self.grid.regions

    def describe(self) -> str:
        """``layer by layer``, ``row streams``, ``2 column tiles``, ``3 x 3 patches``."""
        if self.grid is None:
            return "layer by layer"
        if self.grid.regions == 1:
            return "rows" if self.end - self.begin == 1 else "row streams"
        if self.grid.down == 1:
            return f"{self.grid.across} column tiles"
        return f"{self.grid.down} x {self.grid.across} patches"


@dataclass(frozen=True)
class Scope:
    """What the tensors of steps [begin, end) are to them."""

    reads: Reads
    begin: int
    end: int

    @property
    def program(self) -> Program:
        return self.reads.program

    @property
    def driver(self) -> str:
        """The last step's output, which is cut into regions."""
        return self.program.steps[self.end - 1].outputs[0]

    @cached_property
    def steps(self) -> Sequence[tuple[int, Step]]:
        return [(index, self.program.steps[index]) for index in range(self.begin, self.end)]

    @cached_property
    def producers(self) -> dict[str, int]:
        """Steps inside by the tensors they compute."""
        return {name: index for index, step in self.steps for name in step.outputs}

    @cached_property
    def leaving(self) -> tuple[str, ...]:
        """Tensors computed inside that later steps, or the caller, read."""
        later = {name for step in self.program.steps[self.end :] for name in step.inputs}
        wanted = {self.program.owner(name)[0] for name in (*later, *self.program.outputs)}
        return tuple(name for name in self.producers if self.program.owner(name)[0] in wanted)

    @cached_property
    def inside(self) -> tuple[str, ...]:
        """Tensors that nobody outside sees: they may be kept in part."""
        return tuple(name for name in self.producers if name not in self.leaving)

    @property
    def can_stream(self) -> bool:
        """True where every step computes windows and every tensor computed here has rows of its own."""
        views = {b.alias.parent for b in self.program.buffers.values() if isinstance(b.alias, Alias)}
        inside = [self.program.buffers[name] for name in self.inside]
        return all(self._advances_by_rows(step) for _, step in self.steps) and not any(
            b.alias or b.name in views for b in inside
        )

    @property
    def ascending(self) -> bool:
        """True where some step's rows have to be computed in order, each once."""
        return any(step.kernel.ascending for _, step in self.steps)

    def _advances_by_rows(self, step: Step) -> bool:
        operands = [self.program.buffers[name] for name in step.inputs + step.outputs]
        return step.kernel.windowed and len(step.outputs) == 1 and all(map(has_rows, operands))


def has_rows(buffer: Buffer) -> bool:
    """True where a tensor is one image or series, and so can be computed row by row."""
    return len(buffer.shape) in (3, 4) and buffer.shape[0] == 1 and buffer.role is not Role.SCRATCH
