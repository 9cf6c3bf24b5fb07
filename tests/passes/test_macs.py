"""Counting multiply-accumulates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from onnx import TensorProto, helper, numpy_helper

from tinyc.ir.errors import ModelError
from tinyc.passes.macs import count_macs, node_macs

MLPERF_TINY = {"ad01": 264_192, "kws01": 2_656_768, "ic01": 12_501_632, "vww01": 7_489_664}


def model_of(operator: str, x: list, weight: list[int], **attributes: Any) -> oir.Model:
    """One node with input ``x`` and a constant of shape ``weight``."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    constant = numpy_helper.from_array(np.zeros(weight, np.float32), "w")
    node = helper.make_node(operator, ["x", "w"], ["y"], "the_node", **attributes)
    graph = helper.make_graph([node], "g", inputs, outputs, [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return oir.from_proto(onnx.shape_inference.infer_shapes(model))


@pytest.mark.parametrize(
    ("operator", "x", "weight", "attributes", "macs"),
    [
        ("Conv", [1, 3, 8, 10], [5, 3, 3, 3], {"strides": [2, 2], "pads": [1, 1, 1, 1]}, 4 * 5 * 5 * 27),
        ("Conv", [2, 6, 9], [6, 1, 3], {"group": 6}, 2 * 7 * 6 * 3),
        ("Conv", [1, 4, 5, 5], [6, 2, 1, 1], {"group": 2}, 25 * 6 * 2),
        ("ConvTranspose", [1, 3, 4, 4], [3, 5, 2, 2], {"strides": [2, 2]}, 16 * 3 * 5 * 4),
        ("Gemm", [7, 3], [3, 5], {}, 7 * 3 * 5),
        ("Gemm", [3, 7], [5, 3], {"transA": 1, "transB": 1}, 7 * 3 * 5),
        ("MatMul", [2, 4, 7, 3], [3, 5], {}, 2 * 4 * 7 * 3 * 5),
        ("Add", [7, 3], [7, 3], {}, 0),
    ],
)
def test_operator(operator: str, x: list[int], weight: list[int], attributes: dict, macs: int) -> None:
    model = model_of(operator, x, weight, **attributes)
    assert count_macs(model) == macs
    assert [node_macs(node) for node in model.graph] == [macs]


def test_unknown_dimension_is_refused() -> None:
    with pytest.raises(ModelError) as error:
        count_macs(model_of("Conv", ["batch", 3, 8, 8], [5, 3, 3, 3]))
    assert "the_node" in str(error.value) and "--input-shape" in str(error.value)


@pytest.mark.parametrize("name", sorted(MLPERF_TINY))
@pytest.mark.parametrize("kind", ["float", "qdq"])
def test_mlperf_tiny(shared_models: Path, name: str, kind: str) -> None:
    proto = onnx.shape_inference.infer_shapes(onnx.load(shared_models / f"{name}_{kind}.onnx"))
    assert count_macs(oir.from_proto(proto)) == MLPERF_TINY[name]
