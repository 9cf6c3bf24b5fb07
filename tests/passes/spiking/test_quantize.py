"""Spiking networks on integers: what is quantized how, and that each step computes what ONNX Runtime does."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.codegen.emit import Facts, emit
from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.fidelity import _compute, _truth, _value
from tinyc.compiler.sessions import Reference
from tinyc.compiler.stepping import Stepper
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.dtype import DType
from tinyc.ir.program import Program
from tinyc.ir.values import to_real
from tinyc.kernels.event import EventLayer
from tinyc.kernels.integer_neuron import IntegerNeuron
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.options import QuantizeOptions
from tinyc.passes.quantize.units import partition
from tinyc.passes.settle import settle_states
from tinyc.passes.spiking.firing import noted_rates
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from .networks import NETWORKS, sequences

Sample = dict[str, np.ndarray]


@cache
def network(name: str, bits: int = 8) -> tuple[oir.Model, oir.Model, list[list[Sample]], Program]:
    """The canonical model, the quantized one with weights of ``bits``, sequences of steps with the states met
    there, the program."""
    proto = NETWORKS[name]()
    model = canonicalize(import_model(proto))
    given = [[{"x": step} for step in sequence] for sequence in sequences(proto)]
    met = [Stepper(model).run(sequence)[0] for sequence in given]
    arrays = {key: np.stack([step[key] for steps in met for step in steps]) for key in met[0][0]}
    layers = [unit.name for unit in partition(model).units if unit.rule.weight_axis is not None]
    quantized = quantize(model, arrays, QuantizeOptions(weight_bits=dict.fromkeys(layers, bits)))
    onnx.checker.check_model(oir.serde.serialize_model(quantized), full_check=True)
    steps = [list(map(dict, Stepper(quantized).run(sequence)[0])) for sequence in given]
    return model, quantized, steps, lower(quantized, "net")


@pytest.mark.parametrize(
    ("name", "bits"), [*((name, 8) for name in NETWORKS), ("dense", 4), ("dense", 2), ("biased", 4)]
)
def test_each_step_computes_what_onnx_runtime_does(name: str, bits: int) -> None:
    """Given the same operands: spikes are the same but for membranes right at their threshold, and where they
    are, membranes are within 2 steps. Event-driven layers store weights of fewer bits in 8."""
    _, quantized, steps, program = network(name, bits)
    events = [step.kernel for step in program.steps if isinstance(step.kernel, EventLayer)]
    assert all(np.abs(kernel.weights).max() <= 1 << (bits - 1) for kernel in events)
    assert events or name == "mixed"
    named = {program.buffers[n].source for step in program.steps for n in step.outputs}
    reference = Reference(quantized, observe=sorted(named))
    spikes, wrong = 0, 0
    for sample in [step for sequence in steps[:4] for step in sequence]:
        truth, values = reference.run(sample) | dict(sample), dict[str, np.ndarray]()
        for step in program.steps:
            operands = [_value(program, n, truth, values) for n in step.inputs]
            made = dict(zip(step.outputs, _compute(program, step, operands), strict=True))
            theirs = {n: _truth(program.buffers[n], truth) for n in made}
            values |= {n: mine if theirs[n] is None else theirs[n] for n, mine in made.items()}
            same = np.ones(1, bool)
            for n, mine in made.items():
                want = theirs[n]
                if want is None:
                    continue
                if program.buffers[n].dtype is DType.BIT:
                    same = mine == want
                    spikes, wrong = spikes + int(want.sum()), wrong + int((~same).sum())
                else:
                    difference = np.abs(mine.astype(np.int64) - want.astype(np.int64))
                    assert np.where(same, difference, 0).max() <= 2, step.name
    assert spikes > 50
    assert wrong <= 0.01 * spikes


@pytest.mark.parametrize("name", NETWORKS)
def test_emulator_and_c_agree_over_time(name: str) -> None:
    _, _, steps, program = network(name)
    placed = place(settle_states(program))
    validate(placed)
    fed = [[stored_inputs(program, step) for step in sequence] for sequence in steps[:3]]
    emulated: list[list[dict[str, np.ndarray]]] = []
    machine = Machine(placed)
    for sequence in fed:
        machine.reset()
        emulated.append([machine.run(step) for step in sequence])
    files = emit(placed, load_target("host"), Facts("0", "test.onnx", "0", 25, 0, 0, ""))
    with HostModel(placed, files) as host:
        compiled = host.run_sequences(fed)
    for mine, c in zip([s for e in emulated for s in e], [s for e in compiled for s in e], strict=True):
        for output in placed.outputs:
            np.testing.assert_array_equal(c[output], mine[output])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_quantized_network_spikes_like_the_float_one(name: str) -> None:
    """Over sequences, in ONNX Runtime. Single spikes move in time where membranes are close to thresholds."""
    model, quantized, steps, _ = network(name)
    outputs = [[{"x": step["x"]} for step in sequence] for sequence in steps]
    for output in [value.name for value in model.graph.outputs if not str(value.name).startswith(("u", "i"))]:
        runs = [
            np.concatenate([step[output].ravel() for s in outputs for step in Stepper(m).run(s)[1]])
            for m in (model, quantized)
        ]
        error = np.sqrt(np.mean((runs[0] - runs[1]) ** 2) / np.mean(runs[0] ** 2))
        assert error < 0.25, output


def test_what_gets_which_type() -> None:
    _, quantized, _, program = network("dense")
    types = {
        str(node.inputs[0].name): node.outputs[0].dtype
        for node in quantized.graph
        if node.op_type == "QuantizeLinear" and node.inputs[0] is not None
    }
    assert types.pop("x") == oir.DataType.INT8
    assert set(types.values()) == {oir.DataType.INT16}
    states = {"u1", "un1", "i2", "in2", "u2", "un2", "u3", "un3"}
    assert {name.removesuffix("_float") for name in types} == {"c1"} | states
    templates = [step.kernel.template for step in program.steps]
    assert templates.count("event_dense") == 3 and templates.count("neuron") == 3
    assert templates.count("dense") == 1 and len(templates) == 8  # and a copy of the readout for the caller
    held = {program.buffers[state.before].source: program.buffers[state.before] for state in program.states}
    assert held["before"].dtype is DType.BIT


def test_spikes_go_to_event_driven_layers() -> None:
    templates = [step.kernel.template for step in network("convolutional")[3].steps]
    for template in ("spike_max_pool", "event_grouped", "event_dense"):
        assert templates.count(template) == 1
    assert "dequantize" not in templates


def test_layers_know_how_often_their_inputs_spike() -> None:
    """The share of ones over all steps of calibration, with which the kernel's form is chosen."""
    model, quantized, _, program = network("dense")
    given = [[{"x": step} for step in sequence] for sequence in sequences(NETWORKS["dense"]())]
    seen = [step["s2"] for sequence in given for step in Stepper(model).run(sequence)[1]]
    layers = [step.kernel for step in program.steps if isinstance(step.kernel, EventLayer)]
    assert layers[-1].rate == pytest.approx(np.mean(seen), abs=1e-6)
    assert set(noted_rates(quantized)) == {"s1", "before", "s2"}


