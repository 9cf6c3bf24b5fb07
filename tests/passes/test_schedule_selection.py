"""Branches that a mask selects from: regions run one of them alone, and write its result in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.ir.program import Program, Task
from tinyc.kernels.select import Select
from tinyc.passes.place import place
from tinyc.passes.schedule import Grid, Segment, build
from tinyc.passes.schedule.cost import executed
from tinyc.passes.schedule.search import candidates
from tinyc.passes.schedule.selection import grids_along

from ..kernels.checks import agree, lowered, reference, samples_of
from .branches import NARROW, WIDE, branches, mask_of
from .programs import complaint
from .test_schedule_random import _FIXED


def selection(program: Program) -> int:
    (index,) = (i for i, step in enumerate(program.steps) if isinstance(step.kernel, Select))
    return index


def patched(program: Program, grid: Grid, framed: bool = False, upward: bool = False) -> Program:
    """All up to the selection in one segment, the rest layer by layer."""
    end = selection(program) + 1
    rest = [Segment(index, index + 1) for index in range(end, len(program.steps))]
    return build(program, [Segment(0, end, grid, upward, framed), *rest])


def computed(program: Program, step: int) -> np.ndarray:
    """How often each pixel of a step's output is computed."""
    rows, columns, _ = program.buffers[program.steps[step].outputs[0]].grid
    times = np.zeros((rows, columns), int)
    for task in program.tasks:
        if task.step == step:
            window = program.window(task)
            times[window.y0 : window.y1, window.x0 : window.x1] += 1
    return times


CASES = {
    "corners": (["#..", "..#"], (12, 10), {}),
    "odd sizes": ([".##", ".#.", "..."], (13, 17), {}),
    "one wide": (["...", ".#.", "..."], (9, 11), {"stride": 1}),
    "one narrow": (["###", "###", "#.#"], (9, 11), {"stride": 1}),
    "rows": (["#", ".", "#"], (11, 3), {"stride": 1}),
    "columns": ([".#.#"], (3, 16), {"stride": 1}),
    "halo of most of the image": (["#.", ".#"], (10, 9), {"stride": 1, "dilation": 2}),
    "2 bits": (["#..", "..#"], (12, 10), {"narrow": np.dtype(ml_dtypes.int2)}),
    "packed result": (["#..", "..#"], (12, 10), {"out": NARROW}),
    "two branches in 8 bits": (["#..", "..#"], (12, 10), {"narrow": WIDE}),
}


@pytest.mark.parametrize("case", CASES)
def test_each_position_is_of_its_branch(case: str) -> None:
    """Emulator and C agree with ONNX Runtime, which computes both branches everywhere."""
    cells, size, options = CASES[case]
    model = branches(cells, size, **options)
    samples, layers = samples_of(model), lowered(model)
    wanted, last = reference(model, samples), selection(layers)
    mask = layers.steps[last].kernel.mask  # pyright: ignore[reportAttributeAccessIssue]
    grid = next(grids_along(layers.steps[last].kernel))  # pyright: ignore[reportArgumentType]
    for framed in (False, True):
        program = patched(layers, grid, framed)
        assert len(program.views) == len(layers.views) + 1, "the copy is spared"
        read = layers.steps[last].inputs
        ends = [index for index, step in enumerate(layers.steps) if step.outputs[0] in read]
        np.testing.assert_array_equal(computed(program, ends[0]), mask)
        np.testing.assert_array_equal(computed(program, ends[1]), ~mask)
        agree(program, samples, wanted)


@pytest.mark.parametrize("grid", [Grid(), Grid(3, 2), Grid(1, 4)])
def test_regions_across_borders_compute_both(grid: Grid) -> None:
    model = branches(["#..", "..#"], (12, 10))
    samples = samples_of(model)
    program = patched(lowered(model), grid)
    assert any(isinstance(step.kernel, Select) for step in program.steps)
    agree(program, samples, reference(model, samples))


def test_the_search_takes_grids_along_the_mask() -> None:
    """On an image that is large for its halo that is little more than half of the work of both branches."""
    layers = lowered(branches(["#.", ".."], (64, 48), 1))
    found = candidates(layers)
    best = found[0]
    assert best.segments[0].grid == Grid(2, 2) and best.segments[0].end == selection(layers) + 1
    assert best.cycles < 0.7 * executed(layers).cycles


@pytest.mark.parametrize(
    ("cells", "size", "grid"),
    [
        (["#."], (5, 6), Grid(1, 2)),
        (["#..#"], (5, 16), Grid(1, 4)),
        (["##..", "##.."], (8, 8), Grid(1, 2)),
        (["##..", "...."], (8, 8), Grid(2, 2)),
        (["#..", "...", "..."], (7, 7), Grid(3, 3)),
    ],
)
def test_grids_along(cells: Sequence[str], size: tuple[int, int], grid: Grid) -> None:
    found = list(grids_along(Select(mask_of(cells, size)[0, 0], 1)))
    assert found[0] == grid
    assert all(g.down % grid.down == g.across % grid.across == 0 for g in found) and len(found) > 1


def test_the_validator_sees_pixels_that_two_steps_write() -> None:
    program = place(patched(lowered(branches(["#."], (6, 8), 1)), Grid(1, 2)))
    last = max(index for index, task in enumerate(program.tasks) if task.step == 2)
    task = program.tasks[last]
    assert task.window is not None
    wider = Task(task.step, replace(task.window, x1=task.window.x1 + 1), task.origins, task.tops)
    tasks = (*program.tasks[:last], wider, *program.tasks[last + 1 :])
    assert "both write its bytes" in complaint(replace(program, tasks=tasks))


def test_the_validator_sees_pixels_that_nobody_writes() -> None:
    program = place(patched(lowered(branches(["#."], (6, 8), 1)), Grid(1, 2)))
    index = next(index for index, task in enumerate(program.tasks) if task.step == 2)
    tasks = (*program.tasks[:index], *program.tasks[index + 1 :])
    assert "should hold" in complaint(replace(program, tasks=tasks))


@settings(_FIXED, max_examples=30)
@given(
    st.integers(1, 3)
    .flatmap(lambda across: st.lists(st.text("#.", min_size=across, max_size=across), min_size=1, max_size=3))
    .filter(lambda cells: len(set("".join(cells))) == 2),
    st.tuples(st.integers(5, 13), st.integers(5, 13)),
    st.integers(1, 2),
    st.sampled_from([Grid(), Grid(2, 2), Grid(3, 1), None]),
    st.booleans(),
    st.booleans(),
)
def test_random_grids(
    cells: list[str], size: tuple[int, int], stride: int, grid: Grid | None, framed: bool, upward: bool
) -> None:
    """Whatever the mask, and whether or not regions lie along it."""
    model = branches(cells, size, stride)
    samples, layers = samples_of(model, 1), lowered(model)
    along = next(grids_along(layers.steps[selection(layers)].kernel))  # pyright: ignore[reportArgumentType]
    program = patched(layers, grid or along, framed, upward)
    agree(program, samples, reference(model, samples))
