"""Loops and tables found in flat lists of tasks, and that they stand for the same tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from tinyc.codegen.calls import Caller, StreamTable
from tinyc.codegen.operands import StepView
from tinyc.codegen.regions import Block, Rows, Stream, regions
from tinyc.ir.program import Program, Task
from tinyc.ir.window import Window
from tinyc.passes.place import place

from ..kernels.checks import lowered
from ..kernels.schedules import column_tiles, patches, rows_alone, stream_frames, stream_rows
from .subjects import conv

SCHEDULES: dict[str, Callable[[Program], Program]] = {
    "layers": lambda program: program,
    "rows down": rows_alone,
    "rows up": lambda program: rows_alone(program, upward=True),
    "stream": stream_rows,
    "stream up": lambda program: stream_rows(program, upward=True),
    "frames": stream_frames,
    "frames up": lambda program: stream_frames(program, upward=True),
    "column tiles": lambda program: column_tiles(program, 2),
    "column tiles up": lambda program: column_tiles(program, 2, upward=True),
    "patches": lambda program: patches(program, 2, 3),
    "pixels": lambda program: patches(program, 1, 1),
}


def moved(block: Block, rows: int) -> Block:
    window = replace(block.window, y0=block.window.y0 + rows, y1=block.window.y1 + rows)
    return Block(block.task, window)


def played(region: Rows | Stream) -> Iterator[Block]:
    """The blocks that a region stands for, from its description alone."""
    if isinstance(region, Rows):
        step = region.first.window.height * (-1 if region.upward else 1)
        yield from (moved(region.first, i * step) for i in range(region.count))
        return
    for part in region.passes:
        following = dict(part.first)
        for step in part.order:
            block = following[step]
            yield block
            following[step] = moved(block, block.window.height * (-1 if region.upward else 1))


def whole(program: Program, task: Task) -> Window:
    return program.buffers[program.steps[task.step].outputs[0]].whole


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_regions_stand_for_the_tasks_in_order(schedule: str) -> None:
    program = SCHEDULES[schedule](lowered(conv()))
    found = [block for region in regions(program) for block in played(region)]
    # which rows move in a frame follows from where it begins
    slides = {index for index, step in enumerate(program.steps) if step.kernel.slides}
    assert [(b.step, b.step in slides or b.window, dict(b.task.origins)) for b in found] == [
        (t.step, t.step in slides or t.window or whole(program, t), dict(t.origins)) for t in program.tasks
    ]


@pytest.mark.parametrize(
    ("schedule", "kinds"),
    [("layers", [Rows] * 3), ("rows down", [Rows] * 3), ("rows up", [Rows] * 3), ("stream", [Stream]),
     ("stream up", [Stream]), ("column tiles", [Stream]), ("patches", [Stream]), ("pixels", [Stream])],
)  # fmt: skip
def test_kinds(schedule: str, kinds: list[type]) -> None:
    program = SCHEDULES[schedule](lowered(conv()))
    assert [type(region) for region in regions(program)] == kinds


def test_one_row_after_the_other_is_a_loop() -> None:
    program = rows_alone(lowered(conv()), upward=True)
    loops = [region for region in regions(program) if isinstance(region, Rows)]
    assert [(loop.count, loop.upward) for loop in loops] == [(9, True), (8, True), (8, True)]


def tables(program: Program) -> list[StreamTable]:
    placed = place(program)
    views = [
        StepView.of(placed, step, [t for t in placed.tasks if t.step == index])
        for index, step in enumerate(placed.steps)
    ]
    return [part for part in Caller(placed, views).body() if isinstance(part, StreamTable)]


def test_column_tiles_share_their_order() -> None:
    program = column_tiles(lowered(conv()), 2)
    (table,) = tables(program)
    assert len(table.parts) == 3 and len(program.tasks) == 3 * len(table.order)
    assert (table.parts == [0, len(table.order)]).all()
    assert sorted(table.fields) == ["x0", "x1", "y"]


def test_a_row_task_takes_one_byte() -> None:
    program = stream_rows(lowered(conv()))
    (table,) = tables(program)
    assert table.is_simple and table.order.dtype == np.uint8 and len(table.order) == len(program.tasks)


def test_patches_of_two_rows() -> None:
    (table,) = tables(patches(lowered(conv()), 2, 3))
    assert table.height == "pass->height[layer - 1]" and len(table.parts) == 8
    assert table.order.tolist() == [1, 2, 3]


def test_tiles_that_begin_elsewhere_are_called_one_by_one() -> None:
    """A tile may begin left of what its producer computes: no table has a field for that."""
    program = column_tiles(lowered(conv()), 2)
    name = program.steps[0].outputs[0]
    buffer = program.buffers[name]
    wider = {**program.buffers, name: replace(buffer, storage=replace(buffer.storage, width=30))}
    tasks = [
        replace(t, origins={n: x - (min(x, 1) if n == name else 0) for n, x in t.origins.items()})
        for t in program.tasks
    ]
    assert tables(replace(program, buffers=wider, tasks=tuple(tasks))) == []


def test_steps_that_run_after_each_other_are_apart() -> None:
    """Two rows of one layer, then two of the next: nothing is interleaved."""
    program = lowered(conv())
    columns = program.buffers[program.steps[0].outputs[0]].grid[1]
    rows = [Task(0, Window(y, y + 1, 0, columns)) for y in (0, 1)]
    found = regions(replace(program, tasks=(*rows, Task(1))))
    assert [(r.first.step, r.count) for r in found if isinstance(r, Rows)] == [(0, 2), (1, 1)]
