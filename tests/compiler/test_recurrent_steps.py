"""Recurrent layers of one time step, whose states the model takes and gives (--state), in int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.compiler.stepping import Stepper
from tinyc.emulator.machine import Machine
from tinyc.ir.values import to_real
from tinyc.kernels.cells import GATES
from tinyc.passes.import_onnx import import_model

from ..kernels.checks import float_model

UNITS, FEATURES, STEPS = 7, 3, 20
CASES = {
    "LSTM": ("Y", ["dsp_recurrent", "dsp_dense"], {"h": "int8", "c": "int16"}),
    "LSTM, last state": ("hn", ["dsp_recurrent", "dsp_dense"], {"h": "int8", "c": "int16"}),
    "GRU": ("Y", ["dsp_recurrent", "dsp_dense"], {"h": "int16"}),
    "GRU, last state": ("hn", ["fma_recurrent", "quantize", "dsp_dense", "dequantize"], {"h": "float32"}),
    "RNN": ("Y", ["dsp_recurrent", "dsp_dense"], {"h": "int8"}),
}
"""What the dense layer reads, the steps that are made, and the types of states."""


def step_model(operator: str, read: str) -> tuple[onnx.ModelProto, list[str]]:
    """A layer that takes x [1, 1, 3] and states [1, 1, 7], and a dense one; with what --state names."""
    rng, rows = np.random.default_rng(0), GATES[operator] * UNITS
    drawn = {
        "W": rng.normal(size=(1, rows, FEATURES)), "R": rng.normal(size=(1, rows, UNITS)) * UNITS**-0.5,
        "B": rng.normal(size=(1, 2 * rows)) * 0.3, "M": rng.normal(size=(UNITS, 4)),
    }  # fmt: skip
    constants = {name: array.astype(np.float32) for name, array in drawn.items()}
    states = ["h", "c"] if operator == "LSTM" else ["h"]
    results = [f"{state}n" for state in states]
    nodes = [
        helper.make_node(
            operator, ["x", "W", "R", "B", "", *states], ["Y", *results], "cell", hidden_size=UNITS
        ),
        helper.make_node("Reshape", [read, "flat"], ["row"], "row"),
        helper.make_node("Gemm", ["row", "M"], ["y"], "head"),
    ]
    shapes = {"x": (1, 1, FEATURES), **dict.fromkeys(states, (1, 1, UNITS))}
    model = float_model(nodes, shapes, ["y", *results], {**constants, "flat": np.array([1, UNITS])})
    return model, [f"{state}:{state}n" for state in states]


def sequences(seed: int) -> np.ndarray:
    """Within a range that any twelve of them fill."""
    shape = 12, STEPS, 1, 1, FEATURES
    return np.random.default_rng(seed).uniform(-2, 2, shape).astype(np.float32)


def compiled(model: onnx.ModelProto, states: list[str], folder: Path) -> Compiled:
    samples = folder / "samples.npz"
    np.savez(samples, x=sequences(0))
    return compile_model(model, CompileOptions("nucleo-f446re", calibration=samples, states=tuple(states)))


@pytest.mark.parametrize("case", CASES)
def test_states_come_in_and_go_out(case: str, tmp_path: Path) -> None:
    read, templates, types = CASES[case]
    model, states = step_model(case.split(",")[0], read)
    made = compiled(model, states, tmp_path)
    verification = made.report.verification
    assert verification is not None and verification.host_bit_exact and verification.board_bit_exact
    program = made.program
    kernels = [step.kernel.template for step in program.steps]
    assert [name for name in kernels if name != "copy"] == templates
    kept = {state.before: program.buffers[state.before].dtype.value[0] for state in program.states}
    assert kept == types
    real, output = Stepper(import_model(model, states=states)), program.buffers[program.outputs[0]]
    errors: list[float] = []
    spans: list[float] = []
    for sequence in sequences(1):
        wanted = [answer["y"] for answer in real.run([{"x": x} for x in sequence])[1]]
        machine = Machine(program)
        found = [machine.run(stored_inputs(program, {"x": x}))[output.name] for x in sequence]
        differences = [to_real(mine, output) - theirs for mine, theirs in zip(found, wanted, strict=True)]
        errors.append(float(np.abs(differences).max()))
        spans.append(float(np.max(wanted) - np.min(wanted)))
    assert max(errors) < 0.03 * max(spans)
