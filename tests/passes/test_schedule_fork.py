"""Patches classified at run time: regions run the branch that their flag asks for, and write its result in
place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import ml_dtypes
import numpy as np
import onnx
import pytest

from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program, Task, When
from tinyc.kernels.outliers import Outliers
from tinyc.kernels.patch_select import PatchSelect
from tinyc.passes.place import place
from tinyc.passes.schedule import Grid, Segment, build
from tinyc.passes.schedule.cost import bitops, executed, most
from tinyc.passes.schedule.search import candidates
from tinyc.passes.schedule.selection import grids_along
from tinyc.passes.tailor import tailor
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from ..kernels.boards import M4, RV32, device_of, sampled
from ..kernels.checks import agree, lowered, reference
from .branches import WIDE, classified, patch_of
from .programs import complaint


def selection(program: Program) -> int:
    (index,) = (i for i, step in enumerate(program.steps) if isinstance(step.kernel, PatchSelect))
    return index


def flags_of(program: Program) -> str:
    return next(step.outputs[0] for step in program.steps if isinstance(step.kernel, Outliers))


def patched(
    program: Program, grid: Grid | None = None, framed: bool = False, upward: bool = False
) -> Program:
    """All up to the selection in one segment, by default along the patches; the rest layer by layer."""
    end = selection(program) + 1
    kernel = program.steps[end - 1].kernel
    assert isinstance(kernel, PatchSelect)
    rest = [Segment(index, index + 1) for index in range(end, len(program.steps))]
    return build(program, [Segment(0, end, grid or next(grids_along(kernel)), upward, framed), *rest])


def images(model: onnx.ModelProto, grid: tuple[int, int], drawn: list[str]) -> dict[str, np.ndarray]:
    """A stored image with outliers in the patches that are ``#``, above and below in turns."""
    (value,) = model.graph.input
    shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    rng = np.random.default_rng(5)
    image = rng.integers(-97, 117, shape).astype(np.int8)  # from LOW to HIGH in steps of 0.05 around 3
    rows, columns = (patch_of(*axis) for axis in zip(shape[2:], grid, strict=True))
    for number, (y, x) in enumerate(np.argwhere(np.array([list(line) for line in drawn]) == "#")):
        inside = np.argwhere((rows[:, None] == y) & (columns == x))
        row, column = inside[rng.integers(len(inside))]
        image[0, rng.integers(shape[1]), row, column] = (127, -128)[number % 2]
    return {value.name: image}


def drawings(grid: tuple[int, int]) -> Iterator[list[str]]:
    """No patch with outliers, all, and some."""
    yield ["." * grid[1]] * grid[0]
    yield ["#" * grid[1]] * grid[0]
    picks = np.random.default_rng(grid).integers(0, 2, grid)
    picks[0, 0], picks[-1, -1] = 1, 0
    yield ["".join(".#"[pick] for pick in line) for line in picks]


CASES = {
    "3x3": ((3, 3), (12, 10), {}),
    "odd sizes": ((3, 3), (13, 17), {}),
    "2x3, no stride": ((2, 3), (9, 11), {"stride": 1}),
    "rows": ((3, 1), (11, 3), {"stride": 1}),
    "columns": ((1, 4), (3, 16), {"stride": 1}),
    "one patch": ((1, 1), (7, 5), {}),
    "halo of most of the image": ((2, 2), (10, 9), {"stride": 1, "dilation": 2}),
    "2 bits": ((2, 2), (12, 10), {"narrow": np.dtype(ml_dtypes.int2)}),
    "packed result": ((2, 2), (12, 10), {"out": np.dtype(ml_dtypes.int4)}),
    "two branches in 8 bits": ((2, 2), (12, 10), {"narrow": WIDE}),
}


@pytest.mark.parametrize("case", sampled(CASES, "odd sizes", "rows", "one patch", "2 bits", "packed result"))
def test_each_patch_is_of_its_branch(case: str) -> None:
    """Emulator and C agree with ONNX Runtime, which computes both branches everywhere."""
    grid, size, options = CASES[case]
    model = classified(grid, size, **options)
    samples = [images(model, grid, drawn) for drawn in drawings(grid)]
    layers, wanted = lowered(model), reference(model, samples)
    for framed in (False, True):
        program = patched(layers, framed=framed)
        assert len(program.views) == len(layers.views) + 1, "the copy is spared"
        agree(program, samples, wanted)


