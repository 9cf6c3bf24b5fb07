"""The validator: what it lets pass computes the right values, and every kind of damage is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinyc.ir.dtype import DType
from tinyc.ir.errors import VerificationError
from tinyc.ir.program import Alias, Program, Role, Task, Tile
from tinyc.passes.place import place
from tinyc.passes.validate import validate

from .programs import (
    Builder,
    chain,
    complaint,
    evaluate,
    execute,
    moved,
    offsets_of,
    plan_of,
    planned,
    programs,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(programs(), st.data())
def test_what_passes_computes_the_right_values(program: Program, data: st.DataObject) -> None:
    """Plans at random, half of them a good one with one buffer moved."""
    good = place(program, seconds=0.5)
    names = sorted(offsets_of(good))
    arena = plan_of(good).arena_bytes + 8
    places = st.integers(0, arena // 4).map(lambda words: 4 * words)
    if data.draw(st.booleans()):
        bad = moved(good, data.draw(st.sampled_from(names)), data.draw(places))
    else:
        bad = planned(program, arena, **{name: data.draw(places) for name in names})
    try:
        validate(bad)
    except VerificationError:
        return
    assert execute(bad) == evaluate(program)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(programs(views=False), st.data())
def test_a_plan_that_computes_wrong_values_is_caught(program: Program, data: st.DataObject) -> None:
    good = place(program, seconds=0.5)
    name = data.draw(st.sampled_from(sorted(offsets_of(good))))
    room = plan_of(good).arena_bytes - program.buffers[name].nbytes
    bad = moved(good, name, 4 * data.draw(st.integers(0, max(room // 4, 0))))
    assume(execute(bad) != evaluate(program))
    assert "memory plan is not valid" in complaint(bad)


def test_a_program_must_be_placed() -> None:
    assert "was not placed" in complaint(chain([4, 4]))


@pytest.mark.parametrize("offset", [-4, 28, 40])
def test_outside_the_arena(offset: int) -> None:
    words = complaint(planned(chain([8, 8]), 32, t0=0, t1=offset))
    assert f"buffer t1 why: bytes [{offset}, {offset + 8}) are not inside the arena of 32 bytes" in words


def test_the_last_byte_of_the_arena_is_inside() -> None:
    validate(planned(chain([8, 8]), 32, t0=0, t1=24))


def test_misaligned() -> None:
    assert "it begins at byte 10" in complaint(planned(chain([8, 8]), 32, t0=0, t1=10))
    builder = Builder()
    builder.buffer("x", 8)
    builder.buffer("wide", 1, DType.INT64)
    builder.step(["x"], ["wide"])
    program = builder.program(["x"], ["wide"])
    assert "it begins at byte 12" in complaint(planned(program, 32, x=0, wide=12))
    validate(planned(program, 32, x=0, wide=16))


def test_a_view_needs_its_elements_alignment_only() -> None:
    builder = Builder()
    builder.buffer("x", 9)
    builder.buffer("tail", 3, view=Alias("x", 5))
    builder.buffer("y", 4)
    builder.step(["tail"], ["y"])
    validate(planned(builder.program(["x"], ["y"]), 32, x=0, y=12))


def test_no_offset() -> None:
    assert "t1 has no offset" in complaint(planned(chain([8, 8]), 32, t0=0))


def test_claims_that_do_not_hold() -> None:
    placed = place(chain([8, 8]))
    for claims in ({"lower_bound": 20}, {"proved_optimal": False}, {"lower_bound": 12}):
        assert "lower bound" in complaint(replace(placed, plan=replace(plan_of(placed), **claims)))


def test_an_output_over_its_input() -> None:
    words = complaint(planned(chain([16, 16]), 32, t0=0, t1=8))
    assert "task 0, step step_0, buffer t1" in words
    assert "buffers t1 and t0 meet in arena bytes [8, 16)" in words


def test_a_value_overwritten_before_its_last_use_names_task_step_buffer_and_bytes() -> None:
    builder = Builder()
    for name in ("x", "y", "z", "last"):
        builder.buffer(name, 16)
    builder.step(["x"], ["y"])
    builder.step(["y"], ["z"])
    builder.step(["x", "z"], ["last"])
    words = complaint(planned(builder.program(["x"], ["last"]), 64, x=0, y=32, z=8, last=48))
    assert "task 2, step step_2, buffer x" in words
    assert "arena bytes [8, 16) should hold x, and byte 8 holds z" in words


def test_an_output_overwritten_before_the_end() -> None:
    builder = Builder()
    for name in ("x", "y", "z"):
        builder.buffer(name, 16)
    builder.step(["x"], ["y"])
    builder.step(["x"], ["z"])
    words = complaint(planned(builder.program(["x"], ["y", "z"]), 64, x=0, y=16, z=28))
    assert "after the last task, buffer y" in words
    assert "arena bytes [28, 32) should hold y, and byte 28 holds z" in words


def test_bytes_that_nobody_wrote() -> None:
    builder = Builder()
    builder.buffer("x", 8)
    builder.buffer("whole", 16)
    builder.buffer("head", 8, view=Alias("whole"))
    builder.buffer("y", 4)
    builder.step(["x"], ["head"])
    builder.step(["whole"], ["y"])
    words = complaint(planned(builder.program(["x"], ["y"]), 64, x=0, whole=16, y=32))
    assert "task 1, step step_1, buffer whole" in words
    assert "arena bytes [24, 32) should hold whole, and byte 24 holds nothing" in words


def test_two_inputs_of_the_caller() -> None:
    builder = Builder()
    builder.buffer("x", 8)
    builder.buffer("z", 8)
    builder.buffer("y", 8)
    builder.step(["x"], ["y"])
    words = complaint(planned(builder.program(["x", "z"], ["y"]), 64, x=0, z=4, y=32))
    assert "buffer z why: it shares bytes with x, which the caller writes too" in words


def working(**offsets: int) -> Program:
    builder = Builder()
    builder.buffer("x", 16)
    builder.buffer("y", 16)
    builder.buffer("work", 16, role=Role.SCRATCH)
    builder.step(["x"], ["y"], (0,), ["work"])
    return planned(builder.program(["x"], ["y"]), 64, **offsets)


def test_scratch_lies_apart_from_every_operand_of_its_step() -> None:
    validate(working(x=0, y=0, work=16))
    assert "buffers work and x meet" in complaint(working(x=0, y=32, work=8))
    assert "buffers y and work meet" in complaint(working(x=0, y=32, work=40))


def test_scratch_wipes_what_lay_there() -> None:
    builder = Builder()
    for name in ("x", "y", "z", "last"):
        builder.buffer(name, 16)
    builder.buffer("work", 16, role=Role.SCRATCH)
    builder.step(["x"], ["y"])
    builder.step(["y"], ["z"], (), ["work"])
    builder.step(["x", "z"], ["last"])
    words = complaint(planned(builder.program(["x"], ["last"]), 128, x=0, y=16, z=32, work=0, last=64))
    assert "byte 0 holds work" in words


def test_two_outputs_lie_apart() -> None:
    builder = Builder()
    for name in ("x", "y", "z"):
        builder.buffer(name, 16)
    builder.step(["x"], ["y", "z"])
    program = builder.program(["x"], ["y", "z"])
    assert "buffers y and z meet" in complaint(planned(program, 64, x=0, y=16, z=28))


def test_in_place_where_the_kernel_says_so_and_both_begin_at_one_byte() -> None:
    validate(planned(chain([16, 16], [True]), 16, t0=0, t1=0))
    validate(planned(chain([16, 8], [True]), 16, t0=0, t1=0))
    assert "t1 and t0 meet" in complaint(planned(chain([16, 16], [False]), 16, t0=0, t1=0))
    assert "t1 and t0 meet" in complaint(planned(chain([16, 8], [True]), 16, t0=0, t1=8))
    assert "t1 and t0 meet" in complaint(planned(chain([16, 32], [True]), 32, t0=0, t1=0))


def test_in_place_over_two_operands_or_by_two_outputs() -> None:
    builder = Builder()
    builder.buffer("x", 16)
    builder.buffer("same", 16, view=Alias("x"))
    builder.buffer("y", 16)
    builder.step(["x", "same"], ["y"], (0, 1))
    assert "buffers y and x meet" in complaint(planned(builder.program(["x"], ["y"]), 16, x=0, y=0))
    builder = Builder()
    for name in ("x", "y", "z"):
        builder.buffer(name, 16)
    builder.step(["x"], ["y", "z"], (0,))
    assert "buffers y and x meet" in complaint(planned(builder.program(["x"], ["y"]), 32, x=0, y=0, z=16))


def test_in_place_over_what_is_read_again() -> None:
    builder = Builder()
    for name in ("x", "y", "z"):
        builder.buffer(name, 16)
    builder.step(["x"], ["y"], (0,))
    builder.step(["x", "y"], ["z"])
    words = complaint(planned(builder.program(["x"], ["z"]), 32, x=0, y=0, z=16))
    assert "task 1, step step_1, buffer x" in words
    assert "should hold x, and byte 0 holds y" in words


@pytest.mark.parametrize(
    ("alias", "fact"),
    [
        (Alias("x", 9), "bytes [9, 17) are not inside x (16 bytes)"),
        (Alias("x", -1), "bytes [-1, 7) are not inside x"),
        (Alias("gone"), "a view of gone, which leads to no memory"),
        (Alias("v"), "a view of v, which leads to no memory"),
    ],
)
def test_views_that_lead_nowhere(alias: Alias, fact: str) -> None:
    builder = Builder()
    builder.buffer("x", 16)
    builder.buffer("v", 8, view=alias)
    builder.buffer("y", 8)
    builder.step(["v"], ["y"])
    assert fact in complaint(planned(builder.program(["x"], ["y"]), 64, x=0, y=32))


def test_a_byte_has_one_writer() -> None:
    builder = Builder()
    builder.buffer("x", 16)
    builder.buffer("whole", 16)
    builder.buffer("head", 10, view=Alias("whole"))
    builder.buffer("tail", 8, view=Alias("whole", 8))
    builder.step(["x"], ["head"])
    builder.step(["x"], ["tail"])
    words = complaint(planned(builder.program(["x"], ["whole"]), 64, x=0, whole=32))
    assert "buffer whole" in words
    assert "step step_0 and step step_1 both write its bytes from 8 on" in words


def test_names_that_do_not_exist() -> None:
    program = place(chain([8, 8]))
    step = program.steps[0]
    assert "there is no buffer lost" in complaint(replace(program, steps=(replace(step, inputs=("lost",)),)))
    assert "there is no buffer lost" in complaint(replace(program, outputs=("lost",)))
    assert "there is no step 7" in complaint(replace(program, tasks=(Task(7),)))


def test_the_caller_sees_no_tiles() -> None:
    program = place(chain([8, 8]))
    buffers = {**program.buffers, "t1": replace(program.buffers["t1"], storage=Tile(1, 1))}
    assert "cannot be stored as a tile" in complaint(replace(program, buffers=buffers))
