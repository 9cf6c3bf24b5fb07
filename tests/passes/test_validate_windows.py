"""The validator on windows: rings of rows and tiles hold what their readers want, or the error says what."""

from __future__ import annotations

from dataclasses import replace

from tinyc.ir.program import Alias, Program, Rows, Storage, Task, Tile
from tinyc.ir.window import Window
from tinyc.passes.place import place
from tinyc.passes.validate import validate

from .programs import Box, Builder, complaint, planned


def streamed(middle: Storage, ahead: int = 2, rows: int = 6) -> Program:
    """x → a → y, 3 x 3 each, row by row: a row of y as soon as a has the row below it."""
    builder = Builder()
    builder.buffer("x", (1, rows, 4, 2))
    builder.buffer("a", (1, rows, 4, 2), storage=middle)
    builder.buffer("y", (1, rows, 4, 2))
    builder.step(["x"], ["a"], kernel=Box())
    builder.step(["a"], ["y"], kernel=Box())
    tasks: list[Task] = []
    made = 0
    for row in range(rows):
        while made < min(row + ahead, rows):
            tasks.append(Task(0, Window(made, made + 1, 0, 4)))
            made += 1
        tasks.append(Task(1, Window(row, row + 1, 0, 4)))
    return builder.program(["x"], ["y"], tasks)


def test_a_ring_that_holds_the_rows_it_must() -> None:
    validate(place(streamed(Rows(3))))
    validate(place(streamed(Rows(4), ahead=3)))


def test_a_ring_one_row_too_short_for_its_reader() -> None:
    words = complaint(place(streamed(Rows(2))))
    assert "step step_1, buffer a" in words
    assert "rows [0, 3) are needed at once and the ring holds 2" in words


def test_a_ring_whose_row_was_replaced_before_its_last_use() -> None:
    words = complaint(place(streamed(Rows(3), ahead=3)))
    assert "step step_1, buffer a" in words
    assert "should hold a row 0, and byte" in words
    assert "holds a row 3" in words


def test_a_row_that_was_not_computed_yet() -> None:
    assert "should hold a row 1, and byte" in complaint(place(streamed(Rows(3), ahead=1)))
    words = complaint(place(streamed(Rows(6), ahead=1)))
    assert "should hold a row 1" in words
    assert "holds nothing" in words


def test_rows_of_a_whole_tensor() -> None:
    validate(place(streamed(Rows(6))))
    assert "holds nothing" in complaint(place(streamed(Rows(100), ahead=1)))


def in_patches(width: int = 6, shift: int = 0, swap: bool = False, forget: bool = False) -> Program:
    """x → a → y in two patches of 4 columns, a in a tile ``width`` wide.

    Damage: readers take the tile to begin ``shift`` columns later; both producers run first (``swap``);
    origins left out (``forget``).
    """
    builder = Builder()
    builder.buffer("x", (1, 4, 8, 2))
    builder.buffer("a", (1, 4, 8, 2), storage=Tile(4, width))
    builder.buffer("y", (1, 4, 8, 2))
    builder.step(["x"], ["a"], kernel=Box())
    builder.step(["a"], ["y"], kernel=Box())
    tasks: list[Task] = []
    for begin in (0, 4):
        left, right = max(begin - 1, 0), min(begin + 5, 8)
        wrote = {} if forget else {"a": left}
        reads = {} if forget else {"a": left + shift}
        tasks += [Task(0, Window(0, 4, left, right), wrote), Task(1, Window(0, 4, begin, begin + 4), reads)]
    if swap:
        tasks = [tasks[0], tasks[2], tasks[1], tasks[3]]
    return builder.program(["x"], ["y"], tasks)


def test_tiles_that_match() -> None:
    validate(place(in_patches()))
    validate(place(in_patches(width=5)))


def test_a_tile_too_narrow_for_its_window() -> None:
    words = complaint(place(in_patches(width=4)))
    assert "task 0, step step_0, buffer a" in words
    assert "columns [0, 5) are not inside the tile's 4 from 0 on" in words


def test_a_tile_read_at_another_origin_than_it_was_written() -> None:
    words = complaint(place(in_patches(width=9, shift=-1)))
    assert "task 1, step step_1, buffer a" in words
    assert "should hold a row 0 from column -1 on, and byte" in words


def test_a_tile_that_the_next_patch_overwrote() -> None:
    words = complaint(place(in_patches(swap=True)))
    assert "task 2, step step_1, buffer a" in words
    assert "should hold a row 0 from column 0 on" in words
    assert "holds a row 0 from column 3 on" in words


def test_a_tile_without_origin() -> None:
    assert "gives no origin" in complaint(place(in_patches(forget=True)))


def test_a_tile_whose_memory_another_buffer_took() -> None:
    """y takes the tile's second half, which the first task of the second patch fills again."""
    validate(planned(in_patches(), 176, x=0, a=64, y=112))
    assert "buffers y and a meet" in complaint(planned(in_patches(), 176, x=0, a=64, y=88))


def test_a_window_outside_the_output() -> None:
    program = streamed(Rows(3))
    tasks = (*program.tasks, Task(1, Window(6, 7, 0, 4)))
    assert "reaches beyond its 6 x 4 pixels" in complaint(place(replace(program, tasks=tasks)))


