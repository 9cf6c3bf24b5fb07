"""A simple quantizer for random float graphs: Q/DQ pairs around nodes, in the many manners of exporters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnx_ir as oir
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tinyc.compiler.sessions import Reference
from tinyc.passes.samples import input_specs, random_samples

from .growing.sketch import OPSET, Draw
from .random_graphs import float_graphs, spatial_graphs

_MOVEMENT = frozenset(
    {"Flatten", "Gather", "Reshape", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"}
)
_PER_CHANNEL = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
"""Axis of the output channels of the weight (of a Gemm without transB)."""

_TAKES_CONSTANTS = frozenset({"Add", "Concat", "Div", "Gather", "Max", "Min", "Mul", "PRelu", "Sub"})

Quant = tuple[np.float32, int]

_OPSET_OF_INT2 = 25
_INT8 = np.dtype(np.int8)
_NARROW = [np.dtype(t) for t in (ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2)]
_MIXED = [*_NARROW, np.dtype(np.int16), np.dtype(np.uint16)]


@st.composite
def qdq_graphs(draw: Draw, most: int = 5) -> onnx.ModelProto:
    """A random float graph quantized at random."""
    return _Quantizer(draw, draw(float_graphs(most))).model()


@st.composite
def spatial_qdq_graphs(draw: Draw, most: int = 4) -> onnx.ModelProto:
    """The same of graphs that run window by window; every node is quantized."""
    return quantized(draw, draw(spatial_graphs(most)))


def quantized(draw: Draw, model: onnx.ModelProto) -> onnx.ModelProto:
    """``model``, which is float, with every node quantized at random."""
    return _Quantizer(draw, model, thorough=True).model()


def _ranges(model: onnx.ModelProto) -> dict[str, tuple[float, float]]:
    """Least and greatest value of every float tensor on normal inputs, zero included."""
    graph = oir.serde.deserialize_model(model)
    reference = Reference(graph, observe=[value.name for value in model.graph.value_info])
    found: dict[str, tuple[float, float]] = {}
    for sample in random_samples(input_specs(graph.graph.inputs), 3, seed=1):
        for name, array in (reference.run(sample) | sample).items():
            low, high = found.get(name, (0.0, 0.0))
            if array.dtype == np.float32:
                found[name] = min(low, float(array.min())), max(high, float(array.max()))
    return found


@dataclass
class _Quantizer:
    """Walks the nodes of ``source`` and writes them anew, with pairs between them."""

    draw: Draw
    source: onnx.ModelProto
    thorough: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    """Float tensor → the integer tensor that stands for it."""
    quants: dict[str, Quant] = field(default_factory=dict)
    real: dict[str, str] = field(default_factory=dict)
    """Float tensor → the float tensor to read instead."""
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ranges = _ranges(self.source)
        kinds = [np.int8, np.int8, np.uint8, np.int8, np.uint8, np.int16, np.uint16]
        self.dtype = np.dtype(self.draw(st.sampled_from(kinds)))
        self.widths = [self.dtype, *_MIXED] if self.chance(3) else [self.dtype]
        """Types among which tensors inside choose."""
        self.dtypes: dict[str, np.dtype] = {}
        """Float tensor → the type of the integers that stand for it."""
        self.pair_each = self.chance(4)
        """Whether every reader has a DequantizeLinear of its own."""
        self.constants = {t.name: numpy_helper.to_array(t) for t in self.source.graph.initializer}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.source.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.asked = {value.name for value in self.source.graph.output}

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in

    # ---- pairs ----

    def _parameters(self, tensor: str, name: str, quant: Quant) -> list[str]:
        scale, zero = f"{name}_scale", f"{name}_zero"
        dtype = self.dtypes.setdefault(tensor, self.dtype)
        self.constants[scale], self.constants[zero] = np.asarray(quant[0]), np.asarray(quant[1]).astype(dtype)
        return [scale, zero]

    def _quant(self, name: str) -> Quant:
        """Steps somewhat wider or narrower than the range asks for."""
        low, high = self.ranges[name]
        inside = name not in self.asked and name not in {v.name for v in self.source.graph.input}
        self.dtypes[name] = self.draw(st.sampled_from(self.widths)) if inside else self.dtype
        info = ml_dtypes.iinfo(self.dtypes[name])
        stretch = self.draw(st.sampled_from([1.0, 0.7, 1.3, 2.0]))
        steps = 2.0**info.bits - 1
        least = 1e-2 if steps < 256 else 1.0  # finer steps than float32 sums have
        scale = np.float32(max(high - low, least) / steps * stretch)
        return scale, int(np.clip(round(info.min - low / scale), info.min, info.max))

    def _dequantize(self, name: str, real: str) -> str:
        parameters = self._parameters(name, f"{name}_{len(self.nodes)}", self.quants[name])
        self.nodes.append(
            helper.make_node(
                "DequantizeLinear", [self.stored[name], *parameters], [real], f"dq_{len(self.nodes)}"
            )
        )
        return real

    def _pair(self, name: str, quant: Quant) -> None:
        """QuantizeLinear and DequantizeLinear behind the float tensor ``name``."""
        self.quants[name], self.stored[name] = quant, f"{name}_q"
        parameters = self._parameters(name, f"{name}_{len(self.nodes)}", quant)
        self.nodes.append(
            helper.make_node(
                "QuantizeLinear", [self.real.get(name, name), *parameters], [f"{name}_q"], f"q_{name}"
            )
        )
        self.real[name] = self._dequantize(name, f"{name}_dq")

    def _read(self, name: str) -> str:
        """The tensor that a node reads for the float tensor ``name``; a pair of its own now and then."""
        if name not in self.stored:
            return name
        if self.pair_each:
            return self._dequantize(name, f"{name}_dq_{len(self.nodes)}")
        return self.real[name]

    # ---- weights ----

    def _weights(self, node: onnx.NodeProto) -> list[str]:
        """The node's constants behind its first operand: int8 weights, an int32 bias."""
        weight, *bias = node.input[1:]
        array, axis = self.constants[weight], _channel_axis(node)
        along = axis if axis is not None and self.chance(2) else None
        integers, scale = _symmetric(array, along, self.draw(st.sampled_from(self.widths)))
        made = [self._constant_pair(weight, integers, scale, along)]
        if not bias or _attributes(node).keys() & {"alpha", "beta"}:
            return [*made, *bias]
        product = (scale * self.quants[node.input[0]][0]).astype(np.float32)
        real = self.constants[bias[0]]
        if real.ndim != 1 or (product.ndim and product.shape != real.shape):
            return [*made, *bias]
        integers = np.rint(real / product).clip(-(2**30), 2**30).astype(np.int32)
        return [*made, self._constant_pair(bias[0], integers, product, 0 if product.ndim else None)]

    def _constant_pair(self, name: str, stored: np.ndarray, scale: np.ndarray, axis: int | None) -> str:
        own = f"{name}_{len(self.nodes)}"
        self.constants[f"{own}_i"], self.constants[f"{own}_s"] = stored, scale
        inputs = [f"{own}_i", f"{own}_s"]
        if self.chance(3):
            self.constants[f"{own}_z"] = np.zeros(scale.shape, stored.dtype)
            inputs.append(f"{own}_z")
        axes = {} if axis is None else {"axis": axis}
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{own}_r"], f"dq_{own}", **axes))
        return f"{own}_r"

    # ---- nodes ----

    def _operands(self, node: onnx.NodeProto) -> list[str]:
        x = node.input[0]
        if node.op_type in _PER_CHANNEL and x in self.stored and node.input[1] in self.constants:
            return [self._read(x), *self._weights(node)]
        return [self._operand(node, name) for name in node.input]

    def _operand(self, node: onnx.NodeProto, name: str) -> str:
        """A tensor as it is read; a constant stays as it is, or is an int8 constant."""
        if name in self.ranges:
            return self._read(name)
        array = self.constants.get(name)
        if (
            array is None
            or array.dtype != np.float32
            or node.op_type not in _TAKES_CONSTANTS
            or self.chance(2)
        ):
            return name
        return self._constant_pair(name, *_symmetric(array, None), None)

    def _quantizes(self, node: onnx.NodeProto, output: str) -> bool:
        """No pair between a layer and the Relu behind it, and around some nodes, which stay in float."""
        after = self.readers.get(output, [])
        activated = len(after) == 1 and after[0].op_type in ("Relu", "Clip") and output not in self.asked
        if activated and node.op_type in (*_PER_CHANNEL, "Add", "AveragePool", "GlobalAveragePool"):
            return self.chance(5)
        return self.thorough or not self.chance(3 if node.op_type in _MOVEMENT else 7)

    def model(self) -> onnx.ModelProto:
        for value in self.source.graph.input:
            self._input(value)
        for node in self.source.graph.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            operands = self._operands(node)
            del copy.input[:]
            copy.input.extend(operands)
            self.nodes.append(copy)
            for output in node.output:
                if output in self.ranges and self._quantizes(node, output):
                    source = node.input[0]
                    moved = node.op_type in _MOVEMENT and source in self.quants and not self.chance(4)
                    if moved and output not in self.asked:
                        self.dtypes[output] = self.dtypes[source]
                    moved = moved and self.dtypes.get(output, self.dtype) is self.dtypes[source]
                    self._pair(output, self.quants[source] if moved else self._quant(output))
        return self._assembled()

    def _input(self, value: onnx.ValueInfoProto) -> None:
        """A float input with a pair behind it, an integer input behind DequantizeLinear, or a float input."""
        name = value.name
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        if self.chance(2) and name not in self.asked:
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
            self.quants[name], self.stored[name] = self._quant(name), name
            self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
            self.real[name] = self._dequantize(name, f"{name}_dq")
            return
        self.inputs.append(value)
        if self.thorough or not self.chance(8):
            self._pair(name, self._quant(name))

    def _assembled(self) -> onnx.ModelProto:
        """Outputs are the integers, the dequantized tensor, or the float tensor itself."""
        outputs: list[str] = []
        for value in self.source.graph.output:
            name = value.name
            choices = [self.stored.get(name, name), self.real.get(name, name)]
            choices += [] if self.thorough else [name]
            outputs.append(self.draw(st.sampled_from(choices)))
        graph = helper.make_graph(
            self.nodes, "random", self.inputs, [self._info(n) for n in dict.fromkeys(outputs)],
            [numpy_helper.from_array(a, n) for n, a in self.constants.items() if n in _read_by(self.nodes)],
        )  # fmt: skip
        opset = helper.make_opsetid("", OPSET if len(self.widths) == 1 else _OPSET_OF_INT2)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=13)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)

    def _info(self, name: str) -> onnx.ValueInfoProto:
        kinds = {v.name: v.type.tensor_type.elem_type for v in self.source.graph.output}
        shapes = {
            v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in self.source.graph.output
        }
        stored = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        kind = stored if name in self.stored.values() else kinds.get(name, TensorProto.FLOAT)
        return helper.make_tensor_value_info(name, kind, shapes.get(name))


def _read_by(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    return {name for node in nodes for name in node.input}


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _channel_axis(node: onnx.NodeProto) -> int | None:
    """The axis of the weight's output channels; None where groups share it."""
    attributes = _attributes(node)
    if node.op_type == "ConvTranspose" and attributes.get("group", 1) > 1:
        return None
    return 0 if attributes.get("transB") else _PER_CHANNEL[node.op_type]


def _symmetric(array: np.ndarray, axis: int | None, kind: np.dtype = _INT8) -> tuple[np.ndarray, np.ndarray]:
    """Signed integers, of 8 bits or as few as ``kind`` has, and scale: one, or one per index of ``axis``."""
    bits = min(ml_dtypes.iinfo(kind).bits, 8)
    dtype = {8: np.int8, 4: ml_dtypes.int4, 2: ml_dtypes.int2}[bits]
    most = 2 ** (bits - 1) - 1
    others = None if axis is None else tuple(i for i in range(array.ndim) if i != axis)
    extent = np.abs(array).max(axis=others, keepdims=axis is not None)
    scale = (np.maximum(extent, 1e-3) / most).astype(np.float32)
    integers = np.clip(np.rint(array / scale), -most, most).astype(dtype)
    return integers, scale if axis is None else scale.reshape(-1)
