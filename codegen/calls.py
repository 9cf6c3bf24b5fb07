"""The body of ``<model>_run``: calls of the layers' functions, singly, in loops over rows, and by tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..ir.invariant import run_once
from ..ir.program import Program
from ..ir.window import Window
from .frames import Top, tops
from .operands import StepView
from .regions import Block, Pass, Rows, Stream, loops, regions


@dataclass(frozen=True)
class Call:
    """A call of the function of layer ``layer`` (counted from 1), in a loop where ``head`` is its head, if
    ``condition`` holds where there is one."""

    layer: int
    text: str
    head: str = ""
    condition: str = ""


@dataclass(frozen=True)
class StreamTable:
    """A stream in tables: the layers in ``order``, and for each pass its part [begin, end) of them.

    ``fields`` are [passes, layers from ``base`` on]: ``y``, the row where a layer begins, and of ``height``,
    ``x0`` and ``x1`` those that differ. ``calls`` has one call per layer, by its number in the order,
    ``height`` the C text of the rows that it computes, ``counter`` an array of the type that row numbers
    need, ``feeds`` tells that some layer asks the caller for rows. The last ``slides`` calls move frames.
    """

    name: str
    base: int
    order: np.ndarray
    parts: np.ndarray
    fields: Mapping[str, np.ndarray]
    calls: Mapping[int, Call]
    height: str
    upward: bool
    counter: np.ndarray
    feeds: bool
    slides: int

    @property
    def keeps(self) -> bool:
        """True where a layer reads or writes a state."""
        return any("_STATE_AT(" in call.text for call in self.calls.values())

    @property
    def is_simple(self) -> bool:
        """One pass that needs no table but the order of layers."""
        return len(self.parts) == 1 and list(self.fields) == ["y"]


def first_repeated(program: Program, body: Sequence[Call | StreamTable]) -> int:
    """The number of the first part of ``body`` that has to run in every time step of an inference."""
    once = {task.step + 1 for task in program.tasks[: run_once(program)]}
    parts = ([part] if isinstance(part, Call) else part.calls.values() for part in body)
    return sum(all(call.layer in once for call in calls) for calls in parts)


class Caller:
    """Writes the calls of ``program``, whose steps are ``views`` to their functions."""

    def __init__(self, program: Program, views: Sequence[StepView]) -> None:
        self._program, self._views = program, views

    def body(self) -> list[Call | StreamTable]:
        """What the model's function does, in order."""
        made: list[Call | StreamTable] = []
        for region in regions(self._program):
            if isinstance(region, Rows):
                made.append(self._loop(region))
                continue
            name = f"{self._program.name}_stream_{sum(isinstance(r, StreamTable) for r in made) + 1}"
            table = _Tabulated(self._program, self._views, region).table(name, self.text, self.condition)
            made += [table] if table is not None else map(self._loop, loops(region.blocks))
        return made

    def _loop(self, rows: Rows) -> Call:
        """Rows of one step: a call, or a loop of calls."""
        block, window, height = rows.first, rows.first.window, rows.first.window.height
        corners = [str(corner) for corner in self._corners(block)]
        columns, condition = (str(window.x0), str(window.x1)), self.condition(block)
        if rows.count == 1:
            text = self.text(block.step, (str(window.y0), str(window.y1), *columns), corners)
            return Call(block.step + 1, text, condition=condition)
        if rows.upward:
            end = f"y >= {window.y0 - (rows.count - 1) * height}"
        else:
            end = f"y < {window.y0 + rows.count * height}"
        sign = "-" if rows.upward else "+"
        head = f"int32_t y = {window.y0}; {end}; {sign * 2 + 'y' if height == 1 else f'y {sign}= {height}'}"
        text = self.text(block.step, ("y", f"y + {height}", *columns), corners)
        return Call(block.step + 1, text, head, condition)

    def _corners(self, block: Block) -> list[int]:
        """Where the operands begin that have a parameter for it."""
        step, view = self._program.steps[block.step], self._views[block.step]
        names = self._program.operands(step)
        found: list[int] = []
        for operand, edge in view.corners:
            written = operand >= len(step.inputs)
            top, left = self._program.corner(block.task, names[operand], written)
            found.append(top if edge == "y0" else left)
        return found

    def text(self, index: int, window: Sequence[str], corners: Sequence[str]) -> str:
        """C of one call: ``window`` is y0, y1, x0 and x1, ``corners`` where tiles and frames begin."""
        program, view = self._program, self._views[index]
        step = program.steps[index]
        arguments = ["in"] if view.feeds else []
        arguments += [self._place(name) for name in program.operands(step)]
        arguments += [*window[: len(view.window)], *corners]
        return f"{program.name}_{step.name}({', '.join(arguments)})"

    def condition(self, block: Block) -> str:
        """C that tells whether a task runs, empty where it always does."""
        when = block.task.when
        if when is None:
            return ""
        flags = self._program.buffers[when.flag]
        top, left = self._program.corner(block.task, when.flag, written=False)
        rows, columns = flags.pixels_stored
        place = self._place(when.flag, (when.y - top) % rows * columns + when.x - left)
        return f"*(const {flags.dtype.c} *){place} {'!=' if when.value else '=='} 0"

    def _place(self, name: str, behind: int = 0) -> str:
        """C of a pointer to a buffer, in arena or state, or to some bytes ``behind``."""
        kind = "STATE_AT" if self._program.persists(name) else "AT"
        return f"{self._program.name.upper()}_{kind}({self._program.offset(name) + behind})"


