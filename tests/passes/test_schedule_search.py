"""The search: estimates against placed programs, and the front of memory against cycles."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from tinyc.emulator.machine import Machine
from tinyc.ir.program import MemoryPlan, Program, Role
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.place import least_arena, place
from tinyc.passes.schedule import Point, Segment, build, least, placed_front
from tinyc.passes.schedule.cost import cycles, executed
from tinyc.passes.schedule.estimate import Estimator
from tinyc.passes.schedule.feed import feed_by_rows
from tinyc.passes.schedule.lazy import least_memory
from tinyc.passes.schedule.search import Candidate, candidates
from tinyc.passes.validate import validate
from tinyc.passes.views import eliminate_copies

from .onnx_text import build as build_model
from .programs import Box, Builder
from .small_networks import NETWORKS, layers_of

networks = pytest.mark.parametrize("name", NETWORKS)

ABOVE, BELOW = 1.10, 0.85
"""What an estimate may be of the bytes that no placement does without. It counts lines at one moment, where
placement knows some that can lie in each other's place, and guesses what dies inside regions."""

FRAMED = 0.95
"""The same where the free slots of frames may lie where nothing fits that is there at the same time."""


@cache
def found(name: str) -> list[Candidate]:
    return candidates(layers_of(name))


@cache
def front(name: str) -> list[Point]:
    return placed_front(layers_of(name), count=5)


def plan_of(point: Point) -> MemoryPlan:
    assert point.program.plan is not None
    return point.program.plan


# ---- candidates ----


@networks
@pytest.mark.parametrize("again", [None, False, True])
def test_the_least_memory_is_what_the_whole_search_finds(name: str, again: bool | None) -> None:
    layers = layers_of(name)
    if again is not None:
        if name == "ad":
            pytest.skip("its input has no rows")
        layers = feed_by_rows(layers, again)
    candidate = least_memory(layers)
    assert candidate.nbytes == candidates(layers)[-1].nbytes
    assert [step for s in candidate.segments for step in range(s.begin, s.end)] == list(
        range(len(candidate.program.steps))
    )


@networks
def test_the_front_goes_as_low_as_the_quick_search(name: str) -> None:
    assert front(name)[-1].arena <= least(layers_of(name)).arena


@networks
def test_each_candidate_is_slower_and_smaller(name: str) -> None:
    made = found(name)
    for before, after in pairwise(made):
        assert before.cycles < after.cycles and before.nbytes > after.nbytes
    assert made[0].segments == tuple(Segment(i, i + 1) for i in range(len(layers_of(name).steps)))
    assert len(made) >= (1 if name == "ad" else 3)


@networks
def test_candidates_run_all_steps(name: str) -> None:
    for candidate in found(name):
        built = build(candidate.program, candidate.segments)  # refuses gaps
        assert {task.step for task in built.tasks} == set(range(len(built.steps)))


@networks
def test_memory_is_estimated_closely(name: str) -> None:
    for candidate in found(name):
        least = least_arena(build(candidate.program, candidate.segments))
        framed = any(segment.framed for segment in candidate.segments)
        below = 1.0 if not framed else FRAMED
        least_estimate = BELOW * least if not candidate.recomputes_nothing else below * least - 4
        assert least_estimate <= candidate.nbytes <= ABOVE * least, (candidate.segments, least)


def test_working_memory_counts() -> None:
    """Step 1 of the stream needs 1,000 bytes while it runs."""
    builder = Builder()
    names = [builder.buffer(name, (1, 8, 4, 2)) for name in "xaby"]
    for source, target in pairwise(names):
        work = [builder.buffer("work", 1000, role=Role.SCRATCH)] if target == "b" else []
        builder.step([source], [target], scratch=work, kernel=Box())
    program = builder.program(["x"], ["y"])
    made = list(Estimator(program).streams(0, 3))
    assert len(made) > 3
    for estimate in made:
        least = least_arena(build(program, [estimate.segment]))
        assert least > 1000 + 64
        assert BELOW * least <= estimate.nbytes <= ABOVE * least, estimate.segment


@networks
def test_cycles_are_those_of_the_tasks(name: str) -> None:
    for candidate in found(name):
        built = build(candidate.program, candidate.segments)
        assert candidate.cycles == pytest.approx(cycles(executed(built), len(built.tasks)), rel=1e-12)


@networks
def test_streams_of_one_region_compute_nothing_twice(name: str) -> None:
    macs = executed(layers_of(name)).macs
    ratios = [
        (c.recomputes_nothing, executed(build(c.program, c.segments)).macs / macs) for c in found(name)
    ]
    assert all((ratio == 1) == nothing for nothing, ratio in ratios)
    assert any(not nothing for nothing, _ in ratios) == (name == "ic")


# ---- the front ----


@networks
def test_the_front_is_strictly_monotone(name: str) -> None:
    points = front(name)
    for before, after in pairwise(points):
        assert before.cycles < after.cycles and before.arena > after.arena
        assert before.macs <= after.macs
    assert points[0].describe() == "layer by layer"
    if name != "ad":
        assert points[-1].arena < 0.75 * points[0].arena


@networks
def test_points_are_what_they_say(name: str) -> None:
    for point in front(name):
        work = executed(point.program)
        assert point.macs == work.macs and point.cycles == cycles(work, len(point.program.tasks))
        assert point.input_passes == 0
        plan = plan_of(point)
        assert plan.lower_bound <= plan.arena_bytes == point.arena
        assert plan.proved_optimal == (plan.lower_bound == plan.arena_bytes)


@networks
def test_every_point_gives_the_bytes_of_layer_by_layer(name: str) -> None:
    layers = place(layers_of(name), seconds=0)
    rng = np.random.default_rng(0)
    samples = [
        {
            n: rng.normal(size=layers.buffers[n].shape).astype(np.float32)
            if layers.buffers[n].dtype.is_float
            else rng.integers(-128, 128, layers.buffers[n].shape).astype(np.int8)
            for n in layers.inputs
        }
        for _ in range(2)
    ]
    wanted = outputs(layers, samples)
    for point in front(name):
        validate(point.program)
        assert outputs(point.program, samples) == wanted


def outputs(program: Program, samples: list[dict[str, np.ndarray]]) -> list[list[bytes]]:
    machine = Machine(program)
    return [[array.tobytes() for array in machine.run(sample).values()] for sample in samples]


@networks
def test_the_same_model_has_the_same_front(name: str) -> None:
    again = placed_front(layers_of(name), count=5)
    for one, other in zip(front(name), again, strict=True):
        assert one.segments == other.segments and plan_of(one) == plan_of(other)
        assert one.program.tasks == other.program.tasks
        assert (one.macs, one.cycles) == (other.macs, other.cycles)


def test_few_points_span_the_front() -> None:
    points = front("ic")
    assert 3 <= len(points) <= 5 + 2
    assert any(all(s.regions == 1 for s in p.segments) and p.segments != points[0].segments for p in points)


def test_regions_of_padding_alone_read_nothing() -> None:
    body = "m = Mul(h, c) a = Add(m, x) r = Relu(a) b = Abs(a) y = Pad(b, pads)"
    constants = {"c": np.float32(0.75), "pads": np.array([0, 0, 0, 0, 1, 0])}
    outputs = "float[1,1,1] r, float[1,2,1] y"
    proto = build_model("float[1,1,1] x, float[1,1,1] h", body, constants, outputs=outputs)
    model = canonicalize(import_model(proto))
    for point in placed_front(eliminate_copies(lower(model, "net"))):
        validate(point.program)
