"""Operators that import puts others in the place of, with their attributes given and at their defaults."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

from .onnx_text import build, run

INDICES = {"i": np.array([[0, -1, 1], [2, 0, -3]]), "j": np.array([[1, 0], [-2, 2]]), "one": np.int64(1)}
CASES = {
    "MeanVarianceNormalization": ("float[1,3,4,5] x", "y = MeanVarianceNormalization(x)", {}),
    "over two axes": ("float[1,3,4,5] x", "y = MeanVarianceNormalization<axes = [0, 2]>(x)", {}),
    "Celu": ("float[2,3] x", "y = Celu<alpha = 2.0>(x)", {}),
    "LRN": ("float[1,5,3,2] x", "y = LRN<size = 3>(x)", {}),
    "LpPool": ("float[1,2,6,5] x", "y = LpPool<kernel_shape = [2, 3], strides = [2, 1]>(x)", {}),
    "GatherElements": ("float[3,3] x", "y = GatherElements(x, i)", INDICES),
    "GatherElements along columns": ("float[2,4] x", "y = GatherElements<axis = 1>(x, i)", INDICES),
    "GatherND": ("float[3,3,2] x", "y = GatherND(x, j)", INDICES),
    "Hardmax": ("float[2,5] x", "y = Hardmax(x)", {}),
    "Trilu": ("float[3,4] x", "y = Trilu(x)", {}),
    "lower Trilu": ("float[2,4,3] x", "y = Trilu<upper = 0>(x, one)", INDICES),
    "Einsum": ("float[2,3,4] x", 'y = Einsum<equation = "bij,bkj->bik">(x, x)', {}),
    "Einsum of one": ("float[2,3,4] x", 'y = Einsum<equation = "bij->jb">(x)', {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_takes_their_place_computes_the_same(name: str) -> None:
    inputs, body, constants = CASES[name]
    proto = build(inputs, body, {key: value for key, value in constants.items() if f" {key})" in body})
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"x": x})[0]
    (found,) = run(canonicalize(import_model(proto)), {"x": x})
    np.testing.assert_allclose(found, np.asarray(wanted), rtol=1e-5, atol=1e-6)
