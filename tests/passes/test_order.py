"""The order of least peak: against all orders, on graphs made by hand, and where there are too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.ir.program import Alias, Program, Role, Task
from tinyc.ir.window import Window
from tinyc.passes.place import least_arena
from tinyc.passes.schedule.order import least_peak_order

from .programs import Builder, chain, evaluate, programs


def orders(program: Program) -> Iterator[Program]:
    """``program`` in every order in which each step finds what it reads."""

    def extend(taken: list[int], written: set[str]) -> Iterator[list[int]]:
        if len(taken) == len(program.steps):
            yield taken
        for index, step in enumerate(program.steps):
            if index not in taken and written.issuperset(step.inputs):
                yield from extend([*taken, index], written | set(step.outputs))

    for order in extend([], set(program.inputs)):
        yield replace(program, steps=tuple(program.steps[index] for index in order))


def names(program: Program) -> list[str]:
    return [step.name for step in program.steps]


def branches(heads: list[int], tails: list[int]) -> Program:
    """x, then branches that each blow up to a head and shrink to a tail, first all heads; their sum."""
    builder = Builder()
    builder.buffer("x", 4)
    for index, size in enumerate(heads):
        builder.step(["x"], [builder.buffer(f"head_{index}", size)])
    for index, size in enumerate(tails):
        builder.step([f"head_{index}"], [builder.buffer(f"tail_{index}", size)])
    builder.step([f"tail_{index}" for index in range(len(tails))], [builder.buffer("y", 4)])
    return builder.program(["x"], ["y"])


def test_branches_are_finished_one_by_one() -> None:
    program = branches([100, 200, 300], [8, 8, 8])
    ordered = least_peak_order(program)
    assert least_arena(program) == 100 + 200 + 300 + 8  # while the first head becomes a tail
    # the third branch first, and x until the last has begun: x, head_2, tail_2 is the busiest step
    assert (ordered.peak, ordered.exact) == (312, True)
    assert least_arena(ordered.program) == 312
    assert names(ordered.program) == ["step_2", "step_5", "step_0", "step_3", "step_1", "step_4", "step_6"]
    assert ordered.program.tasks == program.tasks
    assert evaluate(ordered.program) == evaluate(program)


def test_steps_stay_where_the_model_has_them_as_far_as_the_peak_allows() -> None:
    """The first two heads may wait together; only the third branch has to come before."""
    ordered = least_peak_order(branches([8, 8, 300], [8, 8, 8]))
    assert ordered.peak == 312
    assert names(ordered.program)[:4] == ["step_2", "step_5", "step_0", "step_1"]


def test_a_chain_stays() -> None:
    program = chain([40, 400, 80, 800, 20] * 40)
    ordered = least_peak_order(program)
    assert ordered.program is program
    assert (ordered.peak, ordered.exact) == (least_arena(program), True) == (880, True)


def test_an_order_that_is_as_good_as_any_stays() -> None:
    program = branches([300, 100], [8, 8])
    program = replace(program, steps=tuple(program.steps[index] for index in (0, 2, 1, 3, 4)))
    ordered = least_peak_order(program)
    assert ordered.program is program
    assert (ordered.peak, ordered.exact) == (312, True)


def test_in_place_outputs_count_once() -> None:
    """x ends with the step that may overwrite it, if that is the last of its two readers."""
    builder = Builder()
    builder.buffer("x", 100)
    builder.step(["x"], [builder.buffer("a", 100)], in_place=(0,))
    builder.step(["x"], [builder.buffer("b", 8)])
    builder.step(["a", "b"], [builder.buffer("y", 8)])
    program = builder.program(["x"], ["y"])
    ordered = least_peak_order(program)
    assert least_arena(program) == 208
    assert names(ordered.program) == ["step_1", "step_0", "step_2"]
    assert (ordered.peak, ordered.exact) == (116, True)


def test_views_count_for_their_owner() -> None:
    """Both halves keep all of ``x``: the branch that reads it through a view does not set it free."""
    builder = Builder()
    builder.buffer("in", 4)
    builder.buffer("x", 200)
    builder.buffer("half", 100, view=Alias("x", 100))
    builder.step(["in"], ["x"])
    builder.step(["half"], [builder.buffer("a", 60)])
    builder.step(["x"], [builder.buffer("b", 60)])
    builder.step(["a"], [builder.buffer("small", 4)])
    builder.step(["small", "b"], [builder.buffer("y", 4)])
    program = builder.program(["in"], ["y"])
    ordered = least_peak_order(program)
    assert least_arena(program) == 320
    assert names(ordered.program) == ["step_0", "step_1", "step_3", "step_2", "step_4"]
    assert (ordered.peak, ordered.exact) == (264, True)
    assert evaluate(ordered.program) == evaluate(program)


def test_writers_of_the_same_bytes_keep_their_order() -> None:
    builder = Builder()
    builder.buffer("x", 4)
    builder.buffer("state", 8)
    builder.step(["x"], ["state"])
    builder.step(["state"], [builder.buffer("big", 100)])
    builder.step(["x"], ["state"])
    builder.step(["big", "state"], [builder.buffer("y", 4)])
    ordered = least_peak_order(builder.program(["x"], ["y"]))
    assert names(ordered.program) == ["step_0", "step_1", "step_2", "step_3"]


@st.composite
def graphs(draw: st.DrawFn) -> Program:
    """Graphs of up to 7 steps, which read one to three tensors; scratch, and in-place kernels."""
    builder = Builder()
    sizes = st.integers(1, 12).map(lambda words: 4 * words)
    tensors = [builder.buffer("in_0", draw(sizes))]
    for index in range(draw(st.integers(2, 7))):
        sources = draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=3, unique=True))
        if index == 0:
            sources = ["in_0"]
        scratch = []
        if draw(st.integers(0, 4)) == 0:
            scratch = [builder.buffer(f"work_{index}", draw(sizes), role=Role.SCRATCH)]
        in_place = draw(st.sampled_from([(), (), (0,), (1,), (0, 1)]))
        size = draw(sizes)
        builder.step(sources, [builder.buffer(f"t_{index}", size)], in_place, scratch)
        tensors.append(f"t_{index}")
    outputs = draw(st.lists(st.sampled_from(tensors[1:]), min_size=1, max_size=2, unique=True))
    return builder.program(["in_0"], outputs)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(graphs())
def test_no_order_has_a_smaller_peak(program: Program) -> None:
    ordered = least_peak_order(program)
    assert ordered.exact
    assert ordered.peak == least_arena(ordered.program)
    assert ordered.peak == min(least_arena(other) for other in orders(program))
    assert ordered.peak < least_arena(program) or ordered.program is program


@settings(max_examples=100, deadline=None, derandomize=True)
@given(programs())
def test_any_order_computes_the_same(program: Program) -> None:
    ordered = least_peak_order(program)
    assert sorted(names(ordered.program)) == sorted(names(program))
    assert ordered.program.tasks == program.tasks
    assert evaluate(ordered.program) == evaluate(program)


def test_a_beam_where_there_are_too_many_orders() -> None:
    program = branches([400 - 8 * index for index in range(9)], [40] * 9)
    limited = least_peak_order(program, max_states=200)
    full = least_peak_order(program)
    assert not limited.exact and full.exact
    assert full.peak <= limited.peak < least_arena(program)
    assert limited.peak == least_arena(limited.program)
    assert evaluate(limited.program) == evaluate(program)
    assert least_peak_order(program, max_states=200) == limited


def test_programs_that_run_by_windows_are_refused() -> None:
    program = chain([8, 8])
    with pytest.raises(ValueError, match="layer by layer"):
        least_peak_order(replace(program, tasks=(Task(0, Window(0, 1, 0, 1)),)))
