"""Placement: valid, deterministic, and the smallest arena there is."""

from __future__ import annotations

import sys
from itertools import product
from math import prod

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tinyc.ir.dtype import DType
from tinyc.ir.errors import VerificationError
from tinyc.ir.program import Alias, Program, Role, Task, Tile
from tinyc.ir.window import Window
from tinyc.passes.place import place
from tinyc.passes.validate import validate

from .programs import Box, Builder, chain, evaluate, execute, offsets_of, plan_of, planned, programs

SECONDS = 1.0


def placed(program: Program) -> Program:
    """Placed, and proved valid."""
    result = place(program, seconds=SECONDS)
    validate(result)
    return result


def arena(program: Program) -> int:
    """Bytes of the arena; the plan must be valid and proved optimal."""
    plan = plan_of(placed(program))
    assert plan.proved_optimal
    return plan.arena_bytes


@settings(max_examples=150, deadline=None, derandomize=True)
@given(programs())
def test_any_program_gets_a_valid_plan_that_computes_the_same(program: Program) -> None:
    result = placed(program)
    plan = plan_of(result)
    assert plan.arena_bytes >= plan.lower_bound
    assert plan.proved_optimal == (plan.arena_bytes == plan.lower_bound)
    assert execute(result) == evaluate(program)


@settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much]
)
@given(programs(max_steps=4, max_bytes=12, views=False))
def test_no_plan_that_the_validator_accepts_is_smaller(program: Program) -> None:
    assume(set(program.inputs) <= {name for step in program.steps for name in step.inputs})
    plan = plan_of(placed(program))
    smaller = plan.arena_bytes - 4
    names = [name for name in plan.offsets if program.buffers[name].nbytes > 0]
    places = [range(0, smaller - program.buffers[name].nbytes + 1, 4) for name in names]
    assume(0 < prod(len(offsets) for offsets in places) <= 2000)
    for offsets in product(*places):
        attempt = planned(program, smaller, **{**plan.offsets, **dict(zip(names, offsets, strict=True))})
        with pytest.raises(VerificationError):
            validate(attempt)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(programs())
def test_the_same_program_gets_the_same_plan(program: Program) -> None:
    assert place(program, seconds=SECONDS).plan == place(program, seconds=SECONDS).plan


def test_a_chain_keeps_two_tensors_at_a_time_and_needs_no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinyc.passes.packing_exact", None)
    assert arena(chain([100, 200, 40, 160, 8])) == 300


def test_buffers_with_one_lifetime_lie_apart() -> None:
    builder = Builder()
    for name in ("x", "y", "a", "b"):
        builder.buffer(name, 16)
    builder.step(["x", "y"], ["a", "b"])
    program = builder.program(["x", "y"], ["a", "b"])
    assert arena(program) == 64
    assert len(set(offsets_of(placed(program)).values())) == 4


def test_a_buffer_bigger_than_all_others_together() -> None:
    assert arena(chain([8, 10_000, 8, 12, 4])) == 10_008


def test_empty_buffers_take_no_memory() -> None:
    assert arena(chain([0, 24, 0, 16, 0])) == 24
    assert arena(chain([0, 0])) == 0


def test_a_program_without_tasks_keeps_its_inputs_and_outputs() -> None:
    builder = Builder()
    builder.buffer("x", 10)
    assert arena(builder.program(["x"], ["x"])) == 12


def test_sizes_and_offsets_are_whole_words() -> None:
    program = placed(chain([3, 5, 7]))
    assert plan_of(program).arena_bytes == 16
    assert all(offset % 4 == 0 for offset in offsets_of(program).values())
    assert plan_of(program).alignment == 4


def test_wide_elements_begin_at_multiples_of_eight() -> None:
    builder = Builder()
    builder.buffer("x", 4)
    builder.buffer("wide", 3, DType.INT64)
    builder.buffer("narrow", 4)
    builder.step(["x"], ["wide", "narrow"])
    program = placed(builder.program(["x"], ["wide", "narrow"]))
    assert offsets_of(program)["wide"] % 8 == 0
    assert plan_of(program).alignment == 8
    assert plan_of(program).arena_bytes == 32


def test_a_view_of_wider_elements_aligns_its_owner() -> None:
    builder = Builder()
    builder.buffer("x", 4)
    builder.buffer("bytes", 16)
    builder.buffer("numbers", 2, DType.INT64, view=Alias("bytes"))
    builder.step(["x"], ["bytes"])
    assert offsets_of(placed(builder.program(["x"], ["numbers"])))["bytes"] % 8 == 0


def test_a_chain_in_place_needs_its_largest_tensor_only() -> None:
    assert arena(chain([64, 64, 48, 48, 20], in_place=[True] * 4)) == 64


def test_a_larger_output_never_takes_its_inputs_place() -> None:
    assert arena(chain([64, 68], in_place=[True])) == 132


