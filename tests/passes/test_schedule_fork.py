"""Patches classified at run time: regions run the branch that their flag asks for, and write its result in
place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import ml_dtypes
import numpy as np
import onnx
import pytest

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.machine import Machine
from tinyc.ir.lifetime import lifetimes
from tinyc.ir.program import Program, Task, When
from tinyc.kernels.outliers import Outliers
from tinyc.kernels.patch_select import PatchSelect
from tinyc.passes.place import place
from tinyc.passes.schedule import Grid, Segment, build
from tinyc.passes.schedule.cost import bitops, executed, most
from tinyc.passes.schedule.search import candidates
from tinyc.passes.schedule.selection import grids_along
from tinyc.targets import load_target

from ..kernels.checks import agree, lowered, reference
from .branches import HIGH, LOW, WIDE, classified, patch_of
from .programs import complaint


def selection(program: Program) -> int:
    (index,) = (i for i, step in enumerate(program.steps) if isinstance(step.kernel, PatchSelect))
    return index


def patched(program: Program, grid: Grid | None = None, framed: bool = False, upward: bool = False) -> Program:
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


@pytest.mark.parametrize("case", CASES)
def test_each_patch_is_of_its_branch(case: str) -> None:
    """Emulator and C agree with ONNX Runtime, which computes both branches everywhere."""
    grid, size, options = CASES[case]
    model = classified(grid, size, **options)
    samples = [images(model, grid, drawn) for drawn in drawings(grid)]
    layers, wanted = lowered(model), reference(model, samples)
    agree(layers, samples, wanted)
    for framed in (False, True):
        program = patched(layers, framed=framed)
        assert len(program.views) == len(layers.views) + 1, "the copy is spared"
        agree(program, samples, wanted)


def ran(program: Program, sample: dict[str, np.ndarray]) -> list[str]:
    """The branch of each task of a branch that ran."""
    placed, found = place(program), list[str]()
    fed = {name: program.buffers[name].to_memory(a) for name, a in zip(program.inputs, sample.values(), strict=True)}

    def observe(index: int, computed: tuple[np.ndarray, ...]) -> None:
        task = placed.tasks[index]
        if task.when is not None:
            found.append("#" if task.when.value else ".")

    Machine(placed).run(fed, observe)
    return found


def test_a_patch_takes_one_branch() -> None:
    model = classified((3, 3), (13, 17))
    program = patched(lowered(model))
    none, every, some = (ran(program, images(model, (3, 3), drawn)) for drawn in drawings((3, 3)))
    assert set(none) == {"."} and set(every) == {"#"} and set(some) == {"#", "."}
    assert len(none) == len(every) == len(some)