def test_thresholds_are_exact() -> None:
    """A power of two of steps, so that rounding moves no threshold."""
    kernels = [step.kernel for step in network("dense")[3].steps]
    spiking = [k for k in kernels if isinstance(k, IntegerNeuron) and k.recurrence.spikes]
    assert len(spiking) == 2
    assert all(int(t).bit_count() == 1 for kernel in spiking for t in kernel.threshold)


def test_a_neuron_whose_state_is_not_quantized_stays_in_float() -> None:
    """And with it the layers that read its spikes, up to the next neurons, which get floats too."""
    quantized = network("dense")[1].clone()
    (neuron,) = (node for node in quantized.graph if node.name == "neuron1")
    neuron.replace_input_with(1, next(value for value in quantized.graph.inputs if value.name == "u1"))
    program = lower(quantized, "net")
    kernels = {step.source: step.kernel.template for step in program.steps}
    assert kernels["neuron1"] == kernels["neuron2"] == "float_neuron"
    assert kernels["neuron3"] == "float_neuron"
    machine, stepper = Machine(place(settle_states(program))), Stepper(quantized)
    given = [{"x": step} for step in sequences(NETWORKS["dense"]())[0][:2]]
    inputs, outputs = stepper.run(given)
    for sample, wanted in zip(inputs, outputs, strict=True):
        found = machine.run(stored_inputs(program, dict(sample)))
        buffer = program.buffers[program.outputs[0]]
        np.testing.assert_allclose(to_real(found[buffer.name], buffer), wanted["y"], atol=1e-3)
