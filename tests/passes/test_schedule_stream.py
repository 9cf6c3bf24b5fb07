"""Streams: what steps read is looked up as the kernels say, and rings and tiles are as small as can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import onnx
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tinyc.ir.errors import VerificationError
from tinyc.ir.program import Frame, Full, Program, Rows, Storage, Task, Tile
from tinyc.ir.window import Window
from tinyc.passes.place import place
from tinyc.passes.schedule import Grid, Segment, build
from tinyc.passes.schedule.reads import Reads
from tinyc.passes.validate import validate

from .programs import Box, Builder
from .random_schedules import forms, layers_of, networks, schedules

_FIXED = settings(
    derandomize=True, database=None, deadline=None, max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip


# ---- reads ----


@_FIXED
@given(networks(), st.data())
def test_windows_read_what_the_kernels_say(model: onnx.ModelProto, data: st.DataObject):
    program = data.draw(forms(layers_of(model)))
    reads = Reads(program)
    for index, step in enumerate(program.steps):
        if not step.kernel.windowed:
            continue
        rows, columns, _ = program.buffers[step.outputs[0]].grid
        window = Window(*data.draw(_interval(rows)), *data.draw(_interval(columns)))
        for operand, name in enumerate(step.inputs):
            if name in step.outputs:  # what a running sum holds: its rows come in order anyway
                continue
            wanted = program.needed(step, operand, window)
            found = reads.needed(index, operand, window)
            assert found == wanted or not (found.pixels or wanted.pixels)


def _interval(length: int) -> st.SearchStrategy[tuple[int, int]]:
    """Not empty."""
    return st.integers(0, length - 1).flatmap(
        lambda begin: st.tuples(st.just(begin), st.integers(begin + 1, length))
    )


# ---- storage ----


def smaller(program: Program) -> Iterator[tuple[str, Storage]]:
    """Each buffer that is kept in part, and a storage with a row or a column less."""
    for name, buffer in program.buffers.items():
        match buffer.storage:
            case Rows(count):
                less = [Rows(count - 1)]
            case Tile(height, width):
                less = [Tile(height - 1, width), Tile(height, width - 1)]
            case Frame(height, width):
                less = [Frame(height - 1, width), Frame(height, width - 1)]
            case Full():
                less = []
        yield from ((name, storage) for storage in less if 0 not in vars(storage).values())


def in_place_of(program: Program, name: str) -> bool:
    """True where a step may write its output over ``name`` and both are stored alike, which may take more."""
    stored = program.buffers[name].storage
    return any(
        step.inputs[operand] == name and program.buffers[step.outputs[0]].storage == stored
        for step in program.steps
        for operand in step.kernel.in_place()
        if operand < len(step.inputs)
    )


def refused(program: Program, name: str, storage: Storage) -> bool:
    buffers = {**program.buffers, name: replace(program.buffers[name], storage=storage)}
    try:
        validate(place(replace(program, buffers=buffers), seconds=0))
    except VerificationError:
        return True
    return False


@_FIXED
@given(networks(), st.data())
def test_a_row_or_a_column_less_is_too_little(model: onnx.ModelProto, data: st.DataObject):
    program = data.draw(forms(layers_of(model)))
    segments = data.draw(schedules(program))
    note(str(segments))
    built = build(program, segments)
    for name, storage in smaller(built):
        assert in_place_of(built, name) or refused(built, name, storage), (name, storage)


def kept(program: Program, *segments: Segment) -> dict[str, Storage]:
    """What is not stored whole."""
    buffers = build(program, segments).buffers
    return {name: b.storage for name, b in buffers.items() if b.storage != Full()}


def boxes(*reaches: int, shape: tuple[int, ...] = (1, 12, 10, 1)) -> Builder:
    """t0 (the input) → t1 → …: each pixel reads those up to so many pixels away."""
    builder = Builder()
    builder.buffer("t0", shape)
    for number, reach in enumerate(reaches):
        builder.buffer(f"t{number + 1}", shape)
        builder.step([f"t{number}"], [f"t{number + 1}"], kernel=Box(reach=reach))
    return builder


def test_rows_of_a_chain() -> None:
    program = boxes(1, 2, 0, 1).program(["t0"], ["t4"])
    for upward in (False, True):
        stored = kept(program, Segment(0, 4, Grid(), upward))
        assert stored == {"t1": Rows(5), "t2": Rows(1), "t3": Rows(3)}


def test_a_short_cut_is_a_delay_line() -> None:
    """y adds a row of t1 to one that lies three layers of 3 x 3 behind it."""
    builder = boxes(0, 1, 1, 1)
    builder.buffer("y", (1, 12, 10, 1))
    builder.step(["t4", "t1"], ["y"], kernel=Box(reach=0))
    program = builder.program(["t0"], ["y"])
    stored = kept(program, Segment(0, 5, Grid()))
    assert stored == {"t1": Rows(4), "t2": Rows(3), "t3": Rows(3), "t4": Rows(1)}


def test_columns_of_tiles_and_patches() -> None:
    """Each 3 x 3 adds a column on both sides, unless the image ends there."""
    program = boxes(0, 1, 1).program(["t0"], ["t3"])
    assert kept(program, Segment(0, 3, Grid(1, 2))) == {"t1": Tile(3, 7), "t2": Tile(3, 6)}
    middle = {"t1": Tile(3, 3 + 4), "t2": Tile(3, 3 + 2)}  # of tiles of 3, 3 and 4 columns
    assert kept(program, Segment(0, 3, Grid(3, 3))) == middle


class Strip(Box):
    """Reads columns on both sides of a pixel, of its own row only, and may write over it."""

    def needs(self, operand: int, window: Window) -> Window:
        return Window(window.y0, window.y1, window.x0 - self.reach, window.x1 + self.reach)


def test_what_is_overwritten_is_stored_as_the_result_unless_it_is_wider() -> None:
    """t2 may take the place of t1: in column tiles only where it reads no columns beside its own."""
    builder = boxes(1, 0, 1)
    for reach, first in ((0, Tile(3, 6)), (1, Tile(1, 7))):
        builder.steps[1] = replace(builder.steps[1], kernel=Strip((0,), reach))
        program = builder.program(["t0"], ["t3"])
        segments = [Segment(0, 3, Grid(1, 2))]
        assert kept(program, *segments) == {"t1": first, "t2": Tile(3, 6)}
        validate(place(build(program, segments), seconds=0))
        assert kept(program, Segment(0, 3, Grid())) == {"t1": Rows(3), "t2": Rows(3)}


def test_every_row_once_and_in_one_direction() -> None:
    program = boxes(1, 2, 1).program(["t0"], ["t3"])
    for upward, order in ((False, range(12)), (True, range(11, -1, -1))):
        tasks = build(program, [Segment(0, 3, Grid(), upward)]).tasks
        for step in range(3):
            assert [t.window for t in tasks if t.step == step] == [Window(y, y + 1, 0, 10) for y in order]


def test_rows_wait_for_those_that_they_read() -> None:
    program = boxes(0, 2).program(["t0"], ["t2"])
    tasks = build(program, [Segment(0, 2, Grid())]).tasks
    steps = "".join(str(task.step) for task in tasks)
    assert steps == "0001" + "01" * 9 + "11"


def test_patches_recompute_their_halo() -> None:
    program = boxes(0, 1).program(["t0"], ["t2"])
    tasks = build(program, [Segment(0, 2, Grid(2, 2))]).tasks
    first = [task for task in tasks if task.step == 0]
    windows = [(0, 7, 0, 6), (0, 7, 4, 10), (5, 12, 0, 6), (5, 12, 4, 10)]
    rows = [(Window(y, y + 1, x0, x1), {"t1": x0}) for y0, y1, x0, x1 in windows for y in range(y0, y1)]
    assert first == [Task(0, *row) for row in rows]


@pytest.mark.parametrize(("rows", "down"), [(12, 5), (7, 4), (3, 3)])
def test_ragged_regions_cover_the_output_once(rows: int, down: int) -> None:
    program = boxes(1, 1, shape=(1, rows, 10, 1)).program(["t0"], ["t2"])
    tasks = build(program, [Segment(0, 2, Grid(down, 3))]).tasks
    pixels = [
        (y, x)
        for task in tasks
        if task.step == 1 and task.window
        for y in range(task.window.y0, task.window.y1)
        for x in range(task.window.x0, task.window.x1)
    ]
    assert sorted(pixels) == [(y, x) for y in range(rows) for x in range(10)]
