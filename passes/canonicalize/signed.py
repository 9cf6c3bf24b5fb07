"""Unsigned quantized tensors become signed ones: values and zero points are 128 (uint16: 32768, uint4: 8,
uint2: 2) less.

Inside the model everything is then signed, as the kernels want it. Model inputs and outputs keep their type:
there an explicit Dequantize, Quantize pair converts, exactly, since (n · s) / s rounds to n for every
integer of 16 bits. A tensor that other operators compute with (Cast, integer arithmetic) stays unsigned,
and with it all that is only copied from it or to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, emit, prune, set_inputs, unique_name
from ..onnx_graph import Array, constant, graph_of, input_at, is_understood, shape_of
from ..onnx_infer import infer

_MOVING = frozenset({
    "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "MaxPool", "Pad", "Reshape", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
})  # fmt: skip
"""Operators that pass integers on as they are, in another order or number: they commute with subtraction."""


@dataclass(frozen=True)
class _Type:
    """An unsigned type, the signed one that replaces it, and the difference of their values."""

    unsigned: oir.DataType
    signed: oir.DataType
    offset: int

    def shift(self, array: Array) -> Array:
        """The same integers as the signed type stores them."""
        return (array.astype(np.int64) - self.offset).astype(self.signed.numpy())


_TYPES = (
    _Type(oir.DataType.UINT8, oir.DataType.INT8, 128),
    _Type(oir.DataType.UINT4, oir.DataType.INT4, 8),
    _Type(oir.DataType.UINT2, oir.DataType.INT2, 2),
    _Type(oir.DataType.UINT16, oir.DataType.INT16, 32768),
)


def make_signed(graph: oir.Graph) -> None:
    """Give every unsigned tensor between quantizers the signed type of its width."""
    for kind in _TYPES:
        quantizers = [n for n in graph if _is_quantizer(n) and _integers(n).dtype == kind.unsigned]
        done: set[oir.Value] = set()
        for quantizer in quantizers:
            value = _integers(quantizer)
            if value.is_initializer():
                _shift_quantizer(quantizer, kind)
            elif value not in done and value.dtype == kind.unsigned:  # it may have become signed on the way
                group = _connected(value, kind)
                done |= group.keys()
                if all(map(_allows, group)):
                    _convert(list(group), kind)


def _is_quantizer(node: oir.Node) -> bool:
    """Whether the node is a quantizer whose zero point, if any, is constant, and which has no blocks."""
    zero_point = input_at(node, 2)
    return (
        node.op_type in ("QuantizeLinear", "DequantizeLinear")
        and is_understood(node)
        and (zero_point is None or zero_point.is_initializer())
        and not node.attributes.get_int("block_size", 0)
    )


def _integers(quantizer: oir.Node) -> oir.Value:
    """The integers that a quantizer makes or reads."""
    value = quantizer.outputs[0] if quantizer.op_type == "QuantizeLinear" else quantizer.inputs[0]
    assert value is not None
    return value


def _is_moving(node: oir.Node) -> bool:
    return node.op_type in _MOVING and is_understood(node)


def _connected(start: oir.Value, kind: _Type) -> dict[oir.Value, None]:
    """``start`` and the tensors that moving operators copy from or to it, in a fixed order."""
    group: dict[oir.Value, None] = {}
    pending = [start]
    while pending:
        value = pending.pop()
        if value in group or value.is_initializer() or value.dtype != kind.unsigned:
            continue
        group[value] = None
        for node in (value.producer(), *value.consumers()):
            if node is not None and _is_moving(node):
                pending.extend(v for v in (*node.inputs, *node.outputs) if v is not None)
    return group


def _allows(value: oir.Value) -> bool:
    """Whether everything that makes or reads the tensor can do so with signed values."""
    maker = value.producer()
    if value.is_graph_input() and value.is_graph_output():
        return False
    made = maker is None or _is_moving(maker) or (_is_quantizer(maker) and maker.op_type == "QuantizeLinear")
    return made and all(
        _is_moving(user) or (_is_quantizer(user) and index == 0) for user, index in value.uses()
    )


def _convert(group: list[oir.Value], kind: _Type) -> None:
    nodes = {n: None for value in group for n in (value.producer(), *value.consumers()) if n is not None}
    graph = graph_of(next(iter(nodes)))
    borders = [value for value in group if value.is_graph_input() or value.is_graph_output()]
    parameters = _border_parameters(graph, nodes, kind) if borders else None
    for value in group:
        if value.is_graph_input():
            assert parameters is not None
            _convert_input(graph, value, parameters)
        else:
            value.type = oir.TensorType(kind.signed)
    for node in nodes:
        if _is_moving(node):
            _shift_constants(node, kind)
        else:
            _shift_quantizer(node, kind)
    for value in borders:
        if value.is_graph_output():
            assert parameters is not None
            _convert_output(graph, value, parameters)


@dataclass(frozen=True)
class _Parameters:
    """Scale, unsigned and signed zero point of the tensors at a model's border."""

    scale: oir.Value
    unsigned: oir.Value
    signed: oir.Value