@dataclass(frozen=True)
class _Tabulated:
    """A stream, as numbers for each pass and layer."""

    program: Program
    views: Sequence[StepView]
    stream: Stream

    def table(
        self, name: str, text: Callable[[int, Sequence[str], Sequence[str]], str],
        condition: Callable[[Block], str],
    ) -> StreamTable | None:  # fmt: skip
        """None where the tiles of a step do not begin where a step computes its columns, where frames do not
        begin as their readers advance, or where the flags that a step depends on lie in several places."""
        fields = {"y": self._numbers(lambda window: window.y0), **self._varying}
        if self._slides and "height" in fields:
            return None
        calls: dict[int, Call] = {}
        for step in self.stream.steps:
            corners = self._corners(step)
            conditions = {condition(block) for block in self.stream.blocks if block.step == step}
            if corners is None or len(conditions) > 1:
                return None
            height = self._field("height", step)
            window = ("y", f"y + {height}", self._field("x0", step), self._field("x1", step))
            called = text(step, window, corners)
            calls[self._number[step]] = Call(step + 1, called, condition=conditions.pop())
        order, parts = self._order()
        counter = _compact([block.window.y0 for block in self._computing])
        base = self._layers[0]
        fields["y"] = fields["y"].astype(counter.dtype)
        advance = f"pass->height[layer - {base + 1}]" if "height" in fields else self._field("height", base)
        feeds = any(self.views[step].feeds for step in self.stream.steps)
        return StreamTable(
            name, base + 1, order, parts, fields, calls, advance, self.stream.upward, counter, feeds,
            len(self._slides),
        )  # fmt: skip

    @cached_property
    def _slides(self) -> list[int]:
        """Steps that move frames."""
        return [step for step in self.stream.steps if self.program.steps[step].kernel.slides]

    @cached_property
    def _layers(self) -> list[int]:
        """All other steps."""
        return [step for step in self.stream.steps if step not in self._slides]

    @cached_property
    def _computing(self) -> list[Block]:
        return [block for block in self.stream.blocks if block.step not in self._slides]

    @cached_property
    def _number(self) -> dict[int, int]:
        """By step what the order calls it: its layer's number; those that move frames follow the last."""
        moves = {step: self._layers[-1] + 2 + n for n, step in enumerate(self._slides)}
        return {step: step + 1 for step in self._layers} | moves

    def _order(self) -> tuple[np.ndarray, np.ndarray]:
        """The layers of all different passes one after the other, and where in it each pass is."""
        begins: dict[tuple[int, ...], int] = {}
        layers: list[int] = []
        for part in self.stream.passes:
            if part.order not in begins:
                begins[part.order] = len(layers)
                layers += [self._number[step] for step in part.order]
        parts = [(begins[p.order], begins[p.order] + len(p.order)) for p in self.stream.passes]
        return _compact(layers), _compact(parts)

    @cached_property
    def _varying(self) -> dict[str, np.ndarray]:
        """Heights where they are not the same for all, columns where those of some layer differ between
        passes."""
        found = {
            "height": self._numbers(lambda window: window.height),
            "x0": self._numbers(lambda window: window.x0),
            "x1": self._numbers(lambda window: window.x1),
        }
        heights = {block.window.height for block in self._computing}
        if len(heights) == 1:
            del found["height"]
        return {
            name: values
            for name, values in found.items()
            if name == "height" or any(len(self._values(name, step)) > 1 for step in self._layers)
        }

    def _numbers(self, number: Callable[[Window], int]) -> np.ndarray:
        steps = self._layers
        made = np.zeros((len(self.stream.passes), steps[-1] - steps[0] + 1), np.int64)
        for row, part in enumerate(self.stream.passes):
            for step, block in part.first.items():
                if step not in self._slides:
                    made[row, step - steps[0]] = number(block.window)
        return _compact(made)

    def _field(self, name: str, step: int) -> str:
        """C of a number: itself where it is the same in all passes."""
        values = self._values(name, step)
        return str(values.pop()) if len(values) == 1 else f"pass->{name}[{step - self.stream.steps[0]}]"

    def _values(self, name: str, step: int) -> set[int]:
        return {getattr(p.first[step].window, name) for p in self.stream.passes if step in p.first}

    def _corners(self, step: int) -> list[str] | None:
        """C of where the operands of a step begin that have a parameter for it."""
        made = self.program.steps[step]
        found: list[str] = []
        for operand, edge in self.views[step].corners:
            name = self.program.operands(made)[operand]
            slid = made.kernel.slides if operand < len(made.inputs) else 0
            text = self._top(step, name, slid) if edge == "y0" else self._left(step, name)
            if text is None:
                return None
            found.append(text)
        return found

    @cached_property
    def _tops(self) -> Mapping[str, Top] | None:
        return tops(self.program, self.stream)

    def _top(self, step: int, name: str, slid: int) -> str | None:
        """The first row of a frame."""
        if self._tops is None:
            return None
        top = self._tops[name]
        return top.text("y" if top.reader == step else f"next[{top.reader - self._layers[0]}]", slid)

    def _left(self, step: int, name: str) -> str | None:
        """The first column of a tile: a number, or where its producer begins."""
        passes = [p for p in self.stream.passes if step in p.first]
        values = [p.first[step].task.origins[name] for p in passes]
        if len(set(values)) == 1:
            return str(values[0])
        producer = self._producer(name)
        if producer is None or values != [_begin(p, producer) for p in passes]:
            return None
        return self._field("x0", producer)

    def _producer(self, name: str) -> int | None:
        return next((s for s in self._layers if name in self.program.steps[s].outputs), None)


def _begin(part: Pass, step: int) -> int | None:
    """The first column that a step computes in a pass."""
    return part.first[step].window.x0 if step in part.first else None


def _compact(numbers: Sequence[object] | np.ndarray) -> np.ndarray:
    """Natural numbers in the smallest type that holds them."""
    array = np.asarray(numbers, np.int64)
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))