def test_in_place_keeps_the_input_safe_from_the_steps_scratch() -> None:
    builder = Builder()
    builder.buffer("x", 64)
    builder.buffer("y", 16)
    builder.buffer("work", 40, role=Role.SCRATCH)
    builder.step(["x"], ["y"], (0,), ["work"])
    assert arena(builder.program(["x"], ["y"])) == 104


def residual(second_use: bool) -> Program:
    """y = f(x), f may run in place; then z = x + y (or z = f(y)), which may overwrite either."""
    builder = Builder()
    for name in ("x", "y", "z"):
        builder.buffer(name, 32)
    builder.step(["x"], ["y"], (0,))
    builder.step(["x", "y"] if second_use else ["y"], ["z"], (0, 1))
    return builder.program(["x"], ["z"])


def test_an_input_that_is_used_later_is_not_overwritten() -> None:
    assert arena(residual(second_use=False)) == 32
    assert arena(residual(second_use=True)) == 64
    offsets = offsets_of(placed(residual(second_use=True)))
    assert offsets["z"] in (offsets["x"], offsets["y"])
    assert offsets["x"] != offsets["y"]


def test_an_output_that_the_caller_reads_is_not_overwritten() -> None:
    builder = Builder()
    for name in ("x", "y", "z"):
        builder.buffer(name, 32)
    builder.step(["x"], ["y"])
    builder.step(["y"], ["z"], (0,))
    assert arena(builder.program(["x"], ["y", "z"])) == 64


def test_an_operand_used_twice_is_not_overwritten() -> None:
    builder = Builder()
    builder.buffer("x", 32)
    builder.buffer("y", 32)
    builder.step(["x", "x"], ["y"], (0, 1))
    assert arena(builder.program(["x"], ["y"])) == 64


def test_a_part_of_a_concatenation_is_computed_in_place() -> None:
    builder = Builder()
    builder.buffer("x", 32)
    builder.buffer("whole", 48)
    builder.buffer("head", 16, view=Alias("whole"))
    builder.buffer("tail", 32, view=Alias("whole", 16))
    builder.buffer("y", 4)
    builder.step(["x"], ["tail"], (0,))
    builder.step(["tail"], ["head"])
    builder.step(["whole"], ["y"])
    program = placed(builder.program(["x"], ["y"]))
    assert plan_of(program).arena_bytes == 52
    assert offsets_of(program)["x"] == offsets_of(program)["whole"] + 16


def test_a_view_that_is_not_at_a_word_is_not_overwritten() -> None:
    builder = Builder()
    builder.buffer("x", 16)
    builder.buffer("tail", 10, view=Alias("x", 6))
    builder.buffer("y", 8)
    builder.step(["tail"], ["y"], (0,))
    program = placed(builder.program(["x"], ["y"]))
    assert plan_of(program).arena_bytes == 20
    assert offsets_of(program) == {"x": 4, "y": 0}  # y ends where x has its first byte that is read


def test_what_the_caller_gave_is_kept_beside_a_part_computed_in_place() -> None:
    builder = Builder()
    builder.buffer("x", 16)
    builder.buffer("whole", 32)
    builder.buffer("head", 16, view=Alias("whole"))
    builder.buffer("tail", 16, view=Alias("whole", 16))
    builder.buffer("work", 16, role=Role.SCRATCH)
    builder.buffer("y", 4)
    builder.step(["x"], ["tail"], (0,), ["work"])
    builder.step(["whole"], ["y"])
    program = placed(builder.program(["x", "head"], ["y"]))
    assert plan_of(program).arena_bytes == 48
    assert offsets_of(program)["x"] == offsets_of(program)["whole"] + 16


def test_tiles_need_memory_only_while_their_patch_uses_them() -> None:
    """Two patches of x → a → b → c → y, each 3 x 3: never more than two of the tiles hold anything.

    x, a and b meet in the first patch, y, a and b in the second, and x and y at its start.
    """
    builder = Builder()
    builder.buffer("x", (1, 4, 8, 1))
    for name, width in (("a", 7), ("b", 6), ("c", 5)):
        builder.buffer(name, (1, 4, 8, 4), storage=Tile(4, width))
    builder.buffer("y", (1, 4, 8, 1))
    for source, target in ("xa", "ab", "bc", "cy"):
        builder.step([source], [target], kernel=Box())
    tasks: list[Task] = []
    for begin in (0, 4):
        spans = [(max(begin - halo, 0), min(begin + 4 + halo, 8)) for halo in (3, 2, 1, 0)]
        origins = {name: span[0] for name, span in zip("abc", spans, strict=False)}
        tasks += [Task(step, Window(0, 4, *span), origins) for step, span in enumerate(spans)]
    assert arena(builder.program(["x"], ["y"], tasks)) == 32 + 32 + 16 * (7 + 6)
