"""The NumPy arena machine: runs a placed program on one byte array of exactly the planned size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..ir.bits import pack, unpack
from ..ir.program import Buffer, Frame, Program, Rows, Task, Tile, When
from ..ir.window import Window
from ..kernels.feed import Feed

UNWRITTEN = 0xCD
"""What the arena holds before a run, so that reading memory that nobody wrote shows."""

Observer = Callable[[int, tuple[np.ndarray, ...]], None]


class Machine:
    """Executes the task list of ``program``; every value passes through the bytes of ``arena`` and ``state``.

    What ``state`` holds after a run is what the next one finds; at first it is as after ``reset``.
    """

    def __init__(self, program: Program) -> None:
        if program.plan is None:
            raise ValueError(f"program {program.name} has no memory plan")
        self.program = program
        self.arena = np.zeros(program.plan.arena_bytes, np.uint8)
        self.state = np.zeros(program.plan.state_bytes, np.uint8)
        self._fed: dict[str, np.ndarray] = {}
        self.reset()

    def reset(self) -> None:
        """Gives every state its initial value."""
        self.state[:] = UNWRITTEN
        for state in self.program.states:
            self._bytes_of(self.program.buffers[state.before])[:] = np.frombuffer(state.initial, np.uint8)

    def states(self) -> dict[str, np.ndarray]:
        """What the next run finds: by name of the buffer before it, in physical shape and stored dtype."""
        held = (self.program.buffers[state.before] for state in self.program.states)
        return {buffer.name: buffer.from_bytes(self._bytes_of(buffer)) for buffer in held}

    def run(self, inputs: Mapping[str, np.ndarray], observe: Observer | None = None) -> dict[str, np.ndarray]:
        """Outputs by buffer name, in physical shape and stored dtype, for ``inputs`` of the same kind.

        ``observe`` is called after each task that ran with its index and what it computed.
        """
        self.arena[:] = UNWRITTEN
        for name in self.program.inputs:
            buffer = self.program.buffers[name]
            whole = np.ascontiguousarray(inputs[name], buffer.dtype.numpy)
            if name in self.program.fed:
                self._fed[name] = whole
            else:
                self._bytes_of(buffer)[:] = buffer.to_bytes(whole)
        for index, task in enumerate(self.program.tasks):
            if task.when is not None and not self._holds(task, task.when):
                continue
            computed = self._execute(task)
            if observe is not None:
                observe(index, computed)
        return {
            name: buffer.from_bytes(self._bytes_of(buffer))
            for name, buffer in ((n, self.program.buffers[n]) for n in self.program.outputs)
        }

    def _holds(self, task: Task, when: When) -> bool:
        return bool(self._gather(when.flag, when.window, task).item()) == when.value

    def _execute(self, task: Task) -> tuple[np.ndarray, ...]:
        step = self.program.steps[task.step]
        window = self.program.window(task)
        gathered = [
            self._gather(name, self.program.needed(step, operand, window), task)
            for operand, name in enumerate(step.inputs)
        ]
        if isinstance(step.kernel, Feed):
            (name,) = step.outputs
            computed = (self.program.buffers[name].part(self._fed[name], window),)
        else:
            computed = step.kernel.compute(gathered, window)
        for name, values in zip(step.outputs, computed, strict=True):
            whole = self.program.buffers[name].whole
            self._scatter(name, window if step.kernel.windowed else whole, task, values)
        return computed

    def _bytes_of(self, buffer: Buffer) -> np.ndarray:
        offset = self.program.offset(buffer.name)
        block = self.state if self.program.persists(buffer.name) else self.arena
        return block[offset : offset + buffer.nbytes]

    def _pixels(self, buffer: Buffer) -> np.ndarray:
        """[batch, stored rows, stored columns, elements or packed bytes], a view of arena or state."""
        rows, columns = buffer.pixels_stored
        # the view is of bytes first: an arena need not start at an address aligned for the type
        stored = self._bytes_of(buffer)
        values = stored if buffer.dtype.is_packed else stored.view(buffer.dtype.numpy)
        return values.reshape(buffer.batch, rows, columns, -1)

    def _gather(self, name: str, window: Window, task: Task) -> np.ndarray:
        buffer = self.program.buffers[name]
        if window == buffer.whole and buffer.pixels_stored == buffer.grid[:2]:
            return buffer.from_bytes(self._bytes_of(buffer))
        places = _places(buffer, window, self.program.corner(task, name, written=False))
        picked = self._pixels(buffer)[np.ix_(np.arange(buffer.batch), *places)]
        if buffer.dtype.is_packed:
            picked = unpack(picked, buffer.dtype, buffer.grid[2])
        return picked.reshape(_window_shape(buffer, window))

    def _scatter(self, name: str, window: Window, task: Task, values: np.ndarray) -> None:
        buffer = self.program.buffers[name]
        if window == buffer.whole and buffer.pixels_stored == buffer.grid[:2]:
            self._bytes_of(buffer)[:] = buffer.to_bytes(values)
            return
        places = _places(buffer, window, self.program.corner(task, name, written=True))
        pixels = values.reshape(buffer.batch, window.height, window.width, buffer.grid[2])
        stored = pack(pixels, buffer.dtype.bits) if buffer.dtype.is_packed else pixels
        self._pixels(buffer)[np.ix_(np.arange(buffer.batch), *places)] = stored


def _window_shape(buffer: Buffer, window: Window) -> tuple[int, ...]:
    """The shape of a window of the tensor, in the tensor's rank."""
    if len(buffer.shape) == 4:
        return (buffer.batch, window.height, window.width, buffer.grid[2])
    return (buffer.batch, window.height, buffer.grid[2])


def _places(buffer: Buffer, window: Window, corner: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where the rows and columns of ``window`` lie in the buffer's storage, which begins with ``corner``."""
    rows, columns = np.arange(window.y0, window.y1), np.arange(window.x0, window.x1)
    match buffer.storage:
        case Rows() | Tile():
            return rows % buffer.pixels_stored[0], columns - corner[1]
        case Frame():
            return rows - corner[0], columns - corner[1]
        case _:
            return rows, columns
