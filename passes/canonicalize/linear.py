"""Matrix products: MatMul with a constant matrix becomes Gemm, Gemm sheds alpha, beta and transA."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, become, emit
from ..onnx_graph import (
    attributes_of,
    constant,
    dequantized_constant,
    graph_of,
    input_at,
    is_constant_like,
    is_float,
    shape_of,
)
from .engine import Rules
from .parameters import is_per_channel, reshaped


def _matmul(node: oir.Node) -> bool:
    """x · W with two matrices, W constant, is a Gemm without bias."""
    left, right = node.inputs
    if len(shape_of(left)) != 2 or len(shape_of(right)) != 2 or not is_float(left):
        return False
    if not is_constant_like(right) or is_constant_like(left):
        return False
    become(node, "Gemm", [left, right])
    return True


def _transposed_left(node: oir.Node) -> bool:
    if not node.attributes.get_int("transA", 0):
        return False
    left = emit(node, "Transpose", [node.inputs[0]], {"perm": [1, 0]}, name=f"{node.name}_transpose")
    attributes = {key: attribute.value for key, attribute in node.attributes.items() if key != "transA"}
    become(node, "Gemm", [left, *node.inputs[1:]], attributes)
    return True


def _factors(node: oir.Node) -> bool:
    """alpha into the weights (or, where they are not constant, the left operand), beta into C."""
    alpha, beta = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)
    if alpha == 1.0 and beta == 1.0:
        return False
    left, right, bias = node.inputs[0], node.inputs[1], input_at(node, 2)
    if alpha != 1.0 and is_constant_like(right):
        right = _times(node, right, alpha, "weights")
    elif alpha != 1.0:
        left = _times(node, left, alpha, "input")
    if bias is not None and beta != 1.0:
        bias = None if beta == 0.0 else _times(node, bias, beta, "bias")
    attributes = {key: a.value for key, a in node.attributes.items() if key not in ("alpha", "beta")}
    become(node, "Gemm", [left, right] if bias is None else [left, right, bias], attributes)
    return True


def _times(node: oir.Node, value: oir.Value | None, factor: float, what: str) -> oir.Value:
    """factor · value: in the constant itself, in the scale of a quantized one, else by a Mul."""
    array, name = constant(value), f"{node.name}_{what}"
    if array is not None:
        return add_constant(graph_of(node), (array.astype(np.float64) * factor).astype(array.dtype), name)
    stored = dequantized_constant(value)
    if stored is not None:
        scale = _times(node, stored.inputs[1], factor, f"{what}_scale")
        attributes = attributes_of(stored)
        operands = [stored.inputs[0], scale, *stored.inputs[2:]]
        return emit(node, "DequantizeLinear", operands, attributes, name=f"{name}_dequantize")
    assert value is not None and value.dtype is not None
    number = add_constant(graph_of(node), np.asarray(factor, value.dtype.numpy()), f"{name}_factor")
    return emit(node, "Mul", [value, number], name=f"{name}_scale")


def _bias_vector(node: oir.Node) -> bool:
    """C becomes a constant of one element per column, or leaves the Gemm as an Add."""
    bias = input_at(node, 2)
    columns = shape_of(node.outputs[0])[1]
    if bias is None or (is_constant_like(bias) and shape_of(bias) == (columns,)):
        return False
    vector = None
    array = constant(bias)
    if array is not None and array.size == 1:
        vector = add_constant(graph_of(node), np.full(columns, array.reshape(())), f"{node.name}_bias")
    elif is_constant_like(bias) and is_per_channel(bias, 2, columns, 1):
        vector = reshaped(node, bias, (columns,), f"{node.name}_bias")
    attributes = attributes_of(node)
    if vector is not None:
        become(node, "Gemm", [*node.inputs[:2], vector], attributes)
        return True
    name = str(node.name)
    product = emit(node, "Gemm", node.inputs[:2], attributes, name=name)
    become(node, "Add", [product, bias], name=f"{name}_add")
    return True


def _plain_attributes(node: oir.Node) -> bool:
    """Only transB is written, always."""
    if set(node.attributes) == {"transB"}:
        return False
    become(node, "Gemm", node.inputs, {"transB": node.attributes.get_int("transB", 0)})
    return True


RULES: Rules = {
    "MatMul": [_matmul],
    "Gemm": [_transposed_left, _factors, _bias_vector, _plain_attributes],
}
