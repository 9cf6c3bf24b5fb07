"""Follow every byte of the arena through the task list: who wrote it last, and what for.

A ring's byte also has the row it belongs to, a tile's byte the row and the tile's first column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ..ir.errors import VerificationError
from ..ir.program import Buffer, Full, Program, Rows, Step, Task, Tile
from ..ir.window import Window

Index = tuple[slice, slice | np.ndarray, slice]
"""Samples, rows and columns of a region's cells."""


def invalid(where: str, why: str) -> VerificationError:
    """The error for a plan or a task list that would lose a value."""
    return VerificationError(
        "the memory plan is not valid",
        where=where,
        why=why,
        remedy="this is a fault in tinyc, not in the model: please report it with the model and the command",
    )


@dataclass(frozen=True, eq=False)
class Region:
    """Where an operand's bytes lie. ``cells`` views them as [samples, rows, columns, bytes of a pixel]."""

    name: str
    buffer: Buffer
    owner: str
    begin: int
    cells: np.ndarray

    @property
    def end(self) -> int:
        return self.begin + self.buffer.nbytes

    def meets(self, other: Region) -> bool:
        """True where the two share bytes."""
        return self.begin < other.end and other.begin < self.end

    def part_of(self, arena: np.ndarray) -> np.ndarray:
        """This region of an array with an element per byte of the arena, in the shape of ``cells``."""
        return arena[self.begin : self.end].reshape(self.cells.shape)


@dataclass(frozen=True, eq=False)
class Access:
    """What a task touches of a region, and the tags (see Replay) that these bytes have if all is well."""

    region: Region
    index: Index
    tags: int | np.ndarray


