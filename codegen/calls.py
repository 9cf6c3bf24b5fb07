"""The body of ``<model>_run``: calls of the layers' functions, singly, in loops over rows, and by tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..ir.program import Program
from ..ir.window import Window
from .operands import StepView
from .regions import Pass, Rows, Stream, loops, regions


@dataclass(frozen=True)
class Call:
    """A call of the function of layer ``layer`` (counted from 1), in a loop where ``head`` is its head."""

    layer: int
    text: str
    head: str = ""


@dataclass(frozen=True)
class StreamTable:
    """A stream in tables: the layers in ``order``, and for each pass its part [begin, end) of them.

    ``fields`` are [passes, layers from ``base`` on]: ``y``, the row where a layer begins, and of ``height``,
    ``x0`` and ``x1`` those that differ. ``calls`` has one call per layer, ``height`` the C text of the rows
    that it computes, ``counter`` an array of the type that row numbers need, ``feeds``
    tells that some layer asks the caller for rows.
    """

    name: str
    base: int
    order: np.ndarray
    parts: np.ndarray
    fields: Mapping[str, np.ndarray]
    calls: Sequence[Call]
    height: str
    upward: bool
    counter: np.ndarray
    feeds: bool

    @property
    def is_simple(self) -> bool:
        """One pass that needs no table but the order of layers."""
        return len(self.parts) == 1 and list(self.fields) == ["y"]


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
            table = _Tabulated(self._program, self._views, region).table(name, self.text)
            made += [table] if table is not None else map(self._loop, loops(region.blocks))
        return made

    def _loop(self, rows: Rows) -> Call:
        """Rows of one step: a call, or a loop of calls."""
        block, window, height = rows.first, rows.first.window, rows.first.window.height
        origins = {name: str(x0) for name, x0 in block.task.origins.items()}
        columns = str(window.x0), str(window.x1)
        if rows.count == 1:
            text = self.text(block.step, (str(window.y0), str(window.y1), *columns), origins)
            return Call(block.step + 1, text)
        if rows.upward:
            end = f"y >= {window.y0 - (rows.count - 1) * height}"
        else:
            end = f"y < {window.y0 + rows.count * height}"
        sign = "-" if rows.upward else "+"
        head = f"int32_t y = {window.y0}; {end}; {sign * 2 + 'y' if height == 1 else f'y {sign}= {height}'}"
        return Call(block.step + 1, self.text(block.step, ("y", f"y + {height}", *columns), origins), head)

    def text(self, index: int, window: Sequence[str], origins: Mapping[str, str]) -> str:
        """C of one call: ``window`` is y0, y1, x0 and x1, ``origins`` the first column of each tile."""
        program, view = self._program, self._views[index]
        step = program.steps[index]
        arguments = ["in"] if view.feeds else []
        arguments += [f"{program.name.upper()}_AT({program.offset(name)})" for name in program.operands(step)]
        arguments += window[: len(view.window)]
        if view.windowed:
            for operand, name in zip(view.operands, program.operands(step), strict=True):
                if operand.tile:
                    arguments.append(origins[name])
        return f"{program.name}_{step.name}({', '.join(arguments)})"


@dataclass(frozen=True)
class _Tabulated:
    """A stream, as numbers for each pass and layer."""

    program: Program
    views: Sequence[StepView]
    stream: Stream

    def table(
        self, name: str, text: Callable[[int, Sequence[str], Mapping[str, str]], str]
    ) -> StreamTable | None:
        """None where the tiles of a step do not begin where a step computes its columns."""
        fields = {"y": self._numbers(lambda window: window.y0), **self._varying}
        calls: list[Call] = []
        for step in self.stream.steps:
            origins = self._origins(step)
            if origins is None:
                return None
            height = self._field("height", step)
            window = ("y", f"y + {height}", self._field("x0", step), self._field("x1", step))
            calls.append(Call(step + 1, text(step, window, origins)))
        order, parts = self._order()
        counter = _compact([block.window.y0 for block in self.stream.blocks])
        base = self.stream.steps[0]
        fields["y"] = fields["y"].astype(counter.dtype)
        advance = f"pass->height[layer - {base + 1}]" if "height" in fields else self._field("height", base)
        feeds = any(self.views[step].feeds for step in self.stream.steps)
        return StreamTable(
            name, base + 1, order, parts, fields, calls, advance, self.stream.upward, counter, feeds
        )

    def _order(self) -> tuple[np.ndarray, np.ndarray]:
        """The layers of all different passes one after the other, and where in it each pass is."""
        begins: dict[tuple[int, ...], int] = {}
        layers: list[int] = []
        for part in self.stream.passes:
            if part.order not in begins:
                begins[part.order] = len(layers)
                layers += [step + 1 for step in part.order]
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
        heights = {block.window.height for block in self.stream.blocks}
        if len(heights) == 1:
            del found["height"]
        return {
            name: values
            for name, values in found.items()
            if name == "height" or any(len(self._values(name, step)) > 1 for step in self.stream.steps)
        }

    def _numbers(self, number: Callable[[Window], int]) -> np.ndarray:
        steps = self.stream.steps
        made = np.zeros((len(self.stream.passes), steps[-1] - steps[0] + 1), np.int64)
        for row, part in enumerate(self.stream.passes):
            for step, block in part.first.items():
                made[row, step - steps[0]] = number(block.window)
        return _compact(made)

    def _field(self, name: str, step: int) -> str:
        """C of a number: itself where it is the same in all passes."""
        values = self._values(name, step)
        return str(values.pop()) if len(values) == 1 else f"pass->{name}[{step - self.stream.steps[0]}]"

    def _values(self, name: str, step: int) -> set[int]:
        return {getattr(p.first[step].window, name) for p in self.stream.passes if step in p.first}

    def _origins(self, step: int) -> dict[str, str] | None:
        """C of the first column of each tile of a step: a number, or where its producer begins."""
        passes = [p for p in self.stream.passes if step in p.first]
        found: dict[str, str] = {}
        for name in passes[0].first[step].task.origins:
            values = [p.first[step].task.origins[name] for p in passes]
            if len(set(values)) == 1:
                found[name] = str(values[0])
                continue
            producer = self._producer(name)
            if producer is None or values != [_begin(p, producer) for p in passes]:
                return None
            found[name] = self._field("x0", producer)
        return found

    def _producer(self, name: str) -> int | None:
        return next((s for s in self.stream.steps if name in self.program.steps[s].outputs), None)


def _begin(part: Pass, step: int) -> int | None:
    """The first column that a step computes in a pass."""
    return part.first[step].window.x0 if step in part.first else None


def _compact(numbers: Sequence[object] | np.ndarray) -> np.ndarray:
    """Natural numbers in the smallest type that holds them."""
    array = np.asarray(numbers, np.int64)
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))
