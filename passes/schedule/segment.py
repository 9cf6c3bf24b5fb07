"""Segments: runs of consecutive steps, and the way in which each is executed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ...ir.program import Alias, Buffer, Full, Program, Role, Step
from ...ir.window import Window
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

    def windows(self, rows: int, columns: int) -> Iterator[Window]:
        """The regions of a tensor with so many rows and columns, row by row."""
        for y0, y1 in cut(rows, self.down):
            for x0, x1 in cut(columns, self.across):
                yield Window(y0, y1, x0, x1)


@dataclass(frozen=True)
class Row:
    """Row ``y`` of a step's output."""

    step: int
    y: int


@dataclass(frozen=True)
class Segment:
    """Steps [begin, end). Without ``grid`` each is one task after the other; with it, all advance together
    row by row, from the last row to the first where ``upward``. ``framed``: inner tensors are frames where
    they can be."""

    begin: int
    end: int
    grid: Grid | None = None
    upward: bool = False
    framed: bool = False

    @property
    def regions(self) -> int:
        """Parts that are computed one after the other; halos are recomputed where there are several."""
        return 1 if self.grid is None else self.grid.regions

    def describe(self) -> str:
        """``layer by layer``, ``row streams``, ``2 column tiles``, ``3 x 3 patches with frames``."""
        if self.grid is None:
            return "layer by layer"
        frames = " with frames" if self.framed else ""
        if self.grid.regions == 1:
            return "rows" if self.end - self.begin == 1 else f"row streams{frames}"
        if self.grid.down == 1:
            return f"{self.grid.across} column tiles{frames}"
        return f"{self.grid.down} x {self.grid.across} patches{frames}"


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
        """Tensors computed inside that later steps, the caller, or the next run read."""
        later = {name for step in self.program.steps[self.end :] for name in step.inputs}
        wanted = {self.program.owner(name)[0] for name in (*later, *self.program.results)}
        return tuple(name for name in self.producers if self.program.owner(name)[0] in wanted)

    @cached_property
    def inside(self) -> tuple[str, ...]:
        """Tensors that nobody outside sees: they may be kept in part."""
        return tuple(name for name in self.producers if name not in self.leaving)

    @cached_property
    def obstacle(self) -> Obstacle | None:
        """What keeps these steps from advancing together row by row; None where they can."""
        found = (why for _, step in self.steps if (why := self._whole_only(step)))
        why = next(found, None) or next(self._views(), None) or next(self._overtaken(), None)
        why = why or next(self._held(), None)
        return None if why is None else Obstacle(why, _APART)

    @property
    def ascending(self) -> bool:
        """True where some step's rows have to be computed in order, each once."""
        return any(step.kernel.ascending for _, step in self.steps)

    def _whole_only(self, step: Step) -> str:
        """Why a step cannot compute row by row; empty where it can."""
        if not step.kernel.windowed:
            return f"{step.name} computes its output as a whole only"
        if len({self.program.buffers[name].grid[:2] for name in step.outputs}) > 1:
            return f"{step.name} has outputs of different sizes"
        names = [n for n in step.inputs + step.outputs if not has_rows(self.program.buffers[n])]
        if not names:
            return ""
        shape = self.program.buffers[names[0]].shape
        batch = len(shape) in (3, 4) and shape[0] != 1
        return f"{names[0]} {'holds a batch' if batch else 'is no image or series'}: its shape is {shape}"

    def _held(self) -> Iterator[str]:
        """Tensors that are computed once for many time steps, and read in each of them."""
        held = self.program.held
        for _, step in self.steps if held else ():
            for name in step.inputs:
                if name in self.producers and self.program.owner(name)[0] in held:
                    yield f"{step.name} reads {name}, which is computed once for all time steps"

    def _views(self) -> Iterator[str]:
        """Tensors of several names, whose rows are not those that the names' readers and writers count."""
        views = {b.alias.parent for b in self.program.buffers.values() if isinstance(b.alias, Alias)}
        for name in self.inside:
            alias = self.program.buffers[name].alias
            if alias:
                yield f"{name} is a view of {alias.parent}"
            elif name in views:
                yield f"{name} has views"
        made = {self.program.owner(name)[0] for name in self.producers}
        for _, step in self.steps:
            for name in step.inputs:
                if name not in self.producers and self.program.owner(name)[0] in made:
                    yield f"{step.name} reads {name}, a view of what is computed in the same segment"


    def _overtaken(self) -> Iterator[str]:
        """States of which the first rows would be new while another step still reads what they were."""
        for state in self.program.states:
            writers = {i for name, i in self.producers.items() if self.program.owner(name)[0] == state.after}
            for index, step in self.steps:
                reads = any(self.program.owner(name)[0] == state.before for name in step.inputs)
                if reads and writers - {index}:
                    yield f"{step.name} reads the state {state.before}, which is renewed in the same segment"


@dataclass(frozen=True)
class Obstacle:
    """Why a segment cannot run as it is asked to, and what to ask for instead."""

    why: str
    remedy: str


_APART = "leave its grid out, so that its steps run one after the other, or cut it in front of that step"


def obstacle(scope: Scope, segment: Segment) -> Obstacle | None:
    """What keeps ``segment`` from running as its grid says, or, without one, as whole steps."""
    if segment.grid is None:
        in_part = [n for n in scope.producers if scope.program.buffers[n].storage != Full()]
        why = f"of {', '.join(in_part)} a part is kept only, so that no task can compute the whole"
        return Obstacle(why, "give the segment a grid: Grid() is one stream of rows") if in_part else None
    return scope.obstacle or _grid_obstacle(scope, segment.grid, segment.upward)


def _grid_obstacle(scope: Scope, grid: Grid, upward: bool) -> Obstacle | None:
    rows, columns, _ = scope.program.buffers[scope.driver].grid
    if not (1 <= grid.down <= rows and 1 <= grid.across <= columns):
        why = f"{scope.driver} has {rows} x {columns} pixels: not {grid.down} x {grid.across} regions"
        return Obstacle(why, f"give it 1 x 1 to {rows} x {columns} regions")
    in_order = [step.name for _, step in scope.steps if step.kernel.ascending]
    if in_order and (upward or grid.regions > 1):
        why = f"{in_order[0]} computes its rows from the first to the last, each once"
        return Obstacle(why, "run it as one stream, downward: Grid(), without upward")
    if len(scope.leaving) > 1 and grid.regions > 1:
        why = f"{', '.join(scope.leaving)} are all read behind it, and only the last can be cut into regions"
        return Obstacle(why, "run it as one stream, Grid(), or end it where a single tensor leaves it")
    return None


def has_rows(buffer: Buffer) -> bool:
    """True where a tensor is one image or series, and so can be computed row by row."""
    return len(buffer.shape) in (3, 4) and buffer.shape[0] == 1 and buffer.role is not Role.SCRATCH


def cut(length: int, parts: int) -> Iterator[tuple[int, int]]:
    """``parts`` intervals of nearly equal length."""
    ends = [length * part // parts for part in range(parts + 1)]
    return ((begin, end) for begin, end in pairwise(ends) if end > begin)
