"""Element-wise operators on uint8 data, whose zero points lie between 0 and 255."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.shape_inference import infer_shapes

from tinyc.ir.dtype import DType

from .checks import check, qdq_model

SHAPE = (1, 3, 4, 5)
QUANTS = {"a": (0.05, -67), "b": (0.04, -128), "y": (0.09, 5)}
CONSTANT = {"c": np.array([[[0.3]], [[-1.7]], [[2.5]]], np.float32)}


def _unsigned(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with 128 added to all quantized integers."""
    for tensor in model.graph.initializer:
        if tensor.name.endswith("_zero"):
            shifted = numpy_helper.to_array(tensor).astype(np.int32) + 128
            tensor.CopyFrom(numpy_helper.from_array(shifted.astype(np.uint8), tensor.name))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.UINT8
    del model.graph.value_info[:]
    return infer_shapes(model, strict_mode=True)


FORMS = [(operator, second) for operator in ("Add", "Sub", "Mul", "Div", "Max") for second in "bc"]


@pytest.mark.parametrize(("operator", "second"), [*FORMS, ("PRelu", "c"), ("Sigmoid", "")])
def test_uint8(operator: str, second: str) -> None:
    """With a second operand b that is computed, a constant one c, or none."""
    inputs = {"a": SHAPE} | ({"b": SHAPE} if second == "b" else {})
    nodes = [helper.make_node(operator, ["a", *second], ["y"])]
    constants = CONSTANT if second == "c" else {}
    model = _unsigned(qdq_model(nodes, inputs, ["y"], QUANTS, constants, stage=True))
    rng = np.random.default_rng(1)
    samples = [{f"{name}_q": rng.integers(1, 256, shape).astype(np.uint8) for name, shape in inputs.items()}]
    program = check(model, samples=samples)
    assert all(b.dtype is DType.UINT8 for b in program.buffers.values())
