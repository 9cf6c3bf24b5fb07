"""Whether tinyc computes what ONNX Runtime does: pass by pass, step by step, in both layouts, under other
schedules and as C."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx
import onnx.compose
import onnx_ir as oir

from tinyc.codegen.emit import Facts, emit
from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.fidelity import _compute, _truth, _value, step_errors
from tinyc.compiler.scheduling import ordered
from tinyc.compiler.sessions import Reference
from tinyc.compiler.stepping import Stepper, unrolled
from tinyc.compiler.verification import with_states
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.dtype import Quant
from tinyc.ir.program import Program
from tinyc.ir.values import to_stored
from tinyc.kernels.integer_recurrent import IntegerRecurrent
from tinyc.kernels.neuron import NeuronKernel
from tinyc.kernels.recurrent import Operand
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.dead_channels import remove_dead_channels
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import LowerOptions, lower
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.samples import input_specs, random_samples, random_sequences
from tinyc.passes.schedule import placed_front
from tinyc.passes.state_pairs import given_inputs
from tinyc.passes.validate import validate
from tinyc.passes.views import eliminate_copies
from tinyc.targets import load_target

from ..kernels.recurrent_bound import allowed_lsb
from ..kernels.schedules import can_be_windowed, patches, stream_rows

Sample = Mapping[str, np.ndarray]
Outputs = Mapping[str, np.ndarray]
STEPS = 5
"""Time steps of models with states."""
FLOAT = 1e-4
"""Share of a tensor's range by which floats may differ after several layers."""


# ---- comparing ----

def near(found: np.ndarray, want: np.ndarray, lsb: int = 0, tolerance: float = FLOAT) -> None:
    """Shapes and types are the same, floats within a share of the range, integers of 8 and 16 bits within
    ``lsb``; wider integers are indices and sums, and the same."""
    assert found.shape == want.shape
    assert found.dtype == want.dtype
    if want.dtype.kind == "f":
        span = max(float(np.abs(want).max(initial=0.0)), 1e-3)
        np.testing.assert_allclose(found, want, rtol=0, atol=tolerance * span)
    else:
        difference = np.abs(found.astype(np.int64) - want.astype(np.int64)).max(initial=0)
        assert difference <= (lsb if want.dtype.itemsize <= 2 else 0)


def samples_of(model: oir.Model, count: int = 2) -> list[dict[str, np.ndarray]]:
    return list(random_samples(input_specs(model.graph.inputs), count, seed=0))


# ---- graph passes ----


def prepared(proto: onnx.ModelProto) -> oir.Model:
    """The model as it is lowered. After each pass it is valid, and gives the outputs that ``proto`` gives."""
    model = import_model(proto)
    samples = samples_of(model)
    wanted = Reference(oir.serde.deserialize_model(proto)).run_all(samples)
    for transform in (lambda m: m, canonicalize, remove_dead_channels):
        model = transform(model)
        onnx.checker.check_model(oir.serde.serialize_model(model), full_check=True)
        for want, found in zip(wanted, Reference(model).run_all(samples), strict=True):
            assert list(want) == list(found)
            for name in want:
                near(found[name], want[name], lsb=1)
    return model


# ---- programs ----


def run(program: Program, samples: Sequence[Sample]) -> list[dict[str, np.ndarray]]:
    """The emulator's outputs by buffer name."""
    machine = Machine(program)
    return [machine.run(stored_inputs(program, sample)) for sample in samples]


def planned(layers: Program) -> Program:
    """Copies eliminated, placed and validated."""
    placed = place(eliminate_copies(layers), seconds=0.2)
    validate(placed)
    return placed


def both_layouts(model: oir.Model, samples: Sequence[Sample]) -> Program:
    """Channel-last and in the model's order of axes, with and without the elimination of copies, a program
    gives the same outputs. Returns the channel-last one, layer by layer."""
    layers = {last: lower(model, "net", LowerOptions(last)) for last in (False, True)}
    programs = [place(layers[True], seconds=0.2), planned(layers[True]), planned(layers[False])]
    runs = [run(program, samples) for program in programs]
    for results in zip(*runs, strict=True):
        for names in zip(*(program.outputs for program in programs), strict=True):
            first, *others = (
                program.buffers[name].from_memory(result[name])
                for program, result, name in zip(programs, results, names, strict=True)
            )
            for other in others:
                near(other, first, tolerance=1e-5)
    return layers[True]


