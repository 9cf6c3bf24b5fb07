"""Steps that depend on inputs alone are computed once, and the others find what they made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinyc.emulator.machine import Machine
from tinyc.ir.dtype import DType
from tinyc.ir.errors import VerificationError
from tinyc.ir.invariant import invariant_steps, run_once
from tinyc.ir.program import Buffer, Program, Role, State, Step, Task
from tinyc.kernels.copy import Copy
from tinyc.kernels.event_pool import SpikeSumPool
from tinyc.kernels.sliding import Sliding
from tinyc.kernels.threshold import Threshold
from tinyc.passes.hold import hold_invariants
from tinyc.passes.place import place
from tinyc.passes.schedule import placed_front
from tinyc.passes.settle import settle_states
from tinyc.passes.validate import validate

SHAPE = (1, 6, 5, 8)
_ONE = SpikeSumPool.of(Sliding((1, 1), (1, 1), (1, 1), (0, 0), (6, 5), (6, 5), 1), 8)


def _program(reads_input: bool = False) -> Program:
    """x → spikes → numbers a; the state's spikes → numbers b, first in order; the state becomes a, or x."""
    size = int(np.prod(SHAPE))
    buffers = [
        Buffer("x", SHAPE, DType.INT8, role=Role.INPUT),
        Buffer("s", SHAPE, DType.BIT),
        Buffer("a", SHAPE, DType.INT8),
        Buffer("u", SHAPE, DType.INT8, role=Role.STATE),
        Buffer("t", SHAPE, DType.BIT),
        Buffer("y", SHAPE, DType.INT8, role=Role.OUTPUT),
        Buffer("u_next", SHAPE, DType.INT8, role=Role.STATE),
    ]
    steps = (
        Step("old", Threshold(SHAPE, 0), ("u",), ("t",)),
        Step("spikes", Threshold(SHAPE, 3), ("x",), ("s",)),
        Step("shown", _ONE, ("t",), ("y",)),
        Step("numbers", _ONE, ("s",), ("a",)),
        Step("keep", Copy(size), ("x" if reads_input else "a",), ("u_next",)),
    )
    states = (State("u", "u_next", bytes(size)),)
    named = {buffer.name: buffer for buffer in buffers}
    return Program("m", named, steps, tuple(map(Task, range(5))), ("x",), ("y",), states=states)


def test_what_depends_on_inputs_alone_comes_first_and_is_kept() -> None:
    program = _program()
    assert invariant_steps(program) == {1, 3} and run_once(program) == 0
    held = hold_invariants(program)
    assert [step.name for step in held.steps] == ["spikes", "numbers", "old", "shown", "keep"]
    assert held.held == {"a"} and [state.after for state in held.states] == ["u_next", "a"]
    placed = place(settle_states(held))
    validate(placed)
    assert run_once(placed) == 2
    x = np.random.default_rng(2).integers(-9, 9, SHAPE).astype(np.int8)
    plain, kept = Machine(place(settle_states(program))), Machine(placed)
    for _ in range(3):
        np.testing.assert_array_equal(plain.run({"x": x})["y"], kept.run({"x": x})["y"])


def test_later_steps_alone_make_the_next_time_step() -> None:
    """The tasks that run once are left out, with another input: nothing of it is seen."""
    placed = place(settle_states(hold_invariants(_program())))
    x = np.random.default_rng(2).integers(-9, 9, SHAPE).astype(np.int8)
    whole = Machine(placed)
    wanted = [whole.run({"x": x})["y"] for _ in range(3)]
    machine = Machine(placed)
    machine.run({"x": x})
    machine.program = replace(placed, tasks=placed.tasks[run_once(placed) :])
    for want in wanted[1:]:
        np.testing.assert_array_equal(machine.run({"x": -x})["y"], want)


def test_streams_end_where_what_is_kept_is_read() -> None:
    held = hold_invariants(_program())
    for point in placed_front(held):
        assert run_once(point.program) == sum(task.step in (0, 1) for task in point.program.tasks)


def test_nothing_is_kept_where_every_step_reads_the_input() -> None:
    program = _program(reads_input=True)
    assert hold_invariants(program) is program


def test_a_kept_result_that_is_overwritten_is_found_by_the_validator() -> None:
    placed = place(settle_states(hold_invariants(_program())))
    assert placed.plan is not None
    offsets = {**placed.plan.offsets, "u": placed.plan.offsets["a"], "u_next": placed.plan.offsets["a"]}
    with pytest.raises(VerificationError):
        validate(replace(placed, plan=replace(placed.plan, offsets=offsets)))
