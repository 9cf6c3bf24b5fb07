"""Follow every byte of arena and state block through the task list: who wrote it last, and what for.

A ring's byte also has the row it belongs to, a tile's and a frame's byte the row and the first column.

Tasks that depend on a flag are followed for both of its values: from the first task that asks for it to the
first that asks for another there are two *outcomes*. Then these become one again, in which a byte that is not
the same in both holds nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from ..ir.errors import VerificationError
from ..ir.program import Buffer, Frame, Full, MemoryPlan, Program, Role, Rows, Step, Task, Tile
from ..ir.window import Window

_UNSETTLED = 1
"""The tag of bytes that hold one thing where a flag is set, and another where it is not."""


def invalid(where: str, why: str) -> VerificationError:
    """The error for a plan or a task list that would lose a value."""
    return VerificationError(
        "The memory plan is not valid",
        where=where,
        why=why,
        remedy="report this with the model and the command: it is a fault of tinyc, not of the model",
    )


@dataclass(frozen=True)
class Run:
    """Contiguous bytes [begin, end), and the tag (see Replay) that they have if all is well."""

    begin: int
    end: int
    tag: int


@dataclass(frozen=True)
class Access:
    """What a task touches of a buffer."""

    buffer: Buffer
    runs: Sequence[Run]

    def meets(self, other: Access) -> tuple[int, int] | None:
        """The first bytes that the two have in common, if any."""
        if not self.runs or not other.runs or self._end <= other._begin or other._end <= self._begin:
            return None
        for one in self.runs:
            for two in other.runs:
                if one.begin < two.end and two.begin < one.end:
                    return max(one.begin, two.begin), min(one.end, two.end)
        return None

    @property
    def _begin(self) -> int:
        return min(run.begin for run in self.runs)

    @property
    def _end(self) -> int:
        return max(run.end for run in self.runs)

    def takes_place_of(self, read: Access, as_many: bool) -> bool:
        """True where element i of this one lies where element i of ``read`` begins, stretch by stretch;
        ``as_many``: both have the same number of elements."""
        mine, theirs = self.buffer.widths(read.buffer)
        ours, others = self._stretches(), read._stretches()
        return len(ours) == len(others) and all(
            one[0] == two[0]
            and one[1] <= two[1]
            and (not as_many or (one[1] - one[0]) * theirs == (two[1] - two[0]) * mine)
            for one, two in zip(ours, others, strict=True)
        )

    def _stretches(self) -> list[tuple[int, int]]:
        """The bytes of runs that follow each other, together."""
        joined: list[tuple[int, int]] = []
        for run in self.runs:
            begin = joined.pop()[0] if joined and joined[-1][1] == run.begin else run.begin
            joined.append((begin, run.end))
        return joined


@dataclass(frozen=True)
class Corner:
    """Row and column that lie first in a tile or frame, None where the task gives none."""

    top: int | None = None
    left: int | None = None

    @classmethod
    def of(cls, task: Task, name: str, slid: int = 0) -> Corner:
        """Where ``name`` is once ``task`` ran; ``slid`` rows before that, where the task found it."""
        top = task.tops.get(name)
        return cls(None if top is None else top - slid, task.origins.get(name))


class Replay:
    """Arena and state block, one behind the other, while tasks run. A tag is a number for (owner, row of what
    is not stored whole, origin). ``_outcomes`` has the tags of all bytes: once, or, while tasks depend on the
    flag at ``_asked``, for each of its values."""

    def __init__(self, program: Program, plan: MemoryPlan) -> None:
        self._program = program
        self._arena_bytes = plan.arena_bytes
        self._labels = ["nothing", "what depends on a flag"]
        self._tags: dict[tuple[str, Hashable], int] = {}
        self._outcomes = [np.zeros(plan.arena_bytes + plan.state_bytes, np.int32)]
        self._asked: tuple[str, int, int] | None = None

    def give(self, name: str) -> None:
        """The caller writes the input ``name`` (of a ring, its first rows), or it is a state."""
        rows, columns = self._program.buffers[name].pixels_stored
        where = "before the first task"
        access = self._access(where, name, Window(0, rows, 0, columns))
        for run in access.runs:
            holders = self._outcomes[0][run.begin : run.end]
            if holders.any():
                why = f"it shares bytes with {self._labels[holders.max()]}, which the caller writes too"
                raise invalid(f"{where}, buffer {name}", why)
        self._write(access, self._outcomes)

    def run(self, index: int, task: Task) -> None:
        """Check what one task reads, then let its scratch and outputs take their bytes."""
        step = self._program.steps[task.step]
        where = f"task {index}, step {step.name}"
        reads = [self._input(where, step, task, operand) for operand in range(len(step.inputs))]
        scratch = [self._access(where, name, self._program.buffers[name].whole) for name in step.scratch]
        outputs = [self._output(where, step, task, name) for name in step.outputs]
        met = self._met(where, task)
        for access in reads:
            self._read(where, access, met)
        self._check_apart(where, step, reads, scratch, outputs)
        if step.kernel.slides:
            self._check_slide(where, step, task)
        for access in scratch + outputs:
            self._write(access, met)

    def take(self, name: str) -> None:
        """The caller reads the output ``name`` (of a ring, its last rows), or it is a state."""
        rows, columns, _ = self._program.buffers[name].grid
        stored, _ = self._program.buffers[name].pixels_stored
        where = "after the last task"
        wanted = self._access(where, name, Window(rows - stored, rows, 0, columns))
        self._read(where, wanted, self._outcomes)

    def _met(self, where: str, task: Task) -> list[np.ndarray]:
        """The outcomes in which ``task`` runs. One that may write flags anew, or asks for another flag than
        the tasks before it, meets those before as one."""
        step, when = self._program.steps[task.step], task.when
        flag = None if self._asked is None else self._program.owner(self._asked[0])[0]
        renewed = any(self._program.owner(name)[0] == flag for name in step.outputs)
        if renewed or (when is not None and when.place != self._asked):
            self._join()
        if when is None:
            return self._outcomes
        corner = Corner.of(task, when.flag)
        self._read(where, self._access(where, when.flag, when.window, corner), self._outcomes)
        if self._asked is None:
            self._asked, self._outcomes = when.place, [self._outcomes[0], self._outcomes[0].copy()]
        return [self._outcomes[when.value]]

    def _join(self) -> None:
        """Makes one of two outcomes."""
        if self._asked is not None:
            one, other = self._outcomes
            one[one != other] = _UNSETTLED
            self._asked, self._outcomes = None, [one]

    def _input(self, where: str, step: Step, task: Task, operand: int) -> Access:
        """All of the input, or what a windowed kernel says it needs of it."""
        name = step.inputs[operand]
        window = self._program.buffers[name].whole
        if task.window is not None and step.kernel.windowed:
            window = step.kernel.needs(operand, task.window).clip(window.y1, window.x1)
        return self._access(where, name, window, Corner.of(task, name, step.kernel.slides))

    def _output(self, where: str, step: Step, task: Task, name: str) -> Access:
        window = self._program.buffers[name].whole
        if task.window is not None and task.window != window:
            if not step.kernel.windowed:
                raise invalid(where, f"{type(step.kernel).__name__} cannot compute {task.window} by itself")
            window = task.window
        return self._access(where, name, window, Corner.of(task, name))

    def _read(self, where: str, access: Access, met: list[np.ndarray]) -> None:
        """VerificationError unless the bytes have their tags in all outcomes ``met``."""
        for run, holders in product(access.runs, met):
            wrong = holders[run.begin : run.end] != run.tag
            if wrong.any():
                addresses = np.flatnonzero(wrong) + run.begin
                found = self._labels[holders[addresses[0]]]
                where_bytes, first = self._block(addresses[0], addresses[-1] + 1)
                why = (
                    f"{where_bytes} should hold {self._labels[run.tag]}, and byte {first} holds {found}"
                )
                raise invalid(f"{where}, buffer {access.buffer.name}", why)

    def _block(self, begin: int, end: int) -> tuple[str, int]:
        """Bytes [begin, end) in words, and where they begin in their block."""
        if begin < self._arena_bytes:
            return f"arena bytes [{begin}, {end})", begin
        begin, end = begin - self._arena_bytes, end - self._arena_bytes
        return f"state bytes [{begin}, {end})", begin

    @staticmethod
    def _write(access: Access, met: list[np.ndarray]) -> None:
        for run, holders in product(access.runs, met):
            holders[run.begin : run.end] = run.tag

    def _check_apart(
        self, where: str, step: Step, reads: list[Access], scratch: list[Access], outputs: list[Access]
    ) -> None:
        """What a task writes shares no byte with its other operands, unless it runs in place."""
        pairs = list(combinations(outputs + scratch, 2))
        pairs += [(work, read) for work in scratch for read in reads]
        for number, output in enumerate(outputs):
            met = [operand for operand, read in enumerate(reads) if output.meets(read)]
            if step.kernel.slides:
                continue  # rows move inside their frame
            if not (len(met) == 1 and _in_place(step, (number, met[0]), output, reads[met[0]])):
                pairs += [(output, reads[operand]) for operand in met]
        for one, other in pairs:
            if common := one.meets(other):
                names = f"buffers {one.buffer.name} and {other.buffer.name}"
                why = f"{names} meet in {self._block(*common)[0]}"
                raise invalid(f"{where}, buffer {one.buffer.name}", why)

    def _check_slide(self, where: str, step: Step, task: Task) -> None:
        """A frame keeps all rows that lie in it before and after: emitted C moves no others."""
        buffer, top = self._program.buffers[step.outputs[0]], task.tops[step.outputs[0]]
        (height, _), rows = buffer.pixels_stored, buffer.grid[0]
        before = top - step.kernel.slides
        kept = max(top, before, 0), min(min(top, before) + height, rows)
        moved = (task.window or buffer.whole).y0, (task.window or buffer.whole).y1
        if step.inputs != step.outputs or moved != kept:
            why = f"it moves rows [{moved[0]}, {moved[1]}), and the frame keeps [{kept[0]}, {kept[1]})"
            raise invalid(f"{where}, buffer {buffer.name}", why)

    def _access(self, where: str, name: str, window: Window, corner: Corner = Corner()) -> Access:
        """Bytes and tags of ``window``; VerificationError where the storage cannot hold all of it."""
        buffer = self._program.buffers[name]
        rows, columns, _ = buffer.grid
        if window != window.clip(rows, columns):
            raise invalid(f"{where}, buffer {name}", f"{window} reaches beyond its {rows} x {columns} pixels")
        if not window.pixels or not buffer.nbytes:
            return Access(buffer, ())
        stored, _ = buffer.pixels_stored
        if window.height > stored:
            why = f"rows [{window.y0}, {window.y1}) are needed at once and the ring holds {stored}"
            raise invalid(f"{where}, buffer {name}", why)
        left = self._left(where, buffer, window, corner.left)
        top = self._top(where, buffer, window, corner.top)
        return Access(buffer, self._runs(buffer, window, (top, left), corner.left))

    @staticmethod
    def _left(where: str, buffer: Buffer, window: Window, origin: int | None) -> int:
        """The stored column at which the window begins."""
        match buffer.storage:
            case Tile(_, width) | Frame(_, width):
                kind = "tile" if isinstance(buffer.storage, Tile) else "frame"
                if origin is None:
                    why = f"the task gives no origin for this {kind}"
                    raise invalid(f"{where}, buffer {buffer.name}", why)
                if not 0 <= window.x0 - origin <= window.x1 - origin <= width:
                    columns = f"columns [{window.x0}, {window.x1})"
                    why = f"{columns} are not inside the {kind}'s {width} from {origin} on"
                    raise invalid(f"{where}, buffer {buffer.name}", why)
                return window.x0 - origin
            case Full() | Rows():
                return window.x0

    @staticmethod
    def _top(where: str, buffer: Buffer, window: Window, top: int | None) -> int:
        """The stored row at which the window begins, not yet wrapped around the end of a ring."""
        match buffer.storage:
            case Frame(height, _):
                if top is None:
                    raise invalid(f"{where}, buffer {buffer.name}", "the task gives no top for this frame")
                if not 0 <= window.y0 - top <= window.y1 - top <= height:
                    rows = f"rows [{window.y0}, {window.y1})"
                    why = f"{rows} are not inside the frame's {height} from {top} on"
                    raise invalid(f"{where}, buffer {buffer.name}", why)
                return window.y0 - top
            case Full() | Rows() | Tile():
                return window.y0

    def _runs(
        self, buffer: Buffer, window: Window, place: tuple[int, int], origin: int | None
    ) -> list[Run]:
        """One run per row, or one for all where they follow each other and are told apart by nothing;
        ``place`` is the stored row and column at which the window begins."""
        top, left = place
        stored, columns = buffer.pixels_stored
        pixel = buffer.pixel_bytes
        pitch, length = columns * pixel, window.width * pixel
        owner, _ = self._program.owner(buffer.name)
        begin = self._program.offset(buffer.name) + left * pixel
        if self._program.buffers[owner].role is Role.STATE:
            begin += self._arena_bytes
        samples = [begin + sample * stored * pitch for sample in range(buffer.batch)]
        if buffer.storage == Full():
            tag = self._tag(owner, None, "")
            if window == buffer.whole:
                return [Run(begin, begin + buffer.nbytes, tag)]
            if length == pitch:
                ends = window.y0 * pitch, window.y1 * pitch
                return [Run(sample + ends[0], sample + ends[1], tag) for sample in samples]
            tags = [tag] * window.height
        else:
            label = "" if origin is None else f" from column {origin} on"
            rows = range(window.y0, window.y1)
            tags = [self._tag(owner, (row, origin), f" row {row}{label}") for row in rows]
        rows = range(top, top + window.height)
        begins = [sample + (row % stored) * pitch for sample in samples for row in rows]
        return [Run(at, at + length, tag) for at, tag in zip(begins, tags * buffer.batch, strict=True)]

    def _tag(self, owner: str, content: Hashable, label: str) -> int:
        key = (owner, content)
        if key not in self._tags:
            self._tags[key] = len(self._labels)
            self._labels.append(owner + label)
        return self._tags[key]


def _in_place(step: Step, operands: tuple[int, int], output: Access, read: Access) -> bool:
    """True where the kernel may overwrite this input by this output (the numbers of both, the output's
    first), and does so element by element. What a kernel that is not windowed writes may be less than what
    it reads."""
    number, operand = operands
    return operand in step.overwritable(number) and output.takes_place_of(read, step.kernel.windowed)
