"""Recurrent layers on integers: near ONNX Runtime, the same in emulator, C and on the board."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.ir.dtype import Quant
from tinyc.ir.program import Program
from tinyc.kernels.epilogue import Requantize
from tinyc.kernels.functions import Function
from tinyc.kernels.gate_table import ARGUMENT_BITS, gate_table, look_up
from tinyc.kernels.integer_recurrent import IntegerRecurrent
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.lower import lower
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .boards import M0, M4, RV32, check_on_board, sampled
from .checks import agree, reference, samples_of
from .recurrent_bound import TABLE_ERRORS, allowed_lsb
from .recurrent_models import int8_recurrent_model

LSB = 3
"""States are rounded in every step, those of ONNX Runtime are not."""
OFF = (0.0083, -3)

CASES: dict[str, dict[str, Any]] = {
    "LSTM": dict(operator="LSTM", sizes=(5, 1, 3, 4)),
    "LSTM, all states and the last": dict(
        operator="LSTM", sizes=(5, 2, 3, 7), results=("Y", "Y_h"), quant=OFF
    ),
    "LSTM, last state": dict(operator="LSTM", sizes=(6, 1, 5, 3), results=("Y_h",), initial=True, quant=OFF),
    "LSTM, peepholes": dict(operator="LSTM", sizes=(5, 2, 3, 4), peepholes=True, initial=True),
    "LSTM, coupled, reverse": dict(
        operator="LSTM", sizes=(5, 2, 3, 4), input_forget=1, direction="reverse", bias=False
    ),
    "LSTM, clip": dict(operator="LSTM", sizes=(5, 1, 3, 4), clip=0.7, quant=OFF),
    "LSTM, lengths": dict(
        operator="LSTM", sizes=(5, 2, 3, 4), lengths=(2, 5), results=("Y", "Y_h"), quant=OFF
    ),
    "LSTM, hard sigmoid": dict(
        operator="LSTM", sizes=(5, 1, 3, 4), activations=["HardSigmoid", "Tanh", "Tanh"]
    ),
    "LSTM, long": dict(operator="LSTM", sizes=(40, 1, 13, 29)),
    "GRU": dict(operator="GRU", sizes=(5, 2, 3, 4), direction="reverse", initial=True, quant=OFF),
    "GRU, reset behind the product": dict(
        operator="GRU", sizes=(5, 2, 3, 7), linear_before_reset=1, results=("Y", "Y_h"), lengths=(5, 2)
    ),
    "GRU, long": dict(operator="GRU", sizes=(40, 1, 13, 29), linear_before_reset=1),
    "GRU, long, reset before": dict(operator="GRU", sizes=(40, 1, 13, 29)),
    "RNN, relu": dict(operator="RNN", sizes=(9, 2, 5, 7), activations=["Relu"], quant=(0.03, -128)),
    "RNN, relu, clip": dict(
        operator="RNN", sizes=(9, 1, 5, 7), activations=["Relu"], clip=1.5, quant=(0.03, -99), initial=True
    ),
    "RNN": dict(operator="RNN", sizes=(5, 2, 9, 7), quant=OFF, initial=True),
}  # fmt: skip


def program_of(case: str) -> tuple[Program, list[dict[str, np.ndarray]], list[list[np.ndarray]]]:
    """The lowered model with samples and what ONNX Runtime makes of them."""
    model = int8_recurrent_model(**CASES[case])
    samples = samples_of(model)
    program = lower(canonicalize(oir.serde.deserialize_model(model)), "test")
    return program, samples, reference(model, samples)


@pytest.mark.parametrize("case", CASES)
def test_near_onnx_runtime(case: str) -> None:
    program, samples, wanted = program_of(case)
    assert [step.kernel.template for step in program.steps] == ["integer_recurrent"]
    agree(program, samples, wanted, lsb=LSB)


@pytest.mark.parametrize(
    ("operator", "results"), [("LSTM", ("Y",)), ("GRU", ("Y_h",)), ("RNN", ("Y", "Y_h"))]
)
def test_both_directions_of_a_foreign_model(operator: str, results: tuple[str, ...]) -> None:
    """One QuantizeLinear for both."""
    model = int8_recurrent_model(
        operator, (5, 2, 3, 4), direction="bidirectional", results=results, quant=OFF
    )
    program, samples = lower(canonicalize(oir.serde.deserialize_model(model)), "test"), samples_of(model)
    templates = [step.kernel.template for step in program.steps]
    assert templates.count("integer_recurrent") == 2
    assert set(templates) <= {"integer_recurrent", "concat", "copy"}
    agree(program, samples, reference(model, samples), lsb=LSB)


WHOLE = [case for case, options in CASES.items() if "lengths" not in options]


def layer_of(program: Program) -> tuple[IntegerRecurrent, Quant, np.ndarray]:
    """The kernel, the quantization of its states, and random inputs."""
    (step,) = program.steps
    kernel, quant = step.kernel, program.buffers[step.outputs[0]].quant
    assert isinstance(kernel, IntegerRecurrent) and quant is not None
    shape = kernel.layer.steps, kernel.layer.batch, kernel.layer.inputs
    return kernel, quant, np.random.default_rng(1).integers(-60, 60, shape).astype(np.int8)


@pytest.mark.parametrize("case", WHOLE)
def test_each_step_from_its_own_states(case: str) -> None:
    """Within about one LSB of the real layer, however long the sequence is."""
    assert allowed_lsb(*layer_of(program_of(case)[0])) >= 1


@pytest.mark.parametrize(("case", "shift"), [("LSTM, long", 0.02), ("GRU, long", 0.1), ("RNN", 0.02)])
def test_the_bound_of_a_step_sees_what_is_wrong(case: str, shift: float) -> None:
    """Sums that are off by ``shift``; in a GRU the rounding of states from 16 to 8 bits is more than that."""
    kernel, quant, x = layer_of(program_of(case)[0])
    driven = kernel.driven
    assert isinstance(driven.epilogue, Requantize)
    off = replace(driven.epilogue, zero_point=round(shift * 2**ARGUMENT_BITS))
    wrong = replace(kernel, driven=replace(driven, epilogue=off))
    with pytest.raises(AssertionError):
        allowed_lsb(wrong, quant, x)


@pytest.mark.parametrize(
    "case",
    sampled(
        CASES, "LSTM, peepholes", "GRU, long, reset before", "GRU, reset behind the product", "RNN",
        "RNN, relu, clip",
    ),
)
def test_dsp(case: str) -> None:
    program, samples, wanted = program_of(case)
    program = tailor(program, load_target(M4))
    assert [step.kernel.template for step in program.steps] == ["dsp_recurrent"]
    agree(program, samples, wanted, lsb=LSB)
    check_on_board(program, M4)


@pytest.mark.parametrize("board", [M0, RV32])
def test_other_cores(board: str) -> None:
    program, _, _ = program_of("LSTM, all states and the last")
    check_on_board(tailor(program, load_target(board)), board)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        (dict(operator="RNN", activations=["Softplus"]), "its results have no bounds"),
        (dict(operator="GRU", activations=["Tanh", "Tanh"]), "shares are between 0 and 1"),
    ],
)
def test_float_where_there_is_no_integer_form(attributes: dict[str, Any], why: str) -> None:
    model = int8_recurrent_model(sizes=(4, 1, 3, 4), **attributes)
    program = lower(canonicalize(oir.serde.deserialize_model(model)), "test")
    assert "float_recurrent" in [step.kernel.template for step in program.steps], why
    samples = samples_of(model)
    agree(program, samples, reference(model, samples))


@pytest.mark.parametrize(("name", "most"), TABLE_ERRORS.items())
def test_gate_table(name: str, most: float) -> None:
    function = Function(name, {"alpha": 0.2, "beta": 0.5} if name == "HardSigmoid" else {})
    sums = np.arange(-(2**16), 2**16, dtype=np.int64)
    found = look_up(gate_table(function), sums) / 2**15
    assert np.abs(found - function(sums / 2**11)).max() <= most