def schedules_agree(layers: Program, samples: Sequence[Sample]) -> None:
    """Row streams and patches give the bytes of the layer-by-layer program, where it can be windowed; floats
    may be summed up in another order."""
    if not can_be_windowed(layers):
        return
    variants = [stream_rows(layers)]
    if len(layers.outputs) == 1:
        variants += [patches(layers, 2, 3), patches(layers, 1, 1)]
    wanted = run(planned(layers), samples)
    for variant in variants:
        placed = place(variant, seconds=0.2)
        validate(placed)
        for found, want in zip(run(placed, samples), wanted, strict=True):
            for name in layers.outputs:
                near(found[name], want[name], tolerance=1e-5)


def host_agrees(placed: Program, samples: Sequence[Sample]) -> None:
    """C on the host against the emulator: bit for bit on integers, 1e-5 of the range on floats."""
    for c, mine in zip(_compiled(placed, samples), run(placed, samples), strict=True):
        for name in placed.outputs:
            near(c[name], mine[name], tolerance=1e-5)


# ---- against ONNX Runtime ----


def float_graph_agrees(proto: onnx.ModelProto) -> Program:
    """Every property of a float graph but its C. Returns the layer-by-layer program."""
    model = prepared(proto)
    samples = samples_of(model)
    layers = both_layouts(model, samples)
    wanted = Reference(oir.serde.deserialize_model(proto)).run_all(samples)
    for found, want in zip(run(planned(layers), samples), wanted, strict=True):
        for name, expected in zip(layers.outputs, want.values(), strict=True):
            near(layers.buffers[name].from_memory(found[name]), expected)
    schedules_agree(layers, samples)
    return layers


def quantized_graph_agrees(proto: onnx.ModelProto) -> Program:
    """Every property of a quantized graph but its C. Returns the layer-by-layer program."""
    return _quantized_agrees(prepared(proto))


def own_quantization_agrees(proto: onnx.ModelProto) -> Program:
    """The same of a float graph that tinyc quantizes, calibrated on random numbers."""
    model = canonicalize(import_model(proto))
    calibration = random_samples(input_specs(model.graph.inputs), 3, seed=1)
    names = [value.name for value in (*model.graph.inputs, *model.graph.outputs)]
    quantized = remove_dead_channels(quantize(model, calibration.arrays))
    onnx.checker.check_model(oir.serde.serialize_model(quantized), full_check=True)
    assert [value.name for value in (*quantized.graph.inputs, *quantized.graph.outputs)] == names
    return _quantized_agrees(quantized)


def _quantized_agrees(model: oir.Model) -> Program:
    samples = samples_of(model)
    layers = both_layouts(model, samples)
    allowed = _recurrent_bounds(layers, model, samples)
    for error in step_errors(layers, model, samples):
        assert (error.lsb or 0) <= allowed.get(error.step, 1), error
        assert (error.relative or 0.0) <= 10 * FLOAT, error  # of a range that may be what is left of a sum
    for sample in samples:
        _outputs_agree(layers, model, sample, allowed)
    schedules_agree(layers, samples)
    return layers


def _recurrent_bounds(layers: Program, model: oir.Model, samples: Sequence[Sample]) -> dict[str, int]:
    """By step what ``allowed_lsb`` says of the recurrent layers on integers."""
    found: dict[str, int] = {}
    for truth in _truths(layers, model, samples):
        inputs, _ = _by_steps(layers, truth)
        for step in layers.steps:
            if isinstance(step.kernel, IntegerRecurrent):
                quant = layers.buffers[step.outputs[0]].quant
                assert quant is not None
                lsb = _allowed(step.kernel, quant, inputs[step.name])
                found[step.name] = max(lsb, found.get(step.name, 1))
    return found


def _allowed(kernel: IntegerRecurrent, quant: Quant, inputs: Sequence[np.ndarray]) -> int:
    given = {index: inputs[place] for index, place in kernel.operands.items()}
    begun = replace(
        kernel,
        initial_h=given.get(Operand.H, kernel.initial_h),
        initial_c=given.get(Operand.C, kernel.initial_c),
    )
    return allowed_lsb(begun, quant, given[Operand.X].reshape(kernel.layer.steps, kernel.layer.batch, -1))


def _truths(layers: Program, model: oir.Model, samples: Sequence[Sample]) -> list[Outputs]:
    """All that ONNX Runtime computes, for each of ``samples``."""
    reference = Reference(model, observe=sorted({buffer.source for buffer in layers.buffers.values()}))
    return [reference.run(sample) | dict(sample) for sample in samples]


