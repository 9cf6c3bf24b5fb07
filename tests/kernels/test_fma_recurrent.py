"""Recurrent layers on float32 by register tiles: near ONNX Runtime on the host and on cores with an FPU."""

from __future__ import annotations

from typing import Any

import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.lower import lower
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .boards import M4, M7, check_on_board
from .checks import agree, reference, samples_of
from .recurrent_models import recurrent_model

CASES: dict[str, dict[str, Any]] = {
    "LSTM": dict(operator="LSTM", sizes=(5, 1, 3, 4), results=("Y", "Y_h", "Y_c")),
    "LSTM, peepholes, odd": dict(operator="LSTM", sizes=(4, 2, 3, 5), peepholes=True, initial=True, clip=0.9),
    "LSTM, lengths": dict(operator="LSTM", sizes=(5, 2, 3, 6), lengths=(2, 5), bias=False),
    "GRU": dict(operator="GRU", sizes=(5, 2, 7, 3), direction="reverse", initial=True),
    "GRU, reset behind the product": dict(operator="GRU", sizes=(4, 2, 5, 7), linear_before_reset=1),
    "GRU, reset behind the product, no bias": dict(
        operator="GRU", sizes=(4, 1, 1, 9), linear_before_reset=1, bias=False
    ),
    "RNN": dict(operator="RNN", sizes=(6, 1, 9, 1), activations=["Softsign"]),
}


@pytest.mark.parametrize("case", CASES)
def test_near_onnx_runtime(case: str) -> None:
    """Products are added apart on the first board, by VFMA on the second."""
    model = recurrent_model(**CASES[case])
    samples = samples_of(model)
    layers = lower(canonicalize(oir.serde.deserialize_model(model)), "test")
    for board in (M4, M7):
        program = tailor(layers, load_target(board))
        assert [step.kernel.template for step in program.steps].count("fma_recurrent") == 1
        agree(program, samples, reference(model, samples))
        check_on_board(program, board)


def test_weights_computed_at_run_time_stay() -> None:
    model = recurrent_model("LSTM", (3, 1, 2, 3), given=True)
    program = tailor(lower(canonicalize(oir.serde.deserialize_model(model)), "test"), load_target(M4))
    assert "float_recurrent" in [step.kernel.template for step in program.steps]
