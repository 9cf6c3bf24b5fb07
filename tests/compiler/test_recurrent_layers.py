"""Recurrent layers that tinyc quantizes: on integers, and as near to ONNX Runtime as is proved."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from ..kernels.checks import float_model
from ..kernels.recurrent_models import recurrent_model
from .agreement import own_quantization_agrees

CASES: dict[str, dict[str, Any]] = {
    "relu": dict(operator="RNN", activations=["Relu"], results=("Y",)),
    "relu, clip": dict(operator="RNN", activations=["Relu"], clip=0.8, results=("Y_h",), initial=True),
    "cells": dict(operator="LSTM", results=("Y", "Y_c")),
    "both directions": dict(operator="LSTM", direction="bidirectional", results=("Y",)),
    "shares": dict(operator="GRU", activations=["Sigmoid", "HardSigmoid"], results=("Y",)),
}


def encoder_and_decoder() -> onnx.ModelProto:
    """The second layer begins with what the first leaves: x [6, 2, 3] to y [6, 1, 2, 5]."""
    rng = np.random.default_rng(0)
    constants = {
        f"{name}{layer}": (rng.normal(size=(1, 20, columns)) * 0.6).astype(np.float32)
        for layer in "ab"
        for name, columns in (("W", 3), ("R", 5))
    }
    nodes = [
        helper.make_node("LSTM", ["x", "Wa", "Ra"], ["", "h", "c"], "encoder", hidden_size=5),
        helper.make_node("LSTM", ["x", "Wb", "Rb", "", "", "h", "c"], ["y"], "decoder", hidden_size=5),
    ]
    return float_model(nodes, {"x": (6, 2, 3)}, ["y"], constants)


def test_one_layer_begins_with_what_another_leaves() -> None:
    layers = own_quantization_agrees(encoder_and_decoder()).steps
    assert [step.kernel.template for step in layers].count("integer_recurrent") == 2


@pytest.mark.parametrize("case", CASES)
def test_on_integers(case: str) -> None:
    program = own_quantization_agrees(recurrent_model(sizes=(6, 2, 3, 5), **CASES[case]))
    kernels = {step.kernel.template for step in program.steps}
    assert "integer_recurrent" in kernels and "float_recurrent" not in kernels