def test_a_window_for_a_kernel_that_runs_whole() -> None:
    builder = Builder()
    builder.buffer("x", (1, 4, 4, 1))
    builder.buffer("y", (1, 4, 4, 1))
    builder.step(["x"], ["y"])
    program = builder.program(["x"], ["y"], [Task(0, Window(0, 2, 0, 4))])
    assert "Mix cannot compute" in complaint(place(program))
    validate(place(builder.program(["x"], ["y"], [Task(0, Window(0, 4, 0, 4))])))


def test_windows_in_place_are_refused() -> None:
    """The second row of x is gone when the second task reads it: a 3 x 3 kernel, one task per row."""
    builder = Builder()
    builder.buffer("x", (1, 2, 4, 1))
    builder.buffer("y", (1, 2, 4, 1))
    builder.step(["x"], ["y"], kernel=Box((0,)))
    rows = [Task(0, Window(row, row + 1, 0, 4)) for row in range(2)]
    assert "buffers y and x meet" in complaint(planned(builder.program(["x"], ["y"], rows), 8, x=0, y=0))
    validate(planned(builder.program(["x"], ["y"]), 8, x=0, y=0))


def test_a_tile_in_place_of_a_whole_tensor_is_refused() -> None:
    """They begin at one byte, but the tile's rows are shorter: pixels lie elsewhere."""
    builder = Builder()
    builder.buffer("x", (1, 2, 4, 1))
    builder.buffer("a", (1, 2, 4, 1), storage=Tile(2, 2))
    builder.step(["x"], ["a"], kernel=Box((0,)))
    program = builder.program(["x"], ["x"], [Task(0, Window(0, 2, 2, 4), {"a": 2})])
    assert "buffers a and x meet" in complaint(planned(program, 8, x=0, a=0))


def test_batches_are_followed_sample_by_sample() -> None:
    """Rows of both samples are written and read; the batch makes the buffer twice as long."""
    builder = Builder()
    for name in ("x", "a", "y"):
        builder.buffer(name, (2, 2, 4, 1))
    builder.step(["x"], ["a"], kernel=Box())
    builder.step(["a"], ["y"], kernel=Box())
    whole = builder.program(["x"], ["y"])
    validate(planned(whole, 48, x=0, a=16, y=32))
    words = complaint(planned(replace(whole, outputs=("x",)), 48, x=16, a=0, y=28))
    assert "arena bytes [28, 32) should hold x, and byte 28 holds y" in words
    half = builder.program(["x"], ["y"], [Task(0, Window(0, 1, 0, 4)), Task(1)])
    assert "arena bytes [20, 32) should hold a, and byte 20 holds nothing" in complaint(
        planned(half, 48, x=0, a=16, y=32)
    )


def test_a_view_of_a_ring_is_all_of_it() -> None:
    program = streamed(Rows(3))
    view = replace(program.buffers["a"], name="v", alias=Alias("a"))
    steps = (program.steps[0], replace(program.steps[1], inputs=("v",)))
    named = replace(program, buffers={**program.buffers, "v": view}, steps=steps)
    validate(place(named))
    for part in (
        replace(view, shape=(1, 2, 4, 2), alias=Alias("a", 8)),
        replace(view, shape=(1, 2, 4, 2)),
        replace(view, storage=Rows(2)),
    ):
        broken = replace(named, buffers={**named.buffers, "v": part})
        assert "it is a view of a part of a, which is not stored whole" in complaint(place(broken))


def test_rows_over_rows_that_were_read() -> None:
    """Downwards a layer may lie a row or more below its input, upwards above; exactly over it in place
    only."""
    builder = Builder()
    builder.buffer("x", (1, 4, 4, 4))
    builder.buffer("y", (1, 4, 4, 4))
    builder.step(["x"], ["y"], kernel=Box(reach=0))
    down = [Task(0, Window(row, row + 1, 0, 4)) for row in range(4)]
    for tasks, x, y in ((down, 16, 0), (down[::-1], 0, 16)):
        validate(planned(builder.program(["x"], ["y"], tasks), 80, x=x, y=y))
        assert "should hold x" in complaint(planned(builder.program(["x"], ["y"], tasks), 80, x=y, y=x))
    for y in (0, 4):
        words = complaint(planned(builder.program(["x"], ["y"], down), 80, x=4, y=y))
        assert f"step_0, buffer y why: buffers y and x meet in arena bytes [4, {y + 16})" in words
    builder.steps[0] = replace(builder.steps[0], kernel=Box((0,), reach=0))
    validate(planned(builder.program(["x"], ["y"], down), 80, x=4, y=4))
    assert "buffers y and x meet" in complaint(planned(builder.program(["x"], ["y"], down), 80, x=4, y=0))


def test_an_input_that_a_step_feeds_has_no_other_writer() -> None:
    builder = Builder()
    builder.buffer("x", (1, 4, 4, 1), storage=Rows(1))
    builder.buffer("y", (1, 4, 4, 1))
    for sources, target in (([], "x"), (["x"], "y")):
        builder.step(sources, [target], kernel=Box(reach=0))
    tasks = [Task(step, Window(row, row + 1, 0, 4)) for row in range(4) for step in (0, 1)]
    validate(planned(builder.program(["x"], ["y"], tasks), 20, x=16, y=0))
    words = complaint(planned(builder.program(["x"], ["y"], tasks[1:]), 20, x=16, y=0))
    assert "should hold x row 0, and byte 16 holds nothing" in words
