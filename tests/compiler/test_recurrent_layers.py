"""Recurrent layers that tinyc quantizes: on integers, and as near to ONNX Runtime as is proved."""

from __future__ import annotations

from typing import Any

import pytest

from ..kernels.recurrent_models import recurrent_model
from .agreement import own_quantization_agrees

CASES: dict[str, dict[str, Any]] = {
    "relu": dict(operator="RNN", activations=["Relu"], results=("Y",)),
    "relu, clip": dict(operator="RNN", activations=["Relu"], clip=0.8, results=("Y_h",), initial=True),
    "cells": dict(operator="LSTM", results=("Y", "Y_c")),
    "both directions": dict(operator="LSTM", direction="bidirectional", results=("Y",)),
    "shares": dict(operator="GRU", activations=["Sigmoid", "HardSigmoid"], results=("Y",)),
}


@pytest.mark.parametrize("case", CASES)
def test_on_integers(case: str) -> None:
    program = own_quantization_agrees(recurrent_model(sizes=(6, 2, 3, 5), **CASES[case]))
    kernels = {step.kernel.template for step in program.steps}
    assert "integer_recurrent" in kernels and "float_recurrent" not in kernels
