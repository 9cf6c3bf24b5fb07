"""Placement of programs that run row by row: tensors overlap shifted, rings share bytes, and nothing is
lost."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx.parser import parse_model
from onnx.shape_inference import infer_shapes

from tinyc.ir.dtype import DType
from tinyc.ir.errors import VerificationError
from tinyc.ir.kernel import Kernel
from tinyc.ir.program import Program, Rows, Task, Tile
from tinyc.ir.window import Window
from tinyc.kernels.running_max import RunningMax
from tinyc.passes.place import least_arena, place
from tinyc.passes.schedule.build import build
from tinyc.passes.schedule.segment import Grid, Segment
from tinyc.passes.validate import validate

from ..kernels.checks import lowered
from ..kernels.schedules import patches
from .programs import Box, Builder, offsets_of, plan_of, planned

DEPTHWISE, POINTWISE = Box(), Box(reach=0)
TABLE, ADD = Box((0,), reach=0), Box((0, 1), reach=0)
LAYERS = (POINTWISE, TABLE, ADD, DEPTHWISE, Box(reach=2))


def placed(program: Program) -> Program:
    """Placed, and proved valid; the bound that is found quickly holds."""
    result = place(program, seconds=1.0)
    validate(result)
    assert least_arena(program) <= plan_of(result).lower_bound <= plan_of(result).arena_bytes
    return result


def arena(program: Program) -> int:
    return plan_of(placed(program)).arena_bytes


def layers(kernels: list[Kernel], rows: int = 25, columns: int = 5, channels: int = 64) -> Program:
    """t0 → t1 → …, all of one shape, layer by layer."""
    builder = Builder()
    names = [builder.buffer(f"t{n}", (1, rows, columns, channels)) for n in range(len(kernels) + 1)]
    for kernel, (source, target) in zip(kernels, pairwise(names), strict=True):
        builder.step([source], [target], kernel=kernel)
    return builder.program(names[:1], names[-1:])


def by_rows(program: Program, upward: list[bool]) -> Program:
    """Each step after the other, from its first row to its last or the other way."""
    tasks: list[Task] = []
    for step, up in enumerate(upward):
        rows, columns, _ = program.buffers[program.steps[step].outputs[0]].grid
        order = range(rows - 1, -1, -1) if up else range(rows)
        tasks += [Task(step, Window(y, y + 1, 0, columns)) for y in order]
    return replace(program, tasks=tuple(tasks))


def test_a_layer_lies_over_its_input_shifted_by_the_rows_that_it_still_reads() -> None:
    """Downwards two rows below, then upwards one row above: 8,000 bytes and two rows of 320."""
    program = by_rows(layers([DEPTHWISE, POINTWISE]), [False, True])
    assert arena(program) == 8000 + 2 * 320
    offsets = offsets_of(placed(program))
    assert offsets == {"t0": 640, "t1": 0, "t2": 320}


def test_layers_in_alternating_directions_need_no_more() -> None:
    kernels: list[Kernel] = [POINTWISE, DEPTHWISE] * 4
    assert arena(by_rows(layers(kernels), [True, False] * 4)) == 8000 + 2 * 320


def test_layers_in_one_direction_drift() -> None:
    assert arena(by_rows(layers([DEPTHWISE, DEPTHWISE]), [False, False])) == 8000 + 4 * 320


def test_an_in_place_layer_by_rows_lies_exactly_over_its_input() -> None:
    program = by_rows(layers([TABLE, TABLE]), [False, True])
    assert arena(program) == 8000
    assert len(set(offsets_of(placed(program)).values())) == 1


def test_an_input_that_is_read_again_stays() -> None:
    builder = Builder()
    for name in "xyz":
        builder.buffer(name, (1, 5, 2, 8))
    builder.step(["x"], ["y"], kernel=TABLE)
    builder.step(["x", "y"], ["z"], kernel=ADD)
    program = by_rows(builder.program(["x"], ["z"]), [False, False])
    assert arena(program) == 2 * 80
    offsets = offsets_of(placed(program))
    assert offsets["z"] in (offsets["x"], offsets["y"])


def residual(ring: int, more: int) -> Program:
    """x → a → b → sum of a and b, row by row; a in a ring of ``ring`` rows, b and the sum of ``more``; y
    reads the sum."""
    builder = Builder()
    builder.buffer("x", (1, 6, 4, 4))
    builder.buffer("a", (1, 6, 4, 4), storage=Rows(ring))
    builder.buffer("b", (1, 6, 4, 4), storage=Rows(more))
    builder.buffer("sum", (1, 6, 4, 4), storage=Rows(more))
    builder.buffer("y", (1, 6, 4, 1))
    builder.step(["x"], ["a"], kernel=POINTWISE)
    builder.step(["a"], ["b"], kernel=POINTWISE)
    builder.step(["a", "b"], ["sum"], kernel=ADD)
    builder.step(["sum"], ["y"], kernel=POINTWISE)
    tasks = [Task(step, Window(y, y + 1, 0, 4)) for y in range(6) for step in range(4)]
    return builder.program(["x"], ["y"], tasks)


def test_a_sum_in_a_ring_takes_the_place_of_one_of_its_terms() -> None:
    """x with the first row of a and a row of b; later rows of b, and y, lie where those of x were."""
    program = residual(1, 1)
    offsets = offsets_of(placed(program))
    assert offsets["sum"] in (offsets["a"], offsets["b"])
    assert arena(program) == 6 * 16 + 16 + 4


def test_a_ring_takes_the_place_of_one_that_is_as_long() -> None:
    """Row 1 of the sum would lie beside row 1 of a, which has one row only."""
    offsets = offsets_of(placed(residual(1, 3)))
    assert offsets["sum"] == offsets["b"]


def test_the_output_of_a_stream_lies_over_its_input() -> None:
    """When row y of the output is written, rows up to y + 1 of the input are gone: only the rings (a row and
    three) come on top."""
    program = build(layers([DEPTHWISE, POINTWISE, DEPTHWISE]), [Segment(0, 3, Grid())])
    assert arena(program) == 8000 + 4 * 320


def test_a_sum_that_runs_over_its_own_row() -> None:
    builder = Builder()
    builder.buffer("x", (1, 6, 4, 4))
    builder.buffer("sum", (1, 6, 1, 4), storage=Rows(1))
    builder.step(["x", "sum"], ["sum"], kernel=RunningMax(columns=4, channels=4, dtype=DType.INT8))
    tasks = [Task(0, Window(y, y + 1, 0, 1)) for y in range(6)]
    assert arena(builder.program(["x"], ["sum"], tasks)) == 6 * 16 + 4
    swapped = place(builder.program(["x"], ["sum"], [tasks[1], tasks[0], *tasks[2:]]))
    with pytest.raises(VerificationError, match="should hold sum row 0"):
        validate(swapped)


def test_rows_that_a_step_feeds_need_a_ring_only() -> None:
    """The caller is asked for row after row; the last of the 6 rows of output needs two of the ring's 3."""
    builder = Builder()
    builder.buffer("x", (1, 6, 4, 4), storage=Rows(3))
    builder.buffer("y", (1, 6, 4, 4))
    builder.step([], ["x"], kernel=POINTWISE)
    builder.step(["x"], ["y"], kernel=DEPTHWISE)
    order = [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (0, 3), (1, 2), (0, 4), (1, 3), (0, 5), (1, 4), (1, 5)]
    tasks = [Task(step, Window(y, y + 1, 0, 4)) for step, y in order]
    program = builder.program(["x"], ["y"], tasks)
    assert arena(program) == 8 * 16
    late = replace(program, tasks=(tasks[0], *tasks[2:]))
    with pytest.raises(VerificationError, match="should hold x row 1"):
        validate(place(late))


