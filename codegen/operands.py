"""What a kernel's template knows of its step: operands and the extent of its loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ..ir.program import Buffer, Frame, Program, Step, Task, Tile
from ..kernels.feed import Feed


@dataclass(frozen=True)
class Operand:
    """A parameter of a layer's function. A stored row has ``pitch`` columns. From one pixel to the next are
    ``pixel`` numbers of the C type, from one run of the last axis to the next ``run``: fewer than elements
    where these, of ``bits`` each, are packed. ``ring`` is the number of rows that are stored, None for all;
    of a ``tile`` the caller gives the first column, of a ``frame``, which has so many rows, the first row."""

    name: str
    ctype: str
    shape: tuple[int, ...]
    rows: int
    columns: int
    pitch: int
    channels: int
    pixel: int
    run: int
    elements: int
    bits: int
    output: bool
    ring: int | None
    tile: bool
    frame: int | None

    @property
    def pointer(self) -> str:
        """The parameter's type, up to its name."""
        return f"{self.ctype} *" if self.output else f"const {self.ctype} *"

    @property
    def sample(self) -> int:
        """Numbers of the C type from one sample of a batch, which is stored whole, to the next."""
        return self.rows * self.columns * self.pixel

    @classmethod
    def of(cls, name: str, buffer: Buffer, output: bool) -> Operand:
        rows, columns, channels = buffer.grid
        stored, pitch = buffer.pixels_stored
        framed = isinstance(buffer.storage, Frame)
        return cls(
            name, buffer.dtype.c, buffer.shape, rows, columns, pitch, channels,
            buffer.pixel_bytes // buffer.dtype.size,
            buffer.dtype.nbytes(prod(buffer.shape[-1:])) // buffer.dtype.size,
            buffer.elements, buffer.dtype.bits, output,
            ring=stored if stored < rows and not framed else None,
            tile=pitch < columns if framed else isinstance(buffer.storage, Tile) and columns > 1,
            frame=stored if framed else None,
        )  # fmt: skip


@dataclass(frozen=True)
class StepView:
    """A step as its template sees it. ``windowed`` steps take their window as parameters; the others
    have constant loops over the whole output. ``feeds`` names the input that the caller delivers in it;
    ``slides`` tells that it moves rows inside a frame."""

    name: str
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    scratch: tuple[Operand, ...]
    windowed: bool
    feeds: str
    slides: bool

    @property
    def window(self) -> tuple[str, ...]:
        """The parameters for the window: the caller delivers whole rows; which a frame keeps, it knows."""
        if not self.windowed or self.slides:
            return ()
        return ("y0", "y1") if self.feeds else ("y0", "y1", "x0", "x1")

    @property
    def corners(self) -> tuple[tuple[int, str], ...]:
        """The parameters for where tiles and frames begin: the operand's number, and ``x0`` or ``y0``."""
        if not self.windowed:
            return ()
        kinds = [(n, "x0") for n, op in enumerate(self.operands) if op.tile and not self.slides]
        return (*kinds, *((n, "y0") for n, op in enumerate(self.operands) if op.frame))

    @property
    def operands(self) -> tuple[Operand, ...]:
        return self.inputs + self.outputs + self.scratch

    @property
    def y0(self) -> str:
        return "y0" if self.windowed else "0"

    @property
    def y1(self) -> str:
        return "y1" if self.windowed else str(self.outputs[0].rows)

    @property
    def x0(self) -> str:
        return "x0" if self.windowed else "0"

    @property
    def x1(self) -> str:
        return "x1" if self.windowed else str(self.outputs[0].columns)

    @classmethod
    def of(cls, program: Program, step: Step, tasks: Sequence[Task]) -> StepView:
        def named(names: tuple[str, ...], base: str, output: bool) -> tuple[Operand, ...]:
            single = len(names) == 1
            return tuple(
                Operand.of(base if single else f"{base}{i}", program.buffers[name], output)
                for i, name in enumerate(names)
            )

        inputs, outputs = named(step.inputs, "in", False), named(step.outputs, "out", True)
        partial = any(op.ring or op.tile or op.frame for op in inputs + outputs)
        whole = program.buffers[step.outputs[0]].whole
        windowed = partial or any(task.window not in (None, whole) for task in tasks)
        scratch = named(step.scratch, "scratch", True)
        feeds = step.outputs[0] if isinstance(step.kernel, Feed) else ""
        return cls(step.name, inputs, outputs, scratch, windowed, feeds, slides=step.kernel.slides != 0)
