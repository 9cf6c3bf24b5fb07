"""Program: the one scheduled form of a model. Steps say what, tasks say when, buffers say where.

Tensors here are *physical*: channel-last where the operator is spatial, in the order in which the bytes
lie in memory. Windows, rings of rows and tiles address the grid of a tensor: rows, columns, channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from math import prod

import numpy as np

from .bits import pack, unpack
from .dtype import DType, Quant
from .kernel import Kernel
from .window import Window


@dataclass(frozen=True)
class Full:
    """The whole tensor is stored."""


@dataclass(frozen=True)
class Rows:
    """A ring of ``count`` rows: row y lives at ``y % count``."""

    count: int


@dataclass(frozen=True)
class Tile:
    """A ring of ``height`` rows of ``width`` columns each: row y lives at ``y % height``, column x at
    ``x - x0``, where each task gives x0. A patch, and a column tile of a row stream, are stored so."""

    height: int
    width: int


@dataclass(frozen=True)
class Frame:
    """``height`` rows of ``width`` columns that slide along the tensor: row y lives at ``y - y0``, column x
    at ``x - x0``, where each task gives both (``y0`` is negative where the frame begins above the tensor).
    The slots of rows that are not there yet are free for others."""

    height: int
    width: int


Storage = Full | Rows | Tile | Frame


class Role(Enum):
    """Why a buffer exists. Those of a STATE lie in a block of their own, outside the arena."""

    INPUT = "input"
    OUTPUT = "output"
    ACTIVATION = "activation"
    SCRATCH = "scratch"
    STATE = "state"


@dataclass(frozen=True)
class Alias:
    """The buffer is a view: it begins ``offset`` bytes into the buffer named ``parent``."""

    parent: str
    offset: int = 0


@dataclass(frozen=True)
class Buffer:
    """Storage of one tensor, in the arena or, with ``Role.STATE``, in the state block."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    storage: Storage = Full()
    quant: Quant | None = None
    role: Role = Role.ACTIVATION
    alias: Alias | None = None
    source: str = ""
    """Name of the tensor in the ONNX model."""
    order: tuple[int, ...] = ()
    """The model's axes in the order in which they lie in memory; empty: the model's own order."""

    def to_memory(self, array: np.ndarray) -> np.ndarray:
        """An array in the model's order of axes as it lies in this buffer: transposed, not converted."""
        if not self.order:
            return array.reshape(self.shape)
        logical = [0] * len(self.order)
        for position, axis in enumerate(self.order):
            logical[axis] = self.shape[position]
        return array.reshape(logical).transpose(self.order)

    def from_memory(self, array: np.ndarray) -> np.ndarray:
        """The inverse of ``to_memory``."""
        if not self.order:
            return array.reshape(self.shape)
        return array.reshape(self.shape).transpose(
            [self.order.index(axis) for axis in range(len(self.order))]
        )

    @property
    def batch(self) -> int:
        """Samples in the tensor; windows, rings and tiles are for one sample."""
        return self.shape[0] if len(self.shape) in (3, 4) else 1

    @property
    def grid(self) -> tuple[int, int, int]:
        """Rows, columns and channels: (N, H, W, C) or (N, L, C); any other rank is one pixel."""
        if len(self.shape) == 4:
            return self.shape[1], self.shape[2], self.shape[3]
        if len(self.shape) == 3:
            return self.shape[1], 1, self.shape[2]
        return 1, 1, prod(self.shape)

    @property
    def elements(self) -> int:
        """Elements of the whole tensor, whatever part of it is stored."""
        return prod(self.shape)

    @property
    def pixels_stored(self) -> tuple[int, int]:
        """Rows and columns that have storage."""
        rows, columns, _ = self.grid
        match self.storage:
            case Full():
                return rows, columns
            case Rows(count):
                return min(count, rows), columns
            case Tile(height, width) | Frame(height, width):
                return height, width

    def part(self, array: np.ndarray, window: Window) -> np.ndarray:
        """The window of an array that holds the whole tensor; any rank without a grid is one pixel."""
        rows = slice(window.y0, window.y1)
        if array.ndim == 4:
            return array[:, rows, window.x0 : window.x1]
        return array[:, rows] if array.ndim == 3 else array

    @property
    def pixel_bytes(self) -> int:
        """Bytes from one pixel of the grid to the next. A pixel of a rank without a grid is made of runs of
        the last axis; packed elements begin a byte in each."""
        runs = 1 if len(self.shape) in (3, 4) else prod(self.shape[:-1])
        return runs * self.dtype.nbytes(prod(self.shape[-1:]))

    @property
    def nbytes(self) -> int:
        """Bytes of storage."""
        rows, columns = self.pixels_stored
        return self.batch * rows * columns * self.pixel_bytes

    @property
    def arena_bytes(self) -> int:
        """Bytes of the arena that it takes as an owner of memory."""
        return 0 if self.role is Role.STATE else self.nbytes

    def widths(self, other: Buffer) -> tuple[int, int]:
        """Sizes that are to each other as the bytes of equally many elements of this buffer and of ``other``:
        of an element, or, where elements are packed, of a pixel."""
        if self.dtype.is_packed or other.dtype.is_packed:
            return self.pixel_bytes, other.pixel_bytes
        return self.dtype.size, other.dtype.size

    def to_bytes(self, values: np.ndarray) -> np.ndarray:
        """uint8: a whole tensor, in memory order, as it is stored."""
        if self.dtype.is_packed:
            return pack(values.reshape(*self.shape[:-1], -1), self.dtype.bits).reshape(-1)
        return np.ascontiguousarray(values, self.dtype.numpy).reshape(-1).view(np.uint8)

    def from_bytes(self, stored: np.ndarray) -> np.ndarray:
        """The inverse of ``to_bytes``, a copy."""
        if self.dtype.is_packed:
            run = prod(self.shape[-1:])
            runs = stored.reshape(*self.shape[:-1], self.dtype.nbytes(run))
            return unpack(runs, self.dtype, run).reshape(self.shape)
        return stored.view(self.dtype.numpy).reshape(self.shape).copy()

    @property
    def whole(self) -> Window:
        rows, columns, _ = self.grid
        return Window(0, rows, 0, columns)


