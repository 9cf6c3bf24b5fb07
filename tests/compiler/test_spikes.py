"""What the report says of spikes, against spikes counted in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.compiler.stepping import Stepper
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.onnx_graph import shape_of
from tinyc.passes.quantize.graphs import exposing
from tinyc.passes.quantize.running import Runner
from tinyc.passes.samples import input_specs, load_sequences
from tinyc.passes.spiking.analysis import spiking_of
from tinyc.passes.state_pairs import given_inputs

MODELS = Path(__file__).resolve().parents[2] / "models"
MODEL = MODELS / "l2mu_digits.onnx"
SEQUENCES = 100


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    options = CompileOptions(
        "nucleo-f446re", calibration=MODELS / "l2mu_digits_calibration.npz", verify=False
    )
    return compile_model(MODEL, options)


def test_additions_are_spikes_times_their_weights(compiled: Compiled) -> None:
    """Counted on images that calibration has not seen."""
    layers = [layer["spikes"] for layer in compiled.report.to_dict()["layers"] if layer["spikes"]]
    told = sum(layer["synaptic_operations"] or 0 for layer in layers)
    model = canonicalize(import_model(MODEL))
    spikes = spiking_of(model).spikes
    reading = [
        (str(node.inputs[0].name), shape_of(node.outputs[0])[-1])
        for node in model.graph
        if node.op_type in ("Gemm", "MatMul") and node.inputs[0] is not None and node.inputs[0].name in spikes
    ]
    given = {str(value.name) for value in model.graph.inputs}
    runner = Runner(exposing(model, sorted({name for name, _ in reading} - given)))
    path = MODELS / "l2mu_digits_evaluation.npz"
    sequences = load_sequences(path, input_specs(given_inputs(model)))
    stepper, counted, steps = Stepper(model), 0.0, 0
    for _, sequence in zip(range(SEQUENCES), sequences, strict=False):
        for inputs in stepper.run(sequence)[0]:
            found = {**inputs, **runner.run(inputs)}
            counted += sum(float(found[name].sum()) * fan_out for name, fan_out in reading)
            steps += 1
    assert told == pytest.approx(counted / steps, rel=0.1)
    assert told < 0.1 * sum(layer["dense_macs"] for layer in layers)


def test_neurons_keep_what_the_state_block_has(compiled: Compiled) -> None:
    report = compiled.report.to_dict()
    kept = sum(layer["spikes"]["state_bytes"] for layer in report["layers"] if layer["spikes"])
    states = compiled.program.states
    assert kept == sum(compiled.program.buffers[state.before].nbytes for state in states)
    assert kept <= report["sram"]["state"]


def test_layers_without_spikes_say_nothing(compiled: Compiled) -> None:
    layers = compiled.report.to_dict()["layers"]
    silent = [layer for layer in layers if layer["spikes"] is None]
    assert [layer["node"] for layer in silent if layer["operator"] == "Gemm"] == ["/encoder/Gemm"]
    assert np.sum([layer["macs"] for layer in layers]) == 512
