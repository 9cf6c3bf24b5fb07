"""Schedules that cannot work are refused: which steps, why, and what to ask for instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from tinyc.ir.errors import UsageError
from tinyc.ir.program import Alias, Program
from tinyc.passes.place import place
from tinyc.passes.schedule import Grid, Segment, build
from tinyc.passes.schedule.reads import Reads
from tinyc.passes.schedule.reductions import split_reductions
from tinyc.passes.schedule.segment import Scope
from tinyc.passes.validate import validate

from ..kernels.checks import lowered
from .programs import Box, Builder, Mix
from .test_reductions import network


def chain(shape: tuple[int, ...] = (1, 6, 4, 2)) -> Program:
    """x → a → b → y of 3 x 3 windows."""
    builder = Builder()
    names = [builder.buffer(name, shape) for name in "xaby"]
    for source, target in pairwise(names):
        builder.step([source], [target], kernel=Box())
    return builder.program(["x"], ["y"])


def refusal(program: Program, *segments: Segment) -> UsageError:
    with pytest.raises(UsageError) as caught:
        build(program, segments)
    assert caught.value.exit_code == 2
    assert caught.value.where and caught.value.why and caught.value.remedy
    return caught.value


def accepted(program: Program, *segments: Segment) -> None:
    validate(place(build(program, segments), seconds=0))


ALL = Segment(0, 3, Grid())


def test_what_works_is_not_refused() -> None:
    for grid in (None, Grid(), Grid(6, 4), Grid(1, 3)):
        for upward in (False, True):
            accepted(chain(), Segment(0, 3, grid, upward))


# ---- all steps once, in order ----


@pytest.mark.parametrize(
    "segments",
    [
        [],
        [(0, 2)],
        [(1, 3)],
        [(0, 2), (1, 3)],
        [(0, 1), (2, 3)],
        [(0, 2), (2, 2), (2, 3)],
        [(0, 4)],
        [(0, 3), (3, 4)],
        [(2, 3), (0, 2)],
        [(0, 3), (0, 3)],
        [(0, 2), (2, 1), (1, 3)],
        [(-1, 3)],
    ],
    ids=str,
)
@pytest.mark.parametrize("grid", [None, Grid()])
def test_segments_that_are_not_all_steps_in_order(
    segments: Sequence[tuple[int, int]], grid: Grid | None
) -> None:
    error = refusal(chain(), *(Segment(begin, end, grid) for begin, end in segments))
    assert "each once and in order" in error.what and "3 steps" in error.where
    for begin, end in segments:
        assert f"[{begin}, {end})" in error.why


# ---- steps and tensors that have no rows ----


def test_a_step_without_windows() -> None:
    program = chain()
    middle = replace(program.steps[1], kernel=Mix((48,)))
    program = replace(program, steps=(program.steps[0], middle, program.steps[2]))
    error = refusal(program, ALL)
    assert error.what == "A segment cannot run as row streams"
    assert error.where == "steps step_0 to step_2: segment [0, 3)"
    assert error.why == "step_1 computes its output as a whole only"
    accepted(program, Segment(0, 1, Grid()), Segment(1, 2), Segment(2, 3, Grid(2, 2)))


def test_a_step_with_outputs_of_different_sizes() -> None:
    builder = Builder()
    for name, rows in zip("xab", (6, 6, 3), strict=True):
        builder.buffer(name, (1, rows, 4, 2))
    builder.step(["x"], ["a", "b"], kernel=Box())
    error = refusal(builder.program(["x"], ["a", "b"]), Segment(0, 1, Grid()))
    assert error.why == "step_0 has outputs of different sizes"


@pytest.mark.parametrize(
    ("shape", "words"),
    [((2, 6, 4, 2), "x holds a batch"), ((6, 4), "x is no image or series"), ((48,), "x is no image")],
)
def test_tensors_without_rows(shape: tuple[int, ...], words: str) -> None:
    error = refusal(chain(shape), ALL)
    assert words in error.why and str(shape) in error.why
    accepted(chain(shape), Segment(0, 3))


# ---- views ----


def with_view(parent: str, reader: int) -> Program:
    """The chain, with step ``reader`` reading ``parent`` by way of a view of all of it."""
    program = chain()
    view = replace(program.buffers[parent], name="view", alias=Alias(parent))
    steps = list(program.steps)
    steps[reader] = replace(steps[reader], inputs=("view",))
    return replace(program, buffers={**program.buffers, "view": view}, steps=tuple(steps))


def test_a_tensor_inside_that_has_views() -> None:
    program = with_view("a", 1)
    assert refusal(program, ALL).why == "a has views"
    accepted(program, Segment(0, 1, Grid()), Segment(1, 3, Grid()))


def test_a_tensor_that_leaves_and_is_read_inside_by_way_of_a_view() -> None:
    """The rows of b are not those that step_2 waits for: it names another tensor."""
    program = replace(with_view("b", 2), outputs=("b", "y"))
    assert refusal(program, ALL).why == "step_2 reads view, a view of what is computed in the same segment"
    accepted(program, Segment(0, 2, Grid()), Segment(2, 3, Grid()))


def test_a_tensor_inside_that_is_a_view() -> None:
    """a and b are the halves of c, which step_2 reads."""
    builder = Builder()
    for name, channels in (("x", 2), ("c", 4), ("y", 4)):
        builder.buffer(name, (1, 6, 4, channels))
    for index, name in enumerate("ab"):
        builder.buffer(name, (1, 3, 4, 4), view=Alias("c", 48 * index))
        builder.step(["x"], [name], kernel=Box())
    builder.step(["c"], ["y"], kernel=Box())
    program = builder.program(["x"], ["y"])
    assert refusal(program, ALL).why == "a is a view of c"
    accepted(program, Segment(0, 2, Grid()), Segment(2, 3, Grid()))
    both = replace(program, outputs=("y", "c"))
    assert refusal(both, ALL).why == "step_2 reads c, a view of what is computed in the same segment"


# ---- grids ----


@pytest.mark.parametrize("grid", [Grid(1, 2), Grid(2, 1), Grid(2, 2)])
def test_several_regions_where_several_tensors_leave(grid: Grid) -> None:
    program = replace(chain(), outputs=("a", "y"))
    error = refusal(program, replace(ALL, grid=grid))
    assert error.why.startswith("a, y are all read behind it") and "Grid()" in error.remedy
    accepted(program, ALL)
    accepted(program, Segment(0, 1, grid), Segment(1, 3, grid))


@pytest.mark.parametrize("grid", [Grid(7, 1), Grid(1, 5), Grid(0, 1), Grid(1, 0), Grid(-1, -1)])
def test_more_regions_than_pixels(grid: Grid) -> None:
    error = refusal(chain(), replace(ALL, grid=grid))
    assert error.why == f"y has 6 x 4 pixels: not {grid.down} x {grid.across} regions"
    assert error.remedy == "give it 1 x 1 to 6 x 4 regions"
    accepted(chain(), replace(ALL, grid=Grid(6, 4)))


# ---- running sums ----


@pytest.mark.parametrize("changed", [{"upward": True}, {"grid": Grid(2, 1)}, {"grid": Grid(1, 2)}])
def test_rows_that_are_computed_in_order_each_once(changed: dict[str, object]) -> None:
    program = split_reductions(lowered(network()))
    summing = next(i for i, step in enumerate(program.steps) if step.kernel.ascending)
    assert program.buffers[program.steps[summing].outputs[0]].grid[:2] == (5, 1)
    segments = [Segment(0, summing + 1, Grid()), Segment(summing + 1, len(program.steps))]
    accepted(program, *segments)
    if changed.get("grid") == Grid(1, 2):
        assert "5 x 1 pixels" in refusal(program, replace(segments[0], **changed), segments[1]).why
        return
    error = refusal(program, replace(segments[0], **changed), segments[1])
    assert error.why.endswith("computes its rows from the first to the last, each once")
    assert error.why.startswith(program.steps[summing].name)


def test_a_running_reduction_is_no_single_task() -> None:
    program = split_reductions(lowered(network()))
    error = refusal(program, Segment(0, len(program.steps)))
    assert error.what == "A segment cannot run as layer by layer"
    assert "a part is kept only" in error.why and "Grid()" in error.remedy


# ---- and the search ----


def test_the_search_offers_no_stream_that_would_be_refused() -> None:
    for program in (chain(), with_view("a", 1), with_view("b", 2), chain((2, 6, 4, 2))):
        for begin in range(3):
            for end in range(begin + 1, 4):
                segments = [Segment(begin, end, Grid())]
                segments = [Segment(0, begin)] * (begin > 0) + segments + [Segment(end, 3)] * (end < 3)
                streams = Scope(Reads(program), begin, end).obstacle is None
                if streams:
                    accepted(program, *segments)
                else:
                    refusal(program, *segments)
