"""Small float networks, what quantization makes of them, and how far apart the two are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
import onnx_ir as oir
import onnxruntime

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize import quantize

SAMPLES = 32


def draws(model: oir.Model, count: int = SAMPLES, seed: int = 1) -> dict[str, np.ndarray]:
    """Uniform samples in −2 … 2 for every float input of ``model``, zeros and ones for others."""
    arrays: dict[str, np.ndarray] = {}
    for index, value in enumerate(model.graph.inputs):
        assert value.shape is not None and value.dtype is not None
        random = np.random.default_rng([seed, index])
        array = random.uniform(-2, 2, (count, *value.shape.numpy())).astype(np.float32)
        dtype = value.dtype.numpy()
        arrays[str(value.name)] = array if dtype == np.float32 else (array > 0).astype(dtype)
    return arrays


def quantized(proto: onnx.ModelProto, calibration: Mapping[str, np.ndarray] | None = None) -> oir.Model:
    """The canonical form of ``proto``, quantized, and valid by ONNX's own checker."""
    model = canonicalize(import_model(proto))
    result = quantize(model, draws(model) if calibration is None else calibration)
    onnx.checker.check_model(oir.to_proto(result), full_check=True)
    return result


def outputs(
    model: onnx.ModelProto | oir.Model, samples: Mapping[str, np.ndarray], *, optimized: bool = False
) -> list[np.ndarray]:
    """Every output of ``model``, in float64, samples first.

    With ``optimized`` ONNX Runtime fuses QDQ groups into its own integer kernels. (It is told to keep
    int8: on x86 it would turn it into uint8, and trips over its own rewriting of MatMul and Add.)
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    proto = model if isinstance(model, onnx.ModelProto) else oir.to_proto(model)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    count = len(next(iter(samples.values())))
    each = [session.run(None, {name: array[i, ...] for name, array in samples.items()}) for i in range(count)]
    return [np.stack(arrays).astype(np.float64) for arrays in zip(*each, strict=True)]


def noise(exact: np.ndarray, found: np.ndarray) -> float:
    """Root mean square of the difference, relative to the exact output's standard deviation."""
    return float(np.sqrt(np.mean((found - exact) ** 2)) / exact.std())


def pairs(model: oir.Model) -> Iterator[tuple[oir.Node, oir.Node]]:
    """Each QuantizeLinear with the DequantizeLinear that reads it."""
    for node in model.graph:
        if node.op_type == "QuantizeLinear":
            (use,) = node.outputs[0].uses()
            assert use.node.op_type == "DequantizeLinear"
            yield node, use.node


def parameters(node: oir.Node) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point of a QuantizeLinear or DequantizeLinear."""
    scale, zero_point = node.inputs[1], node.inputs[2]
    assert scale is not None and scale.const_value is not None
    assert zero_point is not None and zero_point.const_value is not None
    return scale.const_value.numpy(), zero_point.const_value.numpy()


def around(model: oir.Model, operator: str) -> tuple[list[tuple[float, int]], list[tuple[float, int]]]:
    """Quantization of the activations that the one node of type ``operator`` reads, and of its results.

    Results are looked for behind the node itself, so that a missing QuantizeLinear there fails.
    """
    (node,) = (node for node in model.graph if node.op_type == operator)
    before: list[tuple[float, int]] = []
    for value in node.inputs:
        maker = None if value is None else value.producer()
        if maker is not None and maker.op_type == "DequantizeLinear":
            before.append(_pair_of(maker))
    after = [_pair_of(use.node) for value in node.outputs for use in value.uses()]
    return before, after


def _pair_of(node: oir.Node) -> tuple[float, int]:
    assert node.op_type in ("QuantizeLinear", "DequantizeLinear"), node.op_type
    scale, zero_point = parameters(node)
    return float(scale.ravel()[0]), int(zero_point.ravel()[0])


def constants(node: oir.Node) -> list[np.ndarray]:
    """The arrays of a node's constant operands."""
    return [value.const_value.numpy() for value in node.inputs if value is not None and value.const_value]