@dataclass(frozen=True)
class Step:
    """A kernel with its operands. ``name`` is a C identifier, unique in the program."""

    name: str
    kernel: Kernel
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scratch: tuple[str, ...] = ()
    operator: str = ""
    """ONNX operators that it stands for, as a person would write them: ``Conv + Relu``."""
    source: str = ""
    """Name of the ONNX node."""

    def overwritable(self, output: int) -> tuple[int, ...]:
        """Inputs whose bytes output number ``output`` may overwrite."""
        return self.kernel.in_place() if len(self.outputs) == 1 else self.kernel.in_place_at(output)


@dataclass(frozen=True)
class When:
    """Holds where the pixel in row ``y`` and column ``x`` of the buffer ``flag``, a BOOL, is ``value``."""

    flag: str
    y: int
    x: int
    value: bool

    @property
    def place(self) -> tuple[str, int, int]:
        """The pixel."""
        return self.flag, self.y, self.x

    @property
    def window(self) -> Window:
        """What of the flags is read to tell."""
        return Window(self.y, self.y + 1, self.x, self.x + 1)

    def excludes(self, other: When | None) -> bool:
        """True where the two never hold in one run: flags have one writer, which computes each from the same
        values whenever it does."""
        return other is not None and self.place == other.place and self.value != other.value


@dataclass(frozen=True)
class Task:
    """Compute one window of a step's output. ``window`` None means all of it.

    ``origins`` gives, for each operand with Tile or Frame storage, the column of the tensor that lies first
    in its rows, ``tops`` for each Frame the row that lies first: of one that the step slides, afterwards.
    A task with a condition, ``when``, is left out in runs where that does not hold; ``origins`` has the place
    of its flags too.
    """

    step: int
    window: Window | None = None
    origins: Mapping[str, int] = field(default_factory=dict)
    tops: Mapping[str, int] = field(default_factory=dict)
    when: When | None = None