class Replay:
    """The arena while tasks run. A tag is a number for (owner, row of a ring or tile, origin of a tile)."""

    def __init__(self, program: Program, arena_bytes: int) -> None:
        self._program = program
        self._labels = ["nothing"]
        self._tags: dict[tuple[str, Hashable], int] = {}
        self._holders = np.zeros(arena_bytes, np.int32)
        self._regions: dict[str, Region] = {}
        self._runs = Counter(task.step for task in program.tasks)

    def _region(self, name: str) -> Region:
        if name not in self._regions:
            buffer, (owner, _) = self._program.buffers[name], self._program.owner(name)
            shape = (buffer.batch, *buffer.pixels_stored, buffer.grid[2] * buffer.dtype.size)
            begin = self._program.offset(name)
            cells = self._holders[begin : begin + buffer.nbytes].reshape(shape)
            self._regions[name] = Region(name, buffer, owner, begin, cells)
        return self._regions[name]

    def give(self, name: str) -> None:
        """The caller writes the input ``name``; of a ring, its first rows."""
        rows, columns = self._program.buffers[name].pixels_stored
        where = "before the first task"
        access = self._access(where, name, Window(0, rows, 0, columns))
        holders = access.region.cells[access.index]
        if holders.any():
            why = f"it shares bytes with {self._labels[holders.max()]}, which the caller writes too"
            raise invalid(f"{where}, buffer {name}", why)
        self._write(access)

    def run(self, index: int, task: Task) -> None:
        """Check what one task reads, then let its scratch and outputs take their bytes."""
        step = self._program.steps[task.step]
        where = f"task {index}, step {step.name}"
        reads = [self._input(where, step, task, operand) for operand in range(len(step.inputs))]
        scratch = [self._access(where, name, self._program.buffers[name].whole) for name in step.scratch]
        outputs = [self._output(where, step, task, name) for name in step.outputs]
        for access in reads:
            self._read(where, access)
        self._check_apart(where, task, reads, scratch, outputs)
        for access in scratch + outputs:
            self._write(access)

    def take(self, name: str) -> None:
        """The caller reads the output ``name``; of a ring, its last rows."""
        rows, columns, _ = self._program.buffers[name].grid
        stored, _ = self._program.buffers[name].pixels_stored
        where = "after the last task"
        self._read(where, self._access(where, name, Window(rows - stored, rows, 0, columns)))

    def _input(self, where: str, step: Step, task: Task, operand: int) -> Access:
        """All of the input, or what a windowed kernel says it needs of it."""
        name = step.inputs[operand]
        window = self._program.buffers[name].whole
        if task.window is not None and step.kernel.windowed:
            window = step.kernel.needs(operand, task.window).clip(window.y1, window.x1)
        return self._access(where, name, window, task.origins.get(name))

    def _output(self, where: str, step: Step, task: Task, name: str) -> Access:
        window = self._program.buffers[name].whole
        if task.window is not None and task.window != window:
            if not step.kernel.windowed:
                raise invalid(where, f"{type(step.kernel).__name__} cannot compute {task.window} by itself")
            window = task.window
        return self._access(where, name, window, task.origins.get(name))

    def _read(self, where: str, access: Access) -> None:
        """VerificationError unless the bytes have their tags."""
        holders = access.region.cells[access.index]
        wrong = holders != access.tags
        if wrong.any():
            addresses = access.region.part_of(np.arange(self._holders.size))[access.index][wrong]
            wanted = np.broadcast_to(access.tags, wrong.shape)[wrong][0]
            why = (
                f"arena bytes [{addresses.min()}, {addresses.max() + 1}) should hold {self._labels[wanted]}, "
                f"and byte {addresses[0]} holds {self._labels[holders[wrong][0]]}"
            )
            raise invalid(f"{where}, buffer {access.region.name}", why)

    def _write(self, access: Access) -> None:
        access.region.cells[access.index] = access.tags

    def _check_apart(
        self, where: str, task: Task, reads: list[Access], scratch: list[Access], outputs: list[Access]
    ) -> None:
        """What a task writes shares no byte with its other operands, unless it runs in place."""
        clashes = [pair for pair in combinations(outputs + scratch, 2) if self._clash(*pair)]
        clashes += [(work, read) for work in scratch for read in reads if self._clash(work, read)]
        for output in outputs:
            met = [operand for operand, read in enumerate(reads) if self._clash(output, read)]
            if met and not (len(met) == len(outputs) == 1 and self._in_place(task, met[0])):
                clashes += [(output, reads[operand]) for operand in met]
        for one, other in clashes:
            begin, end = max(one.region.begin, other.region.begin), min(one.region.end, other.region.end)
            why = f"buffers {one.region.name} and {other.region.name} meet in arena bytes [{begin}, {end})"
            raise invalid(f"{where}, buffer {one.region.name}", why)

    def _clash(self, one: Access, other: Access) -> bool:
        """True where the accesses have a byte in common."""
        if not one.region.meets(other.region):
            return False
        marks = np.zeros(self._holders.size, bool)
        one.region.part_of(marks)[one.index] = True
        return bool(other.region.part_of(marks)[other.index].any())

    def _in_place(self, task: Task, operand: int) -> bool:
        """True where the kernel may overwrite this input by its output, and both begin at one byte.

        A step of several tasks reads each pixel when it writes it, and both have the same size and place.
        """
        step = self._program.steps[task.step]
        read, output = self._region(step.inputs[operand]), self._region(step.outputs[0])
        needs = step.kernel.needs
        if operand not in step.kernel.in_place() or read.begin != output.begin:
            return False
        if self._runs[task.step] == 1 and read.buffer.storage == output.buffer.storage == Full():
            return output.end <= read.end
        return (
            read.buffer.storage == output.buffer.storage
            and read.cells.shape == output.cells.shape
            and task.origins.get(read.name) == task.origins.get(output.name)
            and (task.window is None or _same_cells(read, needs(operand, task.window), task.window))
        )

    def _access(self, where: str, name: str, window: Window, origin: int | None = None) -> Access:
        """Bytes and tags of ``window``; VerificationError where the storage cannot hold all of it."""
        region = self._region(name)
        rows, columns, _ = region.buffer.grid
        if window != window.clip(rows, columns):
            raise invalid(f"{where}, buffer {name}", f"{window} reaches beyond its {rows} x {columns} pixels")
        across = slice(window.x0, window.x1)
        match region.buffer.storage:
            case Full():
                index = slice(None), slice(window.y0, window.y1), across
                return Access(region, index, self._tag(region, None, ""))
            case Rows():
                return self._ring(where, region, window, across, None)
            case Tile(_, width):
                if origin is None:
                    raise invalid(f"{where}, buffer {name}", "the task gives no origin for this tile")
                left, right = window.x0 - origin, window.x1 - origin
                if window.pixels and not 0 <= left <= right <= width:
                    columns = f"columns [{window.x0}, {window.x1})"
                    why = f"{columns} are not inside the tile's {width} from {origin} on"
                    raise invalid(f"{where}, buffer {name}", why)
                return self._ring(where, region, window, slice(left, right), origin)

    def _ring(
        self, where: str, region: Region, window: Window, across: slice, origin: int | None
    ) -> Access:
        """Rows of a ring, ``across`` its columns; ``origin`` is where a tile begins."""
        stored, _ = region.buffer.pixels_stored
        if window.pixels and window.height > stored:
            why = f"rows [{window.y0}, {window.y1}) are needed at once and the ring holds {stored}"
            raise invalid(f"{where}, buffer {region.name}", why)
        label = "" if origin is None else f" from column {origin} on"
        rows = range(window.y0, window.y1)
        tags = np.array([self._tag(region, (row, origin), f" row {row}{label}") for row in rows], np.int32)
        index = slice(None), np.arange(window.y0, window.y1) % stored, across
        return Access(region, index, tags[:, None, None])

    def _tag(self, region: Region, content: Hashable, label: str) -> int:
        key = (region.owner, content)
        if key not in self._tags:
            self._tags[key] = len(self._labels)
            self._labels.append(region.owner + label)
        return self._tags[key]


def _same_cells(region: Region, needed: Window, written: Window) -> bool:
    """True where both windows have one shape and lie in the same cells of a region: in a ring of n rows they
    may be n rows apart."""
    same_shape = needed == replace(written, y0=needed.y0, y1=needed.y0 + written.height)
    return same_shape and (needed.y0 - written.y0) % region.cells.shape[1] == 0
