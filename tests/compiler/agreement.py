"""Whether tinyc computes what ONNX Runtime does, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx_ir as oir

from tinyc.codegen.emit import Facts, emit
from tinyc.compiler.feeding import stored_inputs, to_real, to_stored
from tinyc.compiler.fidelity import step_errors
from tinyc.compiler.sessions import Reference
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.dead_channels import remove_dead_channels
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import LowerOptions, lower
from tinyc.passes.place import place
from tinyc.passes.samples import input_specs, random_samples
from tinyc.passes.validate import validate
from tinyc.passes.views import eliminate_copies
from tinyc.targets import load_target

from ..kernels.schedules import can_be_windowed, patches, stream_rows

Sample = Mapping[str, np.ndarray]
FLOAT = 1e-4
"""Share of a tensor's range by which float results may differ."""


def samples_of(model: oir.Model, count: int = 2) -> list[dict[str, np.ndarray]]:
    return list(random_samples(input_specs(model.graph.inputs), count, seed=0))


def prepared(proto: onnx.ModelProto) -> oir.Model:
    """The model as it is lowered: each pass valid ONNX, and outputs as ONNX Runtime has them of ``proto``."""
    model = import_model(proto)
    truth = Reference(oir.serde.deserialize_model(proto))
    samples = samples_of(model)
    wanted = truth.run_all(samples)
    for transform in (lambda m: m, canonicalize, remove_dead_channels):
        model = transform(model)
        onnx.checker.check_model(oir.serde.serialize_model(model), full_check=True)
        for want, found in zip(wanted, Reference(model).run_all(samples), strict=True):
            assert list(want) == list(found)
            for name in want:
                near(found[name], want[name], lsb=1)
    return model


def near(found: np.ndarray, want: np.ndarray, lsb: int = 0, tolerance: float = FLOAT) -> None:
    """Shapes and types are the same; floats within a share of the range, integers of 8 bits within ``lsb``."""
    assert found.shape == want.shape
    assert found.dtype == want.dtype
    if want.dtype.kind == "f":
        span = max(float(np.abs(want).max(initial=0.0)), 1e-3)
        np.testing.assert_allclose(found, want, rtol=0, atol=tolerance * span)
    else:
        difference = np.abs(found.astype(np.int64) - want.astype(np.int64)).max(initial=0)
        assert difference <= (lsb if want.dtype.itemsize == 1 else 0)


def planned(program: Program) -> Program:
    placed = place(eliminate_copies(program))
    validate(placed)
    return placed


def run(program: Program, samples: Sequence[Sample]) -> list[dict[str, np.ndarray]]:
    """The emulator's outputs by buffer name."""
    machine = Machine(program)
    return [machine.run(stored_inputs(program, sample)) for sample in samples]


def float_outputs_agree(proto: onnx.ModelProto) -> Program:
    """Emulator against ONNX Runtime on the original model, for both layouts; returns the placed program."""
    model = prepared(proto)
    samples = samples_of(model)
    wanted = Reference(oir.serde.deserialize_model(proto)).run_all(samples)
    program = None
    for channel_last in (False, True):
        program = planned(lower(model, "net", LowerOptions(channel_last)))
        for found, want in zip(run(program, samples), wanted, strict=True):
            for name, expected in zip(program.outputs, want.values(), strict=True):
                buffer = program.buffers[name]
                near(buffer.from_memory(found[name]), expected)
    assert program is not None
    return program


def steps_agree(model: oir.Model, program: Program, samples: Sequence[Sample]) -> None:
    """Each step of a layer-by-layer program, fed with ONNX Runtime's values."""
    for error in step_errors(program, model, samples):
        assert (error.lsb or 0) <= 1, error
        assert (error.relative or 0.0) <= FLOAT, error


def layouts_agree(model: oir.Model, samples: Sequence[Sample]) -> tuple[Program, Program]:
    """Both layouts give the same outputs in the model's order of axes; returns the layer-by-layer programs."""
    layers = [lower(model, "net", LowerOptions(channel_last)) for channel_last in (False, True)]
    first, second = (planned(program) for program in layers)
    for a, b in zip(run(first, samples), run(second, samples), strict=True):
        for one, other in zip(first.outputs, second.outputs, strict=True):
            here, there = first.buffers[one], second.buffers[other]
            near(there.from_memory(b[other]), here.from_memory(a[one]), tolerance=1e-5)
    return layers[0], layers[1]


def schedules_agree(program: Program, samples: Sequence[Sample]) -> int:
    """Row streams and patches give the bytes of the layer-by-layer program; how many schedules there were."""
    if not can_be_windowed(program):
        return 0
    variants = [stream_rows(program), patches(program, 2, 3), patches(program, 1, 1)]
    wanted = run(planned(program), samples)
    for variant in variants:
        placed = place(variant)
        validate(placed)
        for found, want in zip(run(placed, samples), wanted, strict=True):
            for name in program.outputs:
                assert found[name].tobytes() == want[name].tobytes()
    return len(variants)


def host_agrees(placed: Program, samples: Sequence[Sample]) -> None:
    """C on the host against the emulator: bit for bit on integers, 1e-5 of the range on floats."""
    files = emit(placed, load_target("host"), Facts("0", "net.onnx", "0", 25, 0, 0, ""))
    with HostModel(placed, files) as host:
        compiled = host.run([stored_inputs(placed, sample) for sample in samples])
    for c, mine in zip(compiled, run(placed, samples), strict=True):
        for name in placed.outputs:
            near(c[name], mine[name], tolerance=1e-5)


__all__ = [
    "float_outputs_agree", "host_agrees", "layouts_agree", "near", "planned", "prepared", "run", "samples_of",
    "schedules_agree", "steps_agree", "to_real", "to_stored",
]  # fmt: skip
