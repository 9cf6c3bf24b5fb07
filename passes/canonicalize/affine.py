"""BatchNormalization, and Mul and Add by constants per channel, folded into the layer before them."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, become, emit
from ..onnx_graph import (
    Array,
    attributes_of,
    constant,
    graph_of,
    input_at,
    is_constant_like,
    producer,
    scalar,
    shape_of,
    used_once,
)
from .engine import Rules
from .parameters import is_per_channel, per_channel, reshaped

_LINEAR = ("Conv", "ConvTranspose", "Gemm")


def _layer_before(value: oir.Value | None) -> oir.Node | None:
    """The Conv, ConvTranspose or Gemm whose result ``value`` nobody else reads."""
    layer = producer(value, *_LINEAR)
    return layer if layer is not None and used_once(layer.outputs[0]) else None


def _scaled_weights(layer: oir.Node, factors: Array) -> Array | None:
    """The layer's float weights with output channel c multiplied by ``factors[c]``; None if quantized."""
    weights = constant(layer.inputs[1])
    if weights is None or weights.dtype != np.float32:
        return None
    wide = weights.astype(np.float64)
    if layer.op_type == "Gemm":
        scaled = wide * (factors[:, None] if layer.attributes.get_int("transB", 0) else factors)
    elif layer.op_type == "Conv":
        scaled = wide * factors.reshape(-1, *[1] * (wide.ndim - 1))
    else:  # ConvTranspose: (C_in, C_out / group, kernel…), input channels in group-sized runs
        group = layer.attributes.get_int("group", 1)
        grouped = wide.reshape(group, -1, *wide.shape[1:])
        scaled = grouped * factors.reshape(group, 1, -1, *[1] * (wide.ndim - 2))
        scaled = scaled.reshape(wide.shape)
    narrow = scaled.astype(np.float32)
    return narrow if np.isfinite(narrow).all() else None


def _float_bias(layer: oir.Node, channels: int) -> Array | None:
    """The layer's bias, float64, zeros where it has none; None where it is not a plain constant."""
    bias = input_at(layer, 2)
    if bias is None:
        return np.zeros(channels)
    array = constant(bias)
    return None if array is None or array.shape != (channels,) else array.astype(np.float64)


def _absorb(node: oir.Node, factors: Array, offsets: Array) -> bool:
    """Replace ``node`` = factors · layer + offsets by the layer with other weights and bias."""
    layer = _layer_before(node.inputs[0])
    if layer is None:
        return False
    bias = _float_bias(layer, len(factors))
    weights = _scaled_weights(layer, factors)
    if bias is None or weights is None:
        return False
    graph, name = graph_of(node), str(layer.name)
    shifted = (bias * factors + offsets).astype(np.float32)
    operands = [
        layer.inputs[0],
        add_constant(graph, weights, f"{name}_weights"),
        add_constant(graph, shifted, f"{name}_bias"),
    ]
    become(node, layer.op_type, operands, attributes_of(layer), name=name)
    return True


def _normalization_terms(node: oir.Node) -> tuple[Array, Array] | None:
    """BatchNormalization as factors · x + offsets, float64; None where a statistic is not constant."""
    arrays = [constant(value) for value in node.inputs[1:5]]
    gamma, beta, mean, variance = (None if a is None else a.astype(np.float64) for a in arrays)
    if gamma is None or beta is None or mean is None or variance is None:
        return None
    factors = gamma / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
    return factors, beta - mean * factors


def _batch_normalization(node: oir.Node) -> bool:
    terms = _normalization_terms(node)
    if terms is None:
        return False
    if _absorb(node, *terms):
        return True
    value, output = node.inputs[0], node.outputs[0]
    assert output.dtype is not None
    rank, name, graph = len(shape_of(value)), str(node.name), graph_of(node)
    factors, offsets = (
        term.astype(output.dtype.numpy()).reshape(-1, *[1] * max(rank - 2, 0)) for term in terms
    )
    scaled = emit(node, "Mul", [value, add_constant(graph, factors, f"{name}_factor")], name=name)
    become(node, "Add", [scaled, add_constant(graph, offsets, f"{name}_offset")], name=f"{name}_offset")
    return True


def _scale(node: oir.Node) -> bool:
    shape = shape_of(node.outputs[0])
    if len(shape) < 2 or shape != shape_of(node.inputs[0]):
        return False
    factors = per_channel(node.inputs[1], len(shape), shape[1], 1)
    return factors is not None and _absorb(node, factors, np.zeros(shape[1]))


def _shift(node: oir.Node) -> bool:
    """A constant per channel that is added becomes the bias, or adds to it."""
    shape = shape_of(node.outputs[0])
    layer = _layer_before(node.inputs[0])
    if layer is None or shape != shape_of(layer.outputs[0]):
        return False
    bias = _bias_with(node, layer, shape[1], len(shape))
    if bias is None:
        return False
    become(node, layer.op_type, [*layer.inputs[:2], bias], attributes_of(layer), name=layer.name)
    return True


def _bias_with(node: oir.Node, layer: oir.Node, channels: int, rank: int) -> oir.Value | None:
    """The layer's bias with ``node``'s second operand added, where both are constants that allow it."""
    added, name = node.inputs[1], f"{layer.name}_bias"
    if input_at(layer, 2) is None and is_constant_like(added) and is_per_channel(added, rank, channels, 1):
        return added if shape_of(added) == (channels,) else reshaped(node, added, (channels,), name)
    bias, offsets = _float_bias(layer, channels), per_channel(added, rank, channels, 1)
    if bias is None or offsets is None:
        return None
    return add_constant(graph_of(node), (bias + offsets).astype(np.float32), name)


def _scale_product(node: oir.Node) -> bool:
    """factor · (x · W + b), W and b constant, is x · (factor · W) + factor · b; b may be missing."""
    factor, before = scalar(node.inputs[1]), node.inputs[0]
    added = producer(before, "Add")
    product = producer(before if added is None else added.inputs[0], "MatMul")
    if factor is None or product is None or not all(used_once(n.outputs[0]) for n in (product, added) if n):
        return False
    weights = constant(product.inputs[1])
    bias = None if added is None else constant(added.inputs[1])
    if weights is None or weights.dtype != np.float32 or (added is not None and bias is None):
        return False
    graph, name = graph_of(node), str(product.name)
    scaled = add_constant(graph, (weights.astype(np.float64) * factor).astype(np.float32), f"{name}_weights")
    if bias is None:
        become(node, "MatMul", [product.inputs[0], scaled], name=name)
        return True
    shifted = add_constant(graph, (bias.astype(np.float64) * factor).astype(np.float32), f"{name}_bias")
    become(node, "Add", [emit(node, "MatMul", [product.inputs[0], scaled], name=name), shifted])
    return True


RULES: Rules = {
    "BatchNormalization": [_batch_normalization],
    "Mul": [_scale, _scale_product],
    "Add": [_shift],
}
