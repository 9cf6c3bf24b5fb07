"""Lines: which bytes of a buffer hold something that is read again, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.ir.accesses import accesses
from tinyc.ir.dtype import DType
from tinyc.ir.kernel import Cost, Kernel
from tinyc.ir.lifetime import Lifetime, lifetimes, liveness
from tinyc.ir.program import Alias, Buffer, Program, Role, Rows, Step, Task, Tile
from tinyc.ir.window import Window


@dataclass(frozen=True)
class Nothing(Kernel):
    """Operands are all that matters here; ``reach`` more rows and columns are read on either side."""

    windowed = True
    reach: int = 0

    def needs(self, operand: int, window: Window) -> Window:
        w, r = window, self.reach
        return Window(w.y0 - r, w.y1 + r, w.x0 - r, w.x1 + r)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        raise NotImplementedError

    def cost(self, window: Window) -> Cost:
        return Cost()


def program(
    steps: Sequence[tuple[str, str]],
    outputs: str,
    tasks: Sequence[Task] | None = None,
    buffers: Mapping[str, Buffer] | None = None,
    inputs: str = "x",
    reach: int = 0,
) -> Program:
    """Each step reads the one-letter buffers of its first word and writes those of its second."""
    letters = {*inputs, *outputs, *(letter for pair in steps for word in pair for letter in word)}
    named = {name: Buffer(name, (4,), DType.INT8) for name in sorted(letters)} | dict(buffers or {})
    made = tuple(
        Step(f"s{index}", Nothing(reach), tuple(reads), tuple(writes))
        for index, (reads, writes) in enumerate(steps)
    )
    listed = tuple(Task(index) for index in range(len(made))) if tasks is None else tuple(tasks)
    return Program("test", named, made, listed, tuple(inputs), tuple(outputs))


def image(name: str, rows: int = 4, columns: int = 8, **more: object) -> Buffer:
    return Buffer(name, (1, rows, columns, 1), DType.INT8, **more)


def row(step: int, y: int, columns: int = 8, **origins: int) -> Task:
    return Task(step, Window(y, y + 1, 0, columns), origins)


def lines(chosen: Program, most_lines: int = 100) -> dict[str, dict[tuple[int, int], list[tuple[int, int]]]]:
    """By buffer and bytes: when they are in use, in moments (task t is moment t + 1)."""
    live = liveness(accesses(chosen), most_lines)
    found: dict[str, dict[tuple[int, int], list[tuple[int, int]]]] = {name: {} for name in live.names}
    for line, first, last in zip(live.line.tolist(), live.first.tolist(), live.last.tolist(), strict=True):
        span = int(live.begin[line]), int(live.end[line])
        found[live.names[live.owner[line]]].setdefault(span, []).append((first, last))
    return found


def test_a_buffer_that_is_used_as_a_whole_is_one_line() -> None:
    chosen = program([("x", "a"), ("a", "b"), ("ab", "c"), ("c", "y")], "y")
    assert lines(chosen) == {
        "a": {(0, 4): [(1, 4)]}, "b": {(0, 4): [(2, 4)]}, "c": {(0, 4): [(3, 5)]},
        "x": {(0, 4): [(0, 2)]}, "y": {(0, 4): [(4, 6)]},
    }  # fmt: skip


def test_inputs_live_from_the_start_and_outputs_to_the_end() -> None:
    chosen = program([("x", "a"), ("a", "b"), ("zb", "c")], "ac", inputs="xz")
    assert lines(chosen)["z"] == {(0, 4): [(0, 4)]}
    assert lines(chosen)["a"] == {(0, 4): [(1, 5)]}


def test_rows_die_as_they_are_read_and_are_born_as_they_are_written() -> None:
    buffers = {name: image(name) for name in "xy"}
    down = program([("x", "y")], "y", [row(0, y) for y in range(4)], buffers, reach=1)
    assert lines(down) == {
        "x": {(0, 8): [(0, 3)], (8, 16): [(0, 4)], (16, 24): [(0, 5)], (24, 32): [(0, 5)]},
        "y": {(0, 8): [(1, 6)], (8, 16): [(2, 6)], (16, 24): [(3, 6)], (24, 32): [(4, 6)]},
    }
    up = replace(down, tasks=down.tasks[::-1])
    assert lines(up)["x"] == {(0, 8): [(0, 5)], (8, 16): [(0, 5)], (16, 24): [(0, 4)], (24, 32): [(0, 3)]}


def test_a_rings_slot_is_free_until_its_next_row() -> None:
    buffers = {name: image(name) for name in "xy"} | {"a": image("a", storage=Rows(2))}
    tasks = [row(step, y) for y in range(4) for step in (0, 1)]
    found = lines(program([("x", "a"), ("a", "y")], "y", tasks, buffers))["a"]
    assert found == {(0, 8): [(1, 3), (5, 7)], (8, 16): [(3, 5), (7, 9)]}


def test_a_window_that_wraps_around_the_end_of_a_ring() -> None:
    buffers = {"x": image("x"), "y": image("y"), "a": image("a", storage=Rows(3))}
    tasks = [row(0, 0), row(0, 1), row(0, 2), row(0, 3), Task(1, Window(2, 4, 0, 8))]
    found = lines(program([("x", "a"), ("a", "y")], "y", tasks, buffers))["a"]
    assert found == {(0, 8): [(1, 2), (4, 6)], (8, 16): [(2, 3)], (16, 24): [(3, 6)]}


def test_what_is_written_in_pieces_is_kept_from_the_first() -> None:
    buffers = {name: image(name, rows=2) for name in "xay"}
    pieces = [Task(0, Window(0, 1, x, x + 4)) for x in (0, 4)]
    found = lines(program([("x", "a"), ("a", "y")], "y", [*pieces, row(1, 0)], buffers))
    assert found["a"] == {(0, 8): [(1, 4)]}
    again = [pieces[0], Task(1, Window(0, 1, 0, 4)), pieces[1], Task(1, Window(0, 1, 5, 7))]
    assert lines(program([("x", "a"), ("a", "y")], "y", again, buffers))["a"] == {(0, 8): [(1, 3), (3, 5)]}


def test_a_tile_keeps_nothing_from_one_patch_to_the_next() -> None:
    """Rows 0 to 3, first at column 0, then at column 4; in the second patch row 1 is written a task later."""
    buffers = {name: image(name) for name in "xy"} | {"t": image("t", storage=Tile(2, 4))}
    tasks = [
        Task(0, Window(0, 2, 0, 4), {"t": 0}), Task(1, Window(0, 2, 0, 4), {"t": 0}),
        Task(0, Window(0, 1, 4, 8), {"t": 4}), Task(0, Window(1, 2, 4, 8), {"t": 4}),
        Task(1, Window(0, 2, 4, 8), {"t": 4}),
    ]  # fmt: skip
    found = lines(program([("x", "t"), ("t", "y")], "y", tasks, buffers))["t"]
    assert found == {(0, 4): [(1, 3), (3, 6)], (4, 8): [(1, 3), (4, 6)]}


def test_a_sum_that_runs_over_its_own_row_is_kept_throughout() -> None:
    """Each task reads the row before from the same bytes, and writes its own there."""
    buffers = {"x": image("x"), "a": image("a", storage=Rows(1)), "y": image("y", rows=1)}
    tasks = [row(0, 0), row(1, 1), row(1, 2), row(1, 3), Task(2)]
    before = Step("sum", Above(), ("x", "a"), ("a",))
    chosen = program([("x", "a"), ("xa", "a"), ("a", "y")], "y", tasks, buffers)
    chosen = replace(chosen, steps=(chosen.steps[0], before, replace(chosen.steps[2], kernel=Last())))
    assert lines(chosen)["a"] == {(0, 8): [(1, 6)]}


class Above(Nothing):
    """Reads the same row of its first operand, and of its second the row above."""

    def needs(self, operand: int, window: Window) -> Window:
        return Window(window.y0 - operand, window.y1 - operand, window.x0, window.x1)


class Last(Nothing):
    """Reads the last row of four."""

    def needs(self, operand: int, window: Window) -> Window:
        return Window(3, 4, 0, 8)


def test_an_input_that_a_step_feeds_is_not_there_before() -> None:
    buffers = {"x": image("x", storage=Rows(2)), "y": image("y")}
    tasks = [row(step, y) for y in range(4) for step in (0, 1)]
    fed = lines(program([("", "x"), ("x", "y")], "y", tasks, buffers))
    assert fed["x"] == {(0, 8): [(1, 3), (5, 7)], (8, 16): [(3, 5), (7, 9)]}


def test_an_unused_input_is_there_at_the_start_and_an_unused_buffer_never() -> None:
    spare = {"q": Buffer("q", (4,), DType.INT8)}
    chosen = program([("x", "a"), ("a", "y")], "y", inputs="xz", buffers=spare)
    assert lines(chosen)["z"] == {(0, 4): [(0, 1)]}
    assert lifetimes(chosen)["z"] == Lifetime(0, 1)
    assert "q" not in lines(chosen) and "q" not in lifetimes(chosen)


def test_without_tasks() -> None:
    assert lines(program([], "x")) == {"x": {(0, 4): [(0, 2)]}}
    assert lifetimes(program([], "xy")) == {"x": Lifetime(0, 1), "y": Lifetime(0, 1)}


def test_views_count_for_the_bytes_of_their_owner() -> None:
    views = {
        "a": Buffer("a", (2,), DType.INT8, alias=Alias("w")),
        "b": Buffer("b", (2,), DType.INT8, alias=Alias("w", 2)),
        "w": Buffer("w", (4,), DType.INT8),
    }
    chosen = program([("x", "a"), ("x", "c"), ("c", "b"), ("w", "y"), ("y", "z")], "z", buffers=views)
    assert lines(chosen)["w"] == {(0, 2): [(1, 5)], (2, 4): [(3, 5)]}
    assert lifetimes(chosen)["w"] == Lifetime(0, 4)
    assert not {"a", "b"} & lifetimes(chosen).keys()


def test_scratch_is_kept_for_one_task() -> None:
    work = {"w": Buffer("w", (4,), DType.INT8, role=Role.SCRATCH)}
    chosen = program([("x", "a"), ("a", "b")], "b", [Task(0), Task(1), Task(0)], work)
    used = replace(chosen, steps=(replace(chosen.steps[0], scratch=("w",)), chosen.steps[1]))
    assert lines(used)["w"] == {(0, 4): [(1, 2), (3, 4)]}


def test_samples_of_a_batch_lie_one_after_the_other() -> None:
    buffers = {name: Buffer(name, (2, 2, 4, 1), DType.INT8) for name in "xy"}
    found = lines(program([("x", "y")], "y", [row(0, y, 4) for y in range(2)], buffers))["y"]
    assert found == {(0, 4): [(1, 4)], (4, 8): [(2, 4)], (8, 12): [(1, 4)], (12, 16): [(2, 4)]}


@st.composite
def accidents(draw: st.DrawFn) -> Program:
    """Any windows in any order: a → b in a ring or tile, read here and there."""
    storage = draw(st.sampled_from([Rows(1), Rows(3), Tile(2, 8), Tile(3, 5)]))
    buffers = {name: image(name, rows=5) for name in "xy"} | {"a": image("a", rows=5, storage=storage)}
    wide = storage.width if isinstance(storage, Tile) else 8
    high = storage.height if isinstance(storage, Tile) else storage.count
    tasks: list[Task] = []
    for _ in range(draw(st.integers(1, 8))):
        y = draw(st.integers(0, 5 - high))
        y1 = draw(st.integers(y, y + high))
        x = draw(st.integers(0, 8 - wide))
        columns = sorted(draw(st.tuples(st.integers(x, x + wide), st.integers(x, x + wide))))
        origins = {"a": x} if isinstance(storage, Tile) else {}
        tasks.append(Task(draw(st.integers(0, 1)), Window(y, y1, *columns), origins))
    return program([("x", "a"), ("a", "y")], "y", tasks, buffers)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(accidents(), st.integers(3, 40))
def test_every_byte_is_kept_from_its_last_write_to_each_read(chosen: Program, most_lines: int) -> None:
    """However few lines there may be."""
    table = accesses(chosen)
    live = liveness(table, most_lines)
    begins = table.bases[live.owner] + live.begin
    assert len(begins) <= most_lines
    kept = np.zeros((table.bases[-1], table.moments), bool)
    for line, first, last in zip(live.line, live.first, live.last, strict=True):
        kept[begins[line] : begins[line] + live.end[line] - live.begin[line], first:last] = True
    written = np.full(table.bases[-1], -1)
    order = np.lexsort((table.writes, table.moment))
    for run in order:
        moment = table.moment[run]
        for byte in range(table.begin[run], table.end[run]):
            since = moment if table.writes[run] or written[byte] < 0 else written[byte]
            assert kept[byte, since : moment + 1].all()
            if table.writes[run]:
                written[byte] = moment
