"""Program: sizes of what is stored, the grid of a tensor, views and their offsets."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.ir.dtype import DType
from tinyc.ir.program import Alias, Buffer, Frame, Full, MemoryPlan, Program, Role, Rows, Storage, Task, Tile
from tinyc.ir.window import Window


@pytest.mark.parametrize(
    ("shape", "batch", "grid"),
    [
        ((1, 5, 7, 3), 1, (5, 7, 3)),
        ((2, 5, 7, 3), 2, (5, 7, 3)),
        ((1, 9, 4), 1, (9, 1, 4)),
        ((6, 9, 4), 6, (9, 1, 4)),
        ((1, 640), 1, (1, 1, 640)),
        ((12,), 1, (1, 1, 12)),
        ((), 1, (1, 1, 1)),
        ((2, 3, 4, 5, 6), 1, (1, 1, 720)),
        ((1, 0, 7, 3), 1, (0, 7, 3)),
    ],
)
def test_grid_and_batch(shape: tuple[int, ...], batch: int, grid: tuple[int, int, int]) -> None:
    buffer = Buffer("x", shape, DType.INT8)
    assert (buffer.batch, buffer.grid) == (batch, grid)
    assert buffer.whole == Window(0, grid[0], 0, grid[1])
    assert buffer.elements == int(np.prod(shape, dtype=int)) == buffer.nbytes


@pytest.mark.parametrize(
    ("storage", "pixels"),
    [
        (Full(), (6, 8)),
        (Rows(3), (3, 8)),
        (Rows(6), (6, 8)),
        (Rows(9), (6, 8)),
        (Tile(2, 5), (2, 5)),
        (Tile(7, 9), (7, 9)),
    ],
)
@pytest.mark.parametrize(("dtype", "size"), [(DType.INT8, 1), (DType.FLOAT32, 4), (DType.INT64, 8)])
def test_bytes_of_what_is_stored(storage: Storage, pixels: tuple[int, int], dtype: DType, size: int) -> None:
    buffer = Buffer("x", (1, 6, 8, 3), dtype, storage)
    assert buffer.pixels_stored == pixels
    assert buffer.nbytes == pixels[0] * pixels[1] * 3 * size
    assert buffer.elements == 6 * 8 * 3


@pytest.mark.parametrize(
    ("dtype", "channels", "pixel"),
    [
        (DType.INT4, 1, 1), (DType.INT4, 2, 1), (DType.INT4, 7, 4), (DType.INT4, 8, 4),
        (DType.INT2, 1, 1), (DType.INT2, 4, 1), (DType.INT2, 5, 2), (DType.INT2, 9, 3),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("storage", "pixels"), [(Full(), 48), (Rows(3), 24), (Tile(2, 5), 10), (Frame(4, 5), 20)]
)
def test_packed_pixels_begin_on_a_byte(
    dtype: DType, channels: int, pixel: int, storage: Storage, pixels: int
) -> None:
    buffer = Buffer("x", (1, 6, 8, channels), dtype, storage)
    assert (buffer.pixel_bytes, buffer.nbytes) == (pixel, pixels * pixel)
    assert buffer.elements == 6 * 8 * channels


def test_packed_runs_of_the_last_axis_begin_on_a_byte() -> None:
    sizes = {
        (): 1, (5,): 3, (3, 5): 9, (2, 3, 4, 5, 3): 2 * 3 * 4 * 5 * 2, (4, 6, 8, 3): 4 * 6 * 8 * 2, (2, 0): 0,
    }  # fmt: skip
    assert {shape: Buffer("x", shape, DType.INT4).nbytes for shape in sizes} == sizes


def test_a_batch_is_stored_sample_after_sample() -> None:
    assert Buffer("x", (4, 6, 8, 3), DType.INT16).nbytes == 4 * 6 * 8 * 3 * 2


def views(plan: MemoryPlan | None = None) -> Program:
    """``whole`` owns memory; ``tail`` is a view of it, ``part`` one of ``tail``."""
    buffers = [
        Buffer("whole", (40,), DType.INT8),
        Buffer("tail", (16,), DType.INT8, alias=Alias("whole", 24)),
        Buffer("part", (4,), DType.INT8, alias=Alias("tail", 3)),
        Buffer("other", (8,), DType.INT8, role=Role.OUTPUT),
    ]
    by_name = {buffer.name: buffer for buffer in buffers}
    return Program("views", by_name, (), (), ("whole",), ("other",), plan)


def test_views_lead_to_their_owner() -> None:
    program = views()
    assert program.owner("whole") == ("whole", 0)
    assert program.owner("tail") == ("whole", 24)
    assert program.owner("part") == ("whole", 27)
    assert program.owner("other") == ("other", 0)


def test_offsets_count_from_the_owner() -> None:
    program = views(MemoryPlan({"whole": 8, "other": 0}, 48, 48, True, 4))
    assert [program.offset(name) for name in ("whole", "tail", "part", "other")] == [8, 32, 35, 0]


def test_an_unplaced_program_has_no_offsets() -> None:
    with pytest.raises(ValueError, match="views has no memory plan"):
        views().offset("whole")


def test_a_task_has_no_window_and_no_origins_unless_given() -> None:
    assert Task(3) == Task(3, None, {})


def test_windows_clip_to_the_grid() -> None:
    assert Window(-2, 3, 4, 99).clip(5, 8) == Window(0, 3, 4, 8)
    outside = Window(7, 9, -4, -1).clip(5, 8)
    assert (outside.height, outside.width, outside.pixels) == (0, 0, 0)
    assert Window(1, 4, 2, 7).pixels == 15
