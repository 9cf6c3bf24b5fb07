"""Scattering into a vector: every reduction, integers too, whichever operands are constant."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.kernels.scatter import Scatter

from .checks import agree, check, float_model, lowered

LENGTH, COUNT = 11, 6
KINDS = {"float": (TensorProto.FLOAT, np.float32), "int32": (TensorProto.INT32, np.int32)}


def _model(kind: str, reduction: str, constant: str) -> tuple:
    """The model, and a sample of those of x (data), i (indices), u (updates) that are not ``constant``."""
    random = np.random.default_rng(len(reduction) + len(constant))
    dtype, numpy_type = KINDS[kind]
    places = random.permutation(LENGTH)[:COUNT] if reduction == "none" else random.integers(0, LENGTH, COUNT)
    arrays = {
        "x": (9 * random.normal(size=LENGTH)).astype(numpy_type),
        "i": np.where(random.uniform(size=COUNT) < 0.5, places, places - LENGTH).astype(np.int64),
        "u": (9 * random.normal(size=COUNT)).astype(numpy_type),
    }
    node = helper.make_node("ScatterElements", ["x", "i", "u"], ["y"], "scatter", reduction=reduction)
    fed = {name: array for name, array in arrays.items() if name not in constant}
    types = {"x": dtype, "u": dtype, "y": dtype, "i": TensorProto.INT64}
    fixed = {name: arrays[name] for name in constant}
    return float_model([node], {name: a.shape for name, a in fed.items()}, ["y"], fixed, types), fed


@pytest.mark.parametrize("constant", ["", "x", "i", "xu"])
@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_reductions(reduction: str, constant: str) -> None:
    model, sample = _model("float", reduction, constant)
    program = check(model, samples=[sample])
    assert any(isinstance(step.kernel, Scatter) for step in program.steps)


@pytest.mark.parametrize("reduction", ["none", "add", "max"])
def test_integers(reduction: str) -> None:
    model, sample = _model("int32", reduction, "")
    check(model, samples=[sample])


def test_indices_beyond_the_ends_change_nothing() -> None:
    model, sample = _model("float", "add", "")
    sample["i"] = np.array([LENGTH, -LENGTH - 1, 10**9, -(10**9), 3, 3])
    wanted = sample["x"].copy()
    wanted[3] += sample["u"][4]
    wanted[3] += sample["u"][5]
    agree(lowered(model), [sample], [[wanted]])