def stored(program: Program, sample: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    pairs = zip(program.inputs, sample.values(), strict=True)
    return {name: program.buffers[name].to_memory(image) for name, image in pairs}


def ran(program: Program, sample: dict[str, np.ndarray]) -> list[str]:
    """The branch of each task of a branch that ran."""
    placed, found = place(program), list[str]()

    def observe(index: int, computed: tuple[np.ndarray, ...]) -> None:
        task = placed.tasks[index]
        if task.when is not None:
            found.append("#" if task.when.value else ".")

    Machine(placed).run(stored(program, sample), observe)
    return found


def test_a_patch_takes_one_branch() -> None:
    model = classified((3, 3), (13, 17))
    program = patched(lowered(model))
    none, every, some = (ran(program, images(model, (3, 3), drawn)) for drawn in drawings((3, 3)))
    assert set(none) == {"."} and set(every) == {"#"} and set(some) == {"#", "."}
    assert len(none) == len(every) == len(some)


@pytest.mark.parametrize("grid", [Grid(), Grid(3, 2), Grid(1, 4)])
def test_regions_across_patches_compute_both(grid: Grid) -> None:
    model = classified((2, 3), (12, 10))
    samples = [images(model, (2, 3), drawn) for drawn in drawings((2, 3))]
    program = patched(lowered(model), grid)
    assert selection(program) and not any(task.when for task in program.tasks)
    agree(program, samples, reference(model, samples))


def test_finer_regions_ask_the_flag_of_their_patch() -> None:
    model = classified((2, 2), (16, 12))
    samples = [images(model, (2, 2), drawn) for drawn in drawings((2, 2))]
    for framed, upward in ((False, True), (True, False)):
        program = patched(lowered(model), Grid(4, 2), framed, upward)
        asked = {task.when.place[1:] for task in program.tasks if task.when is not None}
        assert asked == {(0, 0), (0, 1), (1, 0), (1, 1)}
        agree(program, samples, reference(model, samples))


def of_branch(program: Program, wide: bool) -> Program:
    """``program`` with the tasks of one branch alone, placed."""
    tasks = tuple(task for task in program.tasks if task.when is None or task.when.value == wide)
    return place(replace(program, tasks=tasks))


def arena(program: Program) -> int:
    assert program.plan is not None
    return program.plan.arena_bytes


def test_the_arena_is_that_of_the_wider_branch() -> None:
    for grid in ((1, 1), (3, 3), (2, 4)):
        program = patched(lowered(classified(grid, (24, 20))))
        wide, narrow = (arena(of_branch(program, value)) for value in (True, False))
        assert arena(place(program)) == max(wide, narrow) and narrow < wide


def test_work_is_counted_as_expected_and_at_most() -> None:
    """Both branches have as many MACs; of the narrow one some have fewer bits."""
    program, always = (patched(lowered(classified((2, 2), (16, 12), share=share))) for share in (0.25, 1.0))
    never = patched(lowered(classified((2, 2), (16, 12), share=0.0)))
    assert executed(program).macs == executed(always).macs == executed(never).macs == most(program).macs
    assert bitops(never) < bitops(program) < bitops(always) == most(program).bitops
    assert bitops(program) == 0.25 * bitops(always) + 0.75 * bitops(never)
    both = lowered(classified((2, 2), (16, 12)))
    assert most(both).macs == executed(both).macs and most(both).bitops == bitops(both)


def test_the_search_takes_grids_along_the_patches() -> None:
    layers = lowered(classified((2, 2), (48, 40), 1))
    best = candidates(layers)[0]
    assert best.segments[0].grid == Grid(2, 2) and best.segments[0].end == selection(layers) + 1
    assert best.cycles < 0.75 * executed(layers).cycles


def whole(program: Program, change: Callable[[int, Task], Task | None]) -> Program:
    """A placed program with tasks changed, or left out."""
    made = (change(index, task) for index, task in enumerate(program.tasks))
    return replace(program, tasks=tuple(task for task in made if task is not None))


def test_the_validator_follows_both_outcomes() -> None:
    program = place(patched(lowered(classified((2, 2), (12, 10)))))
    validate(program)
    result = next(buffer.alias.parent for buffer in program.buffers.values() if buffer.alias)
    makers = [i for i, step in enumerate(program.steps) if program.owner(step.outputs[0])[0] == result]
    for maker, value in zip(makers, (True, False), strict=True):
        when = When(flags_of(program), 0, 0, value)
        last = max(i for i, task in enumerate(program.tasks) if (task.step, task.when) == (maker, when))

        def without(index: int, task: Task, last: int = last) -> Task | None:
            return None if index == last else task

        said = complaint(whole(program, without))
        assert f"should hold {result}" in said and "holds what depends on a flag" in said


def test_the_validator_refuses_what_one_outcome_wrote_for_all() -> None:
    program = place(patched(lowered(classified((2, 2), (12, 10)))))
    asking = [index for index, task in enumerate(program.tasks) if task.when is not None]
    reading = next(index for index in asking if program.steps[program.tasks[index].step].inputs[0] != "x_q")

    def always(index: int, task: Task) -> Task:
        return replace(task, when=None) if index == reading else task

    assert "should hold" in complaint(whole(program, always))


def test_the_validator_refuses_two_writers_that_may_both_run() -> None:
    program = place(patched(lowered(classified((2, 2), (12, 10)))))

    def same(index: int, task: Task) -> Task:
        return task if task.when is None else replace(task, when=replace(task.when, value=True))

    assert "both write its bytes" in complaint(whole(program, same))


def test_the_validator_refuses_flags_that_are_lost_or_none() -> None:
    program = place(patched(lowered(classified((2, 2), (12, 10)))))
    plan = program.plan
    assert plan is not None
    over = next(program.steps[task.step].outputs[0] for task in program.tasks if task.when is not None)
    moved = replace(plan, offsets={**plan.offsets, flags_of(program): plan.offsets[over]})
    assert f"should hold {flags_of(program)}" in complaint(replace(program, plan=moved))

    def elsewhere(index: int, task: Task) -> Task:
        return task if task.when is None else replace(task, when=replace(task.when, flag="x_q"))

    assert "there is no flag x_q" in complaint(whole(program, elsewhere))


@pytest.mark.parametrize("board", [M4, RV32])
def test_on_boards(board: str) -> None:
    """Every outcome, as the emulator has it; a patch in 4 bits takes other work than one in 8."""
    grid = (2, 3)
    model = classified(grid, (13, 17))
    program = place(patched(tailor(lowered(model), load_target(board))))
    device, machine, counts = device_of(program, board), Machine(program), set[int]()
    for drawn in drawings(grid):
        fed = stored(program, images(model, grid, drawn))
        run = device.run(fed)
        for name, array in machine.run(fed).items():
            np.testing.assert_array_equal(run.outputs[name], array)
        counts.add(run.instructions)
    assert len(counts) == 3
