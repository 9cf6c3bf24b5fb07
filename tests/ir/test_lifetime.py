"""Lifetimes: half-open intervals of tasks, views counted for their owner, gaps where nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tinyc.ir.dtype import DType
from tinyc.ir.kernel import Cost, Kernel
from tinyc.ir.lifetime import Lifetime, lifetimes, live_intervals
from tinyc.ir.program import Alias, Buffer, Program, Role, Step, Task, Tile
from tinyc.ir.window import Window


class Nothing(Kernel):
    """Operands are all that matters here."""

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
) -> Program:
    """Each step reads the one-letter buffers of its first word and writes those of its second."""
    letters = {*inputs, *outputs, *(letter for pair in steps for word in pair for letter in word)}
    named = {name: Buffer(name, (4,), DType.INT8) for name in sorted(letters)} | dict(buffers or {})
    made = tuple(
        Step(f"s{index}", Nothing(), tuple(reads), tuple(writes))
        for index, (reads, writes) in enumerate(steps)
    )
    listed = tuple(Task(index) for index in range(len(made))) if tasks is None else tuple(tasks)
    return Program("test", named, made, listed, tuple(inputs), tuple(outputs))


def spans(chosen: Program) -> dict[str, list[tuple[int, int]]]:
    return {name: [(i.first, i.end) for i in parts] for name, parts in live_intervals(chosen).items()}


def test_from_the_first_to_the_last_use() -> None:
    chosen = program([("x", "a"), ("a", "b"), ("ab", "c"), ("c", "y")], "y")
    assert spans(chosen) == {"x": [(0, 1)], "a": [(0, 3)], "b": [(1, 3)], "c": [(2, 4)], "y": [(3, 4)]}


def test_inputs_live_from_the_start_and_outputs_to_the_end() -> None:
    chosen = program([("x", "a"), ("a", "b"), ("zb", "c")], "ac", inputs="xz")
    assert lifetimes(chosen)["z"] == Lifetime(0, 3)
    assert lifetimes(chosen)["a"] == Lifetime(0, 3)


def test_an_unused_input_lives_at_the_start_and_an_unused_buffer_never() -> None:
    spare = {"q": Buffer("q", (4,), DType.INT8)}
    chosen = program([("x", "a"), ("a", "y")], "y", inputs="xz", buffers=spare)
    assert lifetimes(chosen)["z"] == Lifetime(0, 1)
    assert "q" not in lifetimes(chosen)


def test_without_tasks_inputs_and_outputs_meet() -> None:
    assert lifetimes(program([], "y")) == {"x": Lifetime(0, 1), "y": Lifetime(0, 1)}


def test_views_count_for_their_owner() -> None:
    views = {
        "a": Buffer("a", (2,), DType.INT8, alias=Alias("w")),
        "b": Buffer("b", (2,), DType.INT8, alias=Alias("w", 2)),
        "w": Buffer("w", (4,), DType.INT8),
    }
    chosen = program([("x", "a"), ("x", "c"), ("c", "b"), ("w", "y"), ("y", "z")], "z", buffers=views)
    assert lifetimes(chosen)["w"] == Lifetime(0, 4)
    assert not {"a", "b"} & lifetimes(chosen).keys()


def test_a_tile_is_kept_while_its_origin_stays() -> None:
    tile = {"t": Buffer("t", (1, 4, 8, 1), DType.INT8, Tile(4, 4))}

    def task(step: int, column: int) -> Task:
        return Task(step, origins={"t": column})

    steps = [("x", "t"), ("t", "y"), ("x", "u")]
    patches = [task(0, 0), task(1, 0), Task(2), task(0, 4), task(0, 4), Task(2), task(1, 4)]
    assert spans(program(steps, "yu", patches, tile))["t"] == [(0, 2), (3, 7)]
    assert lifetimes(program(steps, "yu", patches, tile))["t"] == Lifetime(0, 7)
    again = [task(0, 0), task(0, 4), task(1, 4), task(1, 0)]
    assert spans(program(steps, "y", again, tile))["t"] == [(0, 4)]


def test_scratch_is_kept_for_one_task() -> None:
    work = {"w": Buffer("w", (4,), DType.INT8, role=Role.SCRATCH)}
    chosen = program([("x", "a"), ("a", "b")], "b", [Task(0), Task(1), Task(0)], work)
    steps = (replace(chosen.steps[0], scratch=("w",)), chosen.steps[1])
    used = replace(chosen, steps=steps)
    assert spans(used)["w"] == [(0, 1), (2, 3)]


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [((0, 2), (2, 3), False), ((0, 3), (2, 3), True), ((1, 2), (1, 2), True), ((4, 9), (0, 5), True)],
)
def test_intervals_are_half_open(one: tuple[int, int], other: tuple[int, int], overlap: bool) -> None:
    assert Lifetime(*one).overlaps(Lifetime(*other)) is overlap
    assert Lifetime(*other).overlaps(Lifetime(*one)) is overlap


def test_a_hull_holds_both() -> None:
    assert Lifetime(3, 5).hull(Lifetime(1, 2)) == Lifetime(1, 5)
