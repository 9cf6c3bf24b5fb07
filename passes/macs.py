"""Multiply-accumulate operations of an ONNX model, counted from shapes."""

from __future__ import annotations

from math import prod

import onnx_ir as oir

from ..ir.errors import ModelError
from .attention import ATTENTION, MASKED
from .onnx_graph import FUSED_DOMAIN, describe, quoted


def count_macs(model: oir.Model) -> int:
    """Multiply-accumulates of one inference: convolutions and matrix products of the main graph.

    Taps that fall into padding count, as is usual; pooling and element-wise operators do not.
    Raises ModelError where a shape that is needed has not been inferred.
    """
    return sum(node_macs(node) for node in model.graph)


def node_macs(node: oir.Node) -> int:
    """Multiply-accumulates of one node; 0 for operators that are not sums of products."""
    if node.domain == FUSED_DOMAIN and node.op_type in (ATTENTION, MASKED):
        query, key = _shape(node, node.inputs[0]), _shape(node, node.inputs[1])
        return prod(query[:-1]) * key[-2] * (query[-1] + _shape(node, node.inputs[2])[-1])
    if node.domain not in ("", "ai.onnx"):
        return 0
    if node.op_type == "Conv":  # each output element sums C_in/group x kernel products
        return prod(_shape(node, node.outputs[0])) * prod(_shape(node, node.inputs[1])[1:])
    if node.op_type == "ConvTranspose":  # each input element spreads into C_out/group x kernel
        return prod(_shape(node, node.inputs[0])) * prod(_shape(node, node.inputs[1])[1:])
    if node.op_type == "MatMul":
        return prod(_shape(node, node.outputs[0])) * _shape(node, node.inputs[0])[-1]
    if node.op_type == "Gemm":
        transposed = node.attributes.get_int("transA", 0)
        return prod(_shape(node, node.outputs[0])) * _shape(node, node.inputs[0])[0 if transposed else 1]
    return 0


def _shape(node: oir.Node, value: oir.Value | None) -> tuple[int, ...]:
    if value is None or value.shape is None or not value.shape.is_static():
        raise ModelError(
            f"The multiplications of {node.op_type} cannot be counted",
            where=describe(node),
            why=f"tensor {quoted(value.name if value else None)} has no static shape",
            remedy="fix the dynamic dimensions, e.g. --input-shape NAME=1,3,96,96",
        )
    return value.shape.numpy()