def _border_parameters(graph: oir.Graph, nodes: Iterable[oir.Node], kind: _Type) -> _Parameters:
    """Those of the first quantizer per tensor, so that the border tells what the integers mean."""
    for node in nodes:
        scale = node.inputs[1] if _is_quantizer(node) else None
        if scale is not None and scale.is_initializer() and shape_of(scale) in ((), (1,)):
            zeros, name = _zero_points(node, kind), str(node.name)
            break
    else:
        name, zeros = "border", np.zeros(())
        scale = add_constant(graph, np.ones((), np.float32), "border_scale")
    unsigned = add_constant(graph, zeros.astype(kind.unsigned.numpy()), f"{name}_unsigned_zero_point")
    return _Parameters(scale, unsigned, add_constant(graph, kind.shift(zeros), f"{name}_signed_zero_point"))


def _zero_points(node: oir.Node, kind: _Type) -> Array:
    zeros = constant(input_at(node, 2))
    return np.zeros(shape_of(node.inputs[1]), kind.unsigned.numpy()) if zeros is None else zeros


def _shift_quantizer(node: oir.Node, kind: _Type) -> None:
    """Subtract the offset from the zero point, and from the integers where they are constant."""
    graph, zero_point = graph_of(node), input_at(node, 2)
    name = f"{node.name}_zero_point" if zero_point is None else str(zero_point.name)
    shifted = add_constant(graph, kind.shift(_zero_points(node, kind)), name)
    operand = node.inputs[0]
    if node.op_type == "QuantizeLinear":
        node.attributes.pop("output_dtype", None)
    elif operand is not None and operand.is_initializer():
        operand = _shifted_constant(graph, operand, kind)
    before = [value for value in node.inputs if value is not None]
    set_inputs(node, [operand, node.inputs[1], shifted])
    for value in before:
        prune(value)


def _shifted_constant(graph: oir.Graph, value: oir.Value, kind: _Type) -> oir.Value:
    array = constant(value)
    assert array is not None
    return add_constant(graph, kind.shift(array), f"{value.name}_signed")


def _shift_constants(node: oir.Node, kind: _Type) -> None:
    """Shift the constants that a moving operator mixes in: what a Pad fills with, a constant in a Concat."""
    graph = graph_of(node)
    inputs = list(node.inputs)
    if node.op_type == "Pad" and input_at(node, 2) is None:
        if node.attributes.get_string("mode", "constant") != "constant":
            return
        fill = add_constant(graph, kind.shift(np.zeros((), np.int64)), f"{node.name}_fill")
        inputs = [*inputs[:2], fill, *inputs[3:]]
    else:
        inputs = [
            _shifted_constant(graph, v, kind)
            if v is not None and v.is_initializer() and v.dtype == kind.unsigned
            else v
            for v in inputs
        ]
    set_inputs(node, inputs)


def _convert_input(graph: oir.Graph, value: oir.Value, parameters: _Parameters) -> None:
    uses, name = tuple(value.uses()), str(value.name)
    users = {user for user, _ in uses}
    first = next(node for node in graph if node in users)
    operands = [value, parameters.scale, parameters.unsigned]
    real = emit(first, "DequantizeLinear", operands, name=f"{name}_dequantize")
    operands = [real, parameters.scale, parameters.signed]
    integers = emit(first, "QuantizeLinear", operands, name=f"{name}_quantize")
    for user, index in uses:
        user.replace_input_with(index, integers)


def _convert_output(graph: oir.Graph, value: oir.Value, parameters: _Parameters) -> None:
    name = str(value.name)
    value.name = unique_name(graph, f"{name}_signed")
    # Both nodes take a place at the end, where every operand exists.
    operands, output = [value, parameters.scale, parameters.signed], unique_name(graph, f"{name}_real")
    real = _append(graph, "DequantizeLinear", operands, f"{name}_dequantize", output)
    operands = [real, parameters.scale, parameters.unsigned]
    result = _append(graph, "QuantizeLinear", operands, f"{name}_quantize", name)
    graph.outputs[list(graph.outputs).index(value)] = result


def _append(graph: oir.Graph, operator: str, inputs: list[oir.Value], name: str, output: str) -> oir.Value:
    node = oir.node(operator, inputs, name=name)
    node.outputs[0].name = output
    graph.append(node)
    infer(node)
    return node.outputs[0]
