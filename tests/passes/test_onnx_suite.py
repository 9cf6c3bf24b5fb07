"""ONNX's own tests of its operators, at its newest opset: imported and canonicalized, they still hold."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.benchmarks.operators import DISPUTED, Case, cases, with_constants
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
TYPES = frozenset(np.dtype(kind) for kind in (np.float32, np.int8, np.uint8, np.int32, np.int64, np.bool_))


def failure(case: Case) -> str:
    """What went wrong with one case of the suite; empty where it holds."""
    proto, feeds = with_constants(case.model, case.operands, max_rank=1)
    try:
        model = canonicalize(import_model(proto))
    except ModelError as e:
        return f"refused: {e}"
    used = {value.name for value in model.graph.inputs}
    found = run(model, {name: array for name, array in feeds.items() if name in used})
    for one, other in zip(found, case.results, strict=True):
        if one.dtype != other.dtype or one.shape != other.shape:
            return f"{one.dtype}{one.shape} instead of {other.dtype}{other.shape}"
        if not np.allclose(one.astype(float), other.astype(float), rtol=1e-3, atol=1e-4, equal_nan=True):
            return f"differs by {np.abs(one.astype(float) - other.astype(float)).max()}"
    return ""


def is_ours(case: Case) -> bool:
    """Whether the case is about operators and types that tinyc compiles."""
    if case.name.endswith("_expanded") or "_expanded_ver" in case.name:
        return False
    if any(node.op_type not in OPERATORS for node in case.model.graph.node):
        return False
    if any(word in case.name for word in REFUSED + DISPUTED):
        return False
    arrays = [*case.operands, *case.results]
    return all(isinstance(array, np.ndarray) and array.dtype in TYPES for array in arrays)


@pytest.mark.slow
def test_onnxs_own_tests_hold() -> None:
    found = [case for case in cases().values() if is_ours(case)]
    assert len(found) > 400
    failures = {case.name: text for case in found if (text := failure(case))}
    assert failures == {}
