"""ONNX's own tests of its operators, at its newest opset: imported and canonicalized, they still hold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

from .onnx_text import run

OPERATORS = frozenset({
    "Abs", "Add", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Clip", "Concat", "Constant",
    "Conv", "ConvTranspose", "DepthToSpace", "DequantizeLinear", "Div", "Dropout", "Elu", "Equal", "Erf",
    "Exp", "Expand", "Flatten", "Gather", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater",
    "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "LayerNormalization", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "LogSoftmax", "MatMul", "Max", "MaxPool", "Mean", "Min", "Mish", "Mul", "Neg",
    "PRelu", "Pad", "Pow", "QuantizeLinear", "RMSNormalization", "Reciprocal", "ReduceL1", "ReduceL2",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape",
    "Resize", "Selu", "Sigmoid", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split",
    "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tanh", "Tile", "Transpose", "Unsqueeze", "Upsample", "Where",
})  # fmt: skip
REFUSED = (
    "training", "empty_set", "zero_size", "allowzero_reordered", "start_out_of_bounds", "spacetodepth_crd",
)  # fmt: skip
"""In the names of cases that import refuses: training mode, empty tensors, an operator's newest form."""
DISPUTED = ("downsample_scales_linear_align_corners", "downsample_scales_cubic_align_corners")
"""In the names of cases on which ONNX Runtime disagrees with ONNX."""
TYPES = frozenset(np.dtype(kind) for kind in (np.float32, np.int8, np.uint8, np.int32, np.int64, np.bool_))


def with_constant_shapes(proto: onnx.ModelProto, arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Turn what may be axes, shapes, scales and the like into initializers; the other inputs by name."""
    feeds: dict[str, np.ndarray] = {}
    inputs = list(proto.graph.input)
    for index, (value, array) in enumerate(zip(inputs, arrays, strict=True)):
        if index > 0 and array.ndim <= 1:
            proto.graph.initializer.append(oir.to_proto(oir.Tensor(array, name=value.name)))
            proto.graph.input.remove(value)
        else:
            feeds[value.name] = array
    return feeds


def failure(case: Any) -> str:
    """What went wrong with one case of the suite; empty where it holds."""
    arrays, expected = case.data_sets[0]
    proto = onnx.ModelProto.FromString(case.model.SerializeToString())
    feeds = with_constant_shapes(proto, arrays)
    try:
        model = canonicalize(import_model(proto))
    except ModelError as e:
        return f"refused: {e}"
    used = {value.name for value in model.graph.inputs}
    found = run(model, {name: array for name, array in feeds.items() if name in used})
    for one, other in zip(found, expected, strict=True):
        if one.dtype != other.dtype or one.shape != other.shape:
            return f"{one.dtype}{one.shape} instead of {other.dtype}{other.shape}"
        if not np.allclose(one.astype(float), other.astype(float), rtol=1e-3, atol=1e-4, equal_nan=True):
            return f"differs by {np.abs(one.astype(float) - other.astype(float)).max()}"
    return ""


def is_ours(case: Any) -> bool:
    """Whether the case is about operators and types that tinyc compiles."""
    if case.name.endswith("_expanded") or "_expanded_ver" in case.name or not case.data_sets:
        return False
    if any(node.op_type not in OPERATORS for node in case.model.graph.node):
        return False
    if any(word in case.name for word in REFUSED + DISPUTED):
        return False
    arrays = [array for group in case.data_sets[0] for array in group]
    return all(isinstance(array, np.ndarray) and array.dtype in TYPES for array in arrays)


@pytest.mark.slow
def test_onnxs_own_tests_hold() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = [case for case in collect_testcases(None) if is_ours(case)]
    assert len(cases) > 400
    failures = {case.name: text for case in cases if (text := failure(case))}
    assert failures == {}