def test_tiles_of_a_column_share_bytes_where_a_step_runs_in_place() -> None:
    """b and its result are one row high and as wide as each other in either of the two columns."""
    builder = Builder()
    builder.buffer("x", (1, 6, 8, 4))
    builder.buffer("b", (1, 6, 8, 4), storage=Tile(1, 4))
    builder.buffer("c", (1, 6, 8, 4), storage=Tile(1, 4))
    builder.buffer("y", (1, 6, 8, 4))
    for pair, kernel in (("xb", POINTWISE), ("bc", TABLE), ("cy", POINTWISE)):
        builder.step([pair[0]], [pair[1]], kernel=kernel)
    tasks = [
        Task(step, Window(y, y + 1, x, x + 4), {"b": x, "c": x})
        for x, y, step in product((0, 4), range(6), range(3))
    ]
    offsets = offsets_of(placed(builder.program(["x"], ["y"], tasks)))
    assert offsets["b"] == offsets["c"]


def test_slots_of_a_ring_count_while_nobody_else_can_use_them() -> None:
    """Two rings of three rows, read a row at a time: at any moment three of their six rows hold something,
    but every row of the one meets every row of the other at some."""
    builder = Builder()
    for name, storage in (("x", None), ("a", Rows(3)), ("b", Rows(3)), ("y", None)):
        builder.buffer(name, (1, 12, 4, 1 if storage is None else 16), storage=storage)
    for pair in ("xa", "ab", "by"):
        builder.step([pair[0]], [pair[1]], kernel=POINTWISE)
    tasks: list[Task] = []
    for time in range(12 + 3):
        for step, lag in ((2, 3), (1, 1), (0, 0)):
            if 0 <= time - lag < 12:
                tasks.append(Task(step, Window(time - lag, time - lag + 1, 0, 4)))
    program = builder.program(["x"], ["y"], tasks)
    assert least_arena(program) == arena(program) == 2 * 3 * 64 + 40


