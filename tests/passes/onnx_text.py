"""Small ONNX models written as text, and ONNX Runtime to hold what a pass made of them against."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import onnx
import onnx.parser
import onnx_ir as oir
import onnxruntime

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

onnxruntime.set_default_logger_severity(4)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Seeded normal float32 numbers; the shape is part of the seed."""
    random = np.random.default_rng([seed, *shape])
    return (scale * random.standard_normal(shape)).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    """Seeded float32 numbers between 0.5 and 1.5."""
    return np.random.default_rng(shape).uniform(0.5, 1.5, shape).astype(np.float32)


def build(
    inputs: str,
    body: str,
    weights: Mapping[str, np.ndarray] | None = None,
    *,
    outputs: str = "y",
    opset: int = 17,
    imports: str = "",
    functions: str = "",
) -> onnx.ModelProto:
    """A model of ``inputs`` (``float[1,3] x``) and ``body`` in ONNX's textual syntax.

    ``weights`` become initializers; ``imports`` and ``functions`` are more of the same syntax.
    """
    ir_version = onnx.helper.OP_SET_ID_VERSION_MAP[("ai.onnx", opset)]
    header = f'<ir_version: {max(ir_version, 4)}, opset_import: ["" : {opset}{imports}]>'
    proto = onnx.parser.parse_model(f"{header} g ({inputs}) => ({outputs}) {{ {body} }} {functions}")
    for name, array in (weights or {}).items():
        proto.graph.initializer.append(oir.to_proto(oir.Tensor(array, name=name)))
    return proto


@cache
def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def run(model: onnx.ModelProto | oir.Model, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Outputs by ONNX Runtime, its graph optimisations off."""
    proto = model if isinstance(model, onnx.ModelProto) else oir.to_proto(model)
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), _options(), providers=["CPUExecutionProvider"]
    )
    return [np.asarray(array) for array in session.run(None, dict(feeds))]


_RANDOM = {
    np.dtype(np.float32): lambda random, shape: random.uniform(-4, 4, shape).astype(np.float32),
    np.dtype(np.float64): lambda random, shape: random.uniform(-4, 4, shape),
    np.dtype(np.bool_): lambda random, shape: random.uniform(size=shape) < 0.5,
}


def random_feeds(model: oir.Model, seed: int = 0) -> dict[str, np.ndarray]:
    """A seeded value for every input: floats in −4 … 4, integers over their whole range."""
    random = np.random.default_rng(seed)
    feeds: dict[str, np.ndarray] = {}
    for value in model.graph.inputs:
        assert value.dtype is not None and value.shape is not None
        dtype, shape = value.dtype.numpy(), value.shape.numpy()
        if dtype in _RANDOM:
            feeds[str(value.name)] = _RANDOM[dtype](random, shape)
        else:
            info = np.iinfo(dtype)
            feeds[str(value.name)] = random.integers(info.min, info.max, shape, dtype, endpoint=True)
    return feeds


def assert_same(model: oir.Model, proto: onnx.ModelProto, *, exact: bool = False) -> None:
    """``model`` is valid and computes what ``proto`` does: within 1e-5 of the range, or exactly."""
    onnx.checker.check_model(oir.to_proto(model), full_check=True)
    for seed in range(3):
        feeds = random_feeds(model, seed)
        for expected, found in zip(run(proto, feeds), run(model, feeds), strict=True):
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            if exact or not np.issubdtype(expected.dtype, np.floating):
                np.testing.assert_array_equal(found, expected)
            else:
                finite = expected[np.isfinite(expected)]
                scale = max(float(np.abs(finite).max(initial=0)), 1e-6)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * scale)


def canonical(proto: onnx.ModelProto, *, exact: bool = False) -> oir.Model:
    """The model imported and canonicalized, after checking that it still computes the same."""
    model = canonicalize(import_model(proto))
    assert_same(model, proto, exact=exact)
    return model


def operators(model: oir.Model) -> str:
    """The model's operators in order, separated by spaces."""
    return " ".join(node.op_type for node in model.graph)


def operand(node: oir.Node, index: int) -> oir.Value:
    """The operand, which must be there."""
    value = node.inputs[index]
    assert value is not None
    return value


def stored(node: oir.Node, index: int) -> np.ndarray:
    """The array of the operand, which must be an initializer."""
    tensor = operand(node, index).const_value
    assert tensor is not None and operand(node, index).is_initializer()
    return tensor.numpy()


def only(model: oir.Model, operator: str) -> oir.Node:
    """The one node of this type."""
    (node,) = (node for node in model.graph if node.op_type == operator)
    return node
