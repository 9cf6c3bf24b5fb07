"""The MLPerf Tiny networks: imported and canonicalized, they keep their golden outputs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

from .onnx_text import run

HEAD = {"AveragePool": 1, "Reshape": 1, "Gemm": 1, "Softmax": 1}
NETWORKS = {
    # name: number of nodes by operator after canonicalization
    "ad01": {"Gemm": 10, "Relu": 9},
    "ic01": {"Transpose": 1, "Conv": 9, "Relu": 7, "Add": 3, **HEAD},
    "kws01": {"Conv": 9, "Relu": 9, **HEAD, "Reshape": 2},
    "vww01": {"Transpose": 1, "Conv": 27, "Relu": 27, **HEAD},
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", ["float", "qdq"])
def test_golden_outputs_are_kept(shared_models: Path, name: str, kind: str) -> None:
    model = canonicalize(import_model(shared_models / f"{name}_{kind}.onnx"))
    onnx.checker.check_model(oir.to_proto(model), full_check=True)
    golden = np.load(shared_models / "golden" / f"{name}_{kind}.npz")
    for vector in range(2):
        feeds = {str(value.name): golden[f"in{vector}/{value.name}"] for value in model.graph.inputs}
        for value, found in zip(model.graph.outputs, run(model, feeds), strict=True):
            expected = golden[f"out{vector}/{value.name}"]
            if kind == "qdq":
                np.testing.assert_array_equal(found, expected)
            else:
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * float(np.ptp(expected)))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", ["float", "qdq"])
def test_layers(shared_models: Path, name: str, kind: str) -> None:
    model = canonicalize(import_model(shared_models / f"{name}_{kind}.onnx"))
    found = Counter(node.op_type for node in model.graph)
    del found["QuantizeLinear"], found["DequantizeLinear"]
    assert found == NETWORKS[name]
    for node in model.graph:
        assert node.op_type not in ("Gemm", "Conv") or len(node.inputs) == 3