def _by_steps(
    layers: Program, truth: Outputs
) -> tuple[dict[str, list[np.ndarray]], dict[str, np.ndarray]]:
    """The inputs of each step, which are ONNX Runtime's values as far as there are any, and what all steps
    make of them."""
    inputs: dict[str, list[np.ndarray]] = {}
    given: dict[str, np.ndarray] = {}
    made: dict[str, np.ndarray] = {}
    for step in layers.steps:
        inputs[step.name] = [_value(layers, name, truth, given) for name in step.inputs]
        for name, mine in zip(step.outputs, _compute(layers, step, inputs[step.name]), strict=True):
            theirs = _truth(layers.buffers[name], truth)
            made[name], given[name] = mine, mine if theirs is None else theirs
    return inputs, made


def _outputs_agree(layers: Program, model: oir.Model, sample: Sample, allowed: Mapping[str, int]) -> None:
    """What the caller reads, views and copies too, where every step is given ONNX Runtime's values."""
    (truth,) = _truths(layers, model, [sample])
    _, made = _by_steps(layers, truth)
    for name, value in zip(layers.outputs, model.graph.outputs, strict=True):
        buffer, want = layers.buffers[name], truth[value.name or ""]
        found = buffer.from_memory(_value(layers, name, truth, made))
        owner = layers.owner(name)[0]
        lsb = next((allowed.get(step.name, 1) for step in layers.steps if owner in step.outputs), 1)
        near(found, buffer.from_memory(to_stored(want, buffer)), lsb)
        assert found.shape == want.shape


# ---- step by step ----


def steps_agree(proto: onnx.ModelProto, states: Sequence[str] = ()) -> None:
    """A float model of one time step, with three schedules in the emulator and as C."""
    model = import_model(proto, states=states)
    sequence = next(iter(random_sequences(input_specs(given_inputs(model)), 1, STEPS, seed=0)))
    wanted = Stepper(model).run(sequence)[1]
    layers = ordered(lower(canonicalize(model), "net"))
    front = placed_front(layers, count=3)
    for point in front:
        validate(point.program)
        _steps_near(point.program, run(point.program, sequence), wanted)
    _steps_near(front[-1].program, _compiled(front[-1].program, sequence), wanted)


def _steps_near(program: Program, runs: Sequence[Outputs], wanted: Sequence[Outputs]) -> None:
    for found, want in zip(runs, wanted, strict=True):
        for name in program.outputs:
            buffer = program.buffers[name]
            near(buffer.from_memory(found[name]), want[buffer.source])


def quantized_steps_agree(proto: onnx.ModelProto) -> None:
    """The same of what tinyc quantizes: emulator and C bit for bit, each layer against ONNX Runtime."""
    model = canonicalize(import_model(proto))
    specs = input_specs(given_inputs(model))
    calibration = unrolled(model, random_sequences(specs, 3, STEPS, seed=1))
    quantized = remove_dead_channels(quantize(model, calibration.arrays))
    sequence = next(iter(random_sequences(specs, 1, STEPS, seed=0)))
    layers = lower(quantized, "net")
    placed = place(ordered(layers))
    validate(placed)
    neurons = {step.name for step in layers.steps if isinstance(step.kernel, NeuronKernel)}
    for error in step_errors(layers, quantized, with_states(placed, quantized, sequence)):
        if error.step not in neurons:  # one at its threshold may spike there and not here
            assert (error.lsb or 0) <= 1 and (error.relative or 0.0) <= 10 * FLOAT, error
    for found, want in zip(_compiled(placed, sequence), run(placed, sequence), strict=True):
        for name in placed.outputs:
            near(found[name], want[name], tolerance=1e-5)


def _compiled(program: Program, samples: Sequence[Sample]) -> list[dict[str, np.ndarray]]:
    """The outputs of the C on this machine, by buffer name."""
    files = emit(program, load_target("host"), Facts("0", "net.onnx", "0", 25, 0, 0, ""))
    with HostModel(program, files) as host:
        return host.run([stored_inputs(program, sample) for sample in samples])


def merged(protos: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """One model that holds several, side by side: one compilation tests them all."""
    first, *rest = (onnx.compose.add_prefix(proto, f"{i}/") for i, proto in enumerate(protos))
    for other in rest:
        for part in ("node", "input", "output", "initializer", "value_info"):
            getattr(first.graph, part).extend(getattr(other.graph, part))
    return first


def merged_host_agrees(protos: Sequence[onnx.ModelProto]) -> None:
    """The C of several models."""
    model = remove_dead_channels(canonicalize(import_model(merged(protos))))
    host_agrees(planned(lower(model, "net")), samples_of(model))
