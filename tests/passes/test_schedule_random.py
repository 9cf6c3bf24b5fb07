"""Random networks under random schedules: the bytes of the layer-by-layer program, emulated and as C."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx.printer
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.schedule import Segment, build
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from ..kernels.checks import samples_of
from .random_schedules import forms, layers_of, networks, schedules

_FIXED = settings(
    derandomize=True, database=None, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
"""The same networks and schedules in every run."""

Samples = Sequence[dict[str, np.ndarray]]


def fed(program: Program, model: onnx.ModelProto) -> Samples:
    """Two samples in memory order."""
    names = zip(program.inputs, (value.name for value in model.graph.input), strict=True)
    order = dict(names)
    return [
        {name: program.buffers[name].to_memory(sample[given]) for name, given in order.items()}
        for sample in samples_of(model, 2)
    ]


def run(program: Program, samples: Samples) -> list[dict[str, np.ndarray]]:
    return [dict(Machine(program).run(sample)) for sample in samples]


def scheduled(program: Program, segments: Sequence[Segment], seconds: float = 0) -> Program:
    """Built, placed, and accepted by the validator."""
    placed = place(build(program, segments), seconds=seconds)
    validate(placed)
    assert placed.plan is not None
    assert placed.plan.lower_bound <= placed.plan.arena_bytes
    return placed


def same(found: Sequence[dict[str, np.ndarray]], wanted: Sequence[dict[str, np.ndarray]]) -> None:
    """Bytes of integers; floats, where rounding to them is the last thing done, as well."""
    for mine, want in zip(found, wanted, strict=True):
        assert list(mine) == list(want)
        for name in want:
            np.testing.assert_array_equal(mine[name], want[name])


def drawn(data: st.DataObject, model: onnx.ModelProto) -> tuple[Program, tuple[Segment, ...]]:
    note(onnx.printer.to_text(model.graph))
    program = data.draw(forms(layers_of(model)))
    note("\n".join(f"{i}: {s.name} {s.inputs} -> {s.outputs}" for i, s in enumerate(program.steps)))
    segments = data.draw(schedules(program))
    note("\n".join(map(str, segments)))
    return program, segments


def agrees(data: st.DataObject, model: onnx.ModelProto) -> None:
    layers = place(layers_of(model), seconds=0)
    samples = fed(layers, model)
    program, segments = drawn(data, model)
    same(run(scheduled(program, segments), samples), run(layers, samples))


@settings(_FIXED, max_examples=100)
@given(networks(), st.data())
def test_random_schedules_give_the_bytes_of_layer_by_layer(model: onnx.ModelProto, data: st.DataObject):
    agrees(data, model)


def agrees_as_c(data: st.DataObject, model: onnx.ModelProto) -> None:
    program, segments = drawn(data, model)
    placed = scheduled(program, segments, seconds=0.1)
    samples = fed(placed, model)
    files = emit(placed, load_target("host"), Facts("0", "net.onnx", "0", 25, 0, 0, ""))
    with HostModel(placed, files) as host:
        compiled = [dict(outputs) for outputs in host.run(samples)]
    same(compiled, run(placed, samples))


@settings(_FIXED, max_examples=8)
@given(networks(), st.data())
def test_random_schedules_as_c(model: onnx.ModelProto, data: st.DataObject):
    agrees_as_c(data, model)


@pytest.mark.slow
class TestMany:
    """The same properties of more networks."""

    @settings(_FIXED, max_examples=1500)
    @given(networks(7), st.data())
    def test_random_schedules(self, model: onnx.ModelProto, data: st.DataObject):
        agrees(data, model)

    @settings(_FIXED, max_examples=80)
    @given(networks(7), st.data())
    def test_as_c(self, model: onnx.ModelProto, data: st.DataObject):
        agrees_as_c(data, model)