@st.composite
def schedules(draw: st.DrawFn, steps: int = 6, rows: int = 9, across: int = 2) -> Program:
    """Layers with short cuts around some of them, some in place, in segments of all kinds; at most ``across``
    column tiles."""
    builder = Builder()
    shape = (1, draw(st.integers(2, rows)), draw(st.integers(2, 6)), draw(st.integers(1, 5)))
    names = [builder.buffer("t0", shape)]
    for number in range(draw(st.integers(1, steps))):
        kernel = draw(st.sampled_from(LAYERS))
        sources = [names[-1]]
        if kernel is ADD:
            sources.append(draw(st.sampled_from(names)))
        names.append(builder.buffer(f"t{number + 1}", shape))
        builder.step(sources, names[-1:], kernel=kernel)
    cuts = sorted({0, *draw(st.lists(st.integers(0, len(builder.steps)), max_size=3)), len(builder.steps)})
    segments: list[Segment] = []
    for begin, end in pairwise(cuts):
        grid = draw(st.sampled_from([None, Grid(), Grid(), Grid(1, across), Grid(2, across)]))
        segments.append(Segment(begin, end, grid, grid is not None and draw(st.booleans())))
    return build(builder.program(names[:1], names[-1:]), segments)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(schedules())
def test_any_schedule_gets_a_valid_plan(program: Program) -> None:
    quick = plan_of(place(program, seconds=0)).arena_bytes
    assert arena(program) <= quick


@settings(max_examples=40, deadline=None, derandomize=True)
@given(schedules(steps=2, rows=4, across=1))
def test_no_plan_that_the_validator_accepts_is_smaller(program: Program) -> None:
    """Where rows are not cut: lines are whole rows."""
    plan = plan_of(placed(program))
    assume(plan.proved_optimal)
    smaller = plan.arena_bytes - 4
    places = [range(0, smaller - program.buffers[name].nbytes + 1, 4) for name in plan.offsets]
    assume(0 < prod(len(offsets) for offsets in places) <= 2000)
    for offsets in product(*places):
        attempt = planned(program, smaller, **dict(zip(plan.offsets, offsets, strict=True)))
        with pytest.raises(VerificationError):
            validate(attempt)


def test_narrower_elements_take_no_place_in_a_ring_that_wraps() -> None:
    """Rows 1 and 2 of a ring of two lie the other way around: int16 written over float32 from the first row
    on would hit the second before it is read."""
    model = """<ir_version: 10, opset_import: ["" : 21]>
    wraps (float[1,1,3,1] x) => (int16[1,1,2,1] y)
    <float s = {0.01}, int16 z = {0}, int8[1,1,2,1] w = {121, -127}, float v = {0.001}> {
        a = QuantizeLinear(x, s, z)
        b = DequantizeLinear(a, s, z)
        c = Abs(b)
        d = QuantizeLinear(c, s, z)
        e = DequantizeLinear(d, s, z)
        f = DequantizeLinear(w, v)
        g = Conv <kernel_shape = [2, 1]> (e, f)
        y = QuantizeLinear(g, s, z)
    }"""
    program = patches(lowered(infer_shapes(parse_model(model))), 1, 1)
    assert Tile(2, 1) in {buffer.storage for buffer in program.buffers.values()}
    validate(place(program))