@dataclass(frozen=True)
class State:
    """A value that persists from one run to the next, as two buffers on the same bytes: ``before`` is what a
    run finds there, ``after`` what it leaves. ``initial`` are the bytes after a reset."""

    before: str
    after: str
    initial: bytes


@dataclass(frozen=True)
class MemoryPlan:
    """One byte offset per buffer that owns memory (from the beginning of the arena, or of the state block),
    and how good the plan is proved to be."""

    offsets: Mapping[str, int]
    arena_bytes: int
    lower_bound: int
    proved_optimal: bool
    alignment: int
    state_bytes: int = 0
    state_alignment: int = 1


@dataclass(frozen=True)
class Program:
    """Steps, tasks in execution order, and buffers by name."""

    name: str
    buffers: Mapping[str, Buffer]
    steps: tuple[Step, ...]
    tasks: tuple[Task, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    plan: MemoryPlan | None = None
    views: tuple[Step, ...] = ()
    """Steps that cost nothing: no task runs them, their outputs and inputs are views of each other."""
    states: tuple[State, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Buffers that hold something before the first task, or are fed: inputs and states."""
        return (*self.inputs, *(state.before for state in self.states))

    @property
    def results(self) -> tuple[str, ...]:
        """Buffers that are wanted after the last task: outputs and states."""
        return (*self.outputs, *(state.after for state in self.states))

    @cached_property
    def held(self) -> frozenset[str]:
        """States that do not carry over what was before: steps only leave there what later time steps of the
        same inputs need not compute again."""
        read = {self.owner(name)[0] for step in self.steps for name in step.inputs}
        return frozenset(state.after for state in self.states if state.before not in read)

    @property
    def fed(self) -> tuple[str, ...]:
        """Inputs whose rows the caller delivers when a step asks; the others lie in the arena before."""
        delivered = {name for step in self.steps for name in step.outputs}
        return tuple(name for name in self.inputs if name in delivered)

    def owner(self, name: str) -> tuple[str, int]:
        """The buffer that owns the bytes of ``name``, and where in it ``name`` begins."""
        offset = 0
        while (alias := self.buffers[name].alias) is not None:
            name, offset = alias.parent, offset + alias.offset
        return name, offset

    def persists(self, name: str) -> bool:
        """True for buffers in the state block, views included; the others lie in the arena."""
        return self.buffers[self.owner(name)[0]].role is Role.STATE

    def offset(self, name: str) -> int:
        """Offset of ``name`` in its block, arena or state, in bytes; the program must be placed."""
        if self.plan is None:
            raise ValueError(f"program {self.name} has no memory plan")
        owner, inside = self.owner(name)
        return self.plan.offsets[owner] + inside

    def window(self, task: Task) -> Window:
        """What ``task`` computes of its step's output: all of it, where it does not say."""
        return task.window or self.buffers[self.steps[task.step].outputs[0]].whole

    def needed(self, step: Step, operand: int, window: Window) -> Window:
        """The window of input ``operand`` that ``step`` reads for ``window`` of its output."""
        buffer = self.buffers[step.inputs[operand]]
        if not step.kernel.windowed:
            return buffer.whole
        rows, columns, _ = buffer.grid
        return step.kernel.needs(operand, window).clip(rows, columns)

    def corner(self, task: Task, name: str, written: bool) -> tuple[int, int]:
        """Row and column of ``name`` that lie first in what ``task`` reads or writes of it; 0 where that is
        the same for all tasks."""
        slid = 0 if written else self.steps[task.step].kernel.slides
        return task.tops[name] - slid if name in task.tops else 0, task.origins.get(name, 0)

    def operands(self, step: Step) -> tuple[str, ...]:
        return step.inputs + step.outputs + step.scratch
