"""Small QDQ networks, built operator by operator, to try graph passes on.

All scales are powers of two unless a test says otherwise, so that float32 arithmetic is exact and outputs
can be compared byte for byte whatever the order of summation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
from onnx import TensorProto, helper, numpy_helper

from tinyc.passes.onnx_graph import shape_of

OPSET = 21
STEP = 2.0**-4
"""Scale of activations."""
WEIGHT_STEP = 2.0**-6
"""Scale of weights."""


class Net:
    """A growing graph. Methods take and return names of float tensors (dequantized ones in the main)."""

    def __init__(self, shape: Sequence[int], dtype: type = np.int8, zero: int = 3) -> None:
        self.dtype, self.zero = dtype, zero
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.outputs: list[str] = []
        self.stored: dict[str, str] = {}
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.inputs = [helper.make_tensor_value_info("x", kind, shape)]
        if np.issubdtype(dtype, np.integer):
            self.x = self._dequantize("x", STEP, zero)
        else:
            self.x = "x"

    def constant(self, name: str, array: np.ndarray | np.generic) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        output = name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], output, **attributes))
        return output

    def _parameters(self, name: str, scale: float, zero: int) -> list[str]:
        return [
            self.constant(f"{name}_scale", np.float32(scale)),
            self.constant(f"{name}_zero", np.asarray(zero, self.dtype)),
        ]

    def _dequantize(self, name: str, scale: float, zero: int) -> str:
        inputs = [name, *self._parameters(f"{name}_dq", scale, zero)]
        real = self.node("DequantizeLinear", inputs, f"{name}_real")
        self.stored[real] = name
        return real

    def requantize(self, real: str, scale: float = STEP, zero: int | None = None) -> str:
        """QuantizeLinear and DequantizeLinear."""
        zero = self.zero if zero is None else zero
        inputs = [real, *self._parameters(f"{real}_q", scale, zero)]
        stored = self.node("QuantizeLinear", inputs, f"{real}_stored")
        return self._dequantize(stored, scale, zero)

    def weights(self, name: str, integers: np.ndarray, scale: Any = WEIGHT_STEP, axis: int = 0) -> str:
        """Integers through DequantizeLinear, int8 or (bias) int32 as they come."""
        stored = self.constant(f"{name}_stored", integers)
        inputs = [stored, self.constant(f"{name}_scale", np.asarray(scale, np.float32))]
        return self.node("DequantizeLinear", inputs, name, axis=axis)

    def layer(
        self, operator: str, name: str, x: str, weight: np.ndarray, bias: Sequence[int] | None = None, *,
        scale: Any = WEIGHT_STEP, axis: int = 0, act: str = "", out: tuple[float, int] | None = None,
        **attributes: Any,
    ) -> str:  # fmt: skip
        """Conv, ConvTranspose, Gemm or MatMul with int8 ``weight`` and int32 ``bias``, then ``act`` and Q/DQ.

        A MatMul's bias is added by a following Add. The bias's scale is the product of the scales.
        """
        operands = [x, self.weights(f"{name}_w", np.asarray(weight, np.int8), scale, axis)]
        if bias is not None:
            product = np.asarray(scale, np.float64) * STEP
            operands.append(self.weights(f"{name}_b", np.asarray(bias, np.int32), product))
        result = self.node(operator, operands[:2] if operator == "MatMul" else operands, name, **attributes)
        if operator == "MatMul" and bias is not None:
            result = self.node("Add", [result, operands[2]])
        result = self.node(act, [result]) if act else result
        return self.requantize(result, *(out or (STEP, self.zero)))

    def conv(
        self, name: str, x: str, weight: np.ndarray, bias: Sequence[int] | None = None, **more: Any
    ) -> str:  # fmt: skip
        """A Conv ``layer``."""
        return self.layer("Conv", name, x, weight, bias, **more)

    def output(self, real: str) -> Net:
        """Makes the quantized tensor behind ``real`` (or a float one itself) a graph output."""
        self.outputs.append(self.stored.get(real, real))
        return self

    def proto(self) -> onnx.ModelProto:
        info = [helper.make_tensor_value_info(name, self._kind(name), None) for name in self.outputs]
        graph = helper.make_graph(self.nodes, "net", self.inputs, info, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)

    def _kind(self, name: str) -> int:
        stored = name in self.stored.values()
        return helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype)) if stored else TensorProto.FLOAT


def runner(model: onnx.ModelProto) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Runs the model, which has one input, in ONNX Runtime without graph optimisation."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    providers, key = ["CPUExecutionProvider"], model.graph.input[0].name
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    return lambda x: [np.asarray(result) for result in session.run(None, {key: x})]


def samples(model: onnx.ModelProto, count: int = 8) -> list[np.ndarray]:
    """Random inputs over the whole range, and the two constant ones at its ends."""
    kind = model.graph.input[0].type.tensor_type
    shape, dtype = [d.dim_value for d in kind.shape.dim], helper.tensor_dtype_to_np_dtype(kind.elem_type)
    rng = np.random.default_rng(7)
    if not np.issubdtype(dtype, np.integer):
        return [rng.normal(size=shape).astype(dtype) for _ in range(count)]
    info = np.iinfo(dtype)
    drawn = [rng.integers(info.min, info.max + 1, shape, dtype) for _ in range(count)]
    return [*drawn, np.full(shape, info.min, dtype), np.full(shape, info.max, dtype)]


def weight_shapes(model: oir.Model) -> dict[str, tuple[int, ...]]:
    """Shape of the weight of every layer, by the layer's name."""
    layers = ("Conv", "ConvTranspose", "Gemm", "MatMul")
    return {str(n.name): shape_of(n.inputs[1]) for n in model.graph if n.op_type in layers}


def draw(*shape: int, dead: tuple[int, ...] = (), seed: int = 1) -> np.ndarray:
    """Random int8 weights without zeros, but for the rows ``dead``."""
    rng = np.random.default_rng([seed, *shape])
    weight = rng.integers(1, 41, shape) * rng.choice([-1, 1], shape)
    weight[list(dead)] = 0
    return weight


def same_bytes_after(transform: Callable[[oir.Model], oir.Model], model: onnx.ModelProto) -> oir.Model:
    """The model after a pass; it must be valid and give the same bytes as before."""
    after = transform(oir.from_proto(model))
    proto = oir.to_proto(after)
    onnx.checker.check_model(proto, full_check=True)
    old, new = runner(model), runner(proto)
    for x in samples(model):
        for expected, result in zip(old(x), new(x), strict=True):
            assert expected.dtype == result.dtype and expected.shape == result.shape
            assert expected.tobytes() == result.tobytes()
    return after
