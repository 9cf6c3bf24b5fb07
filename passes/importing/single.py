"""Floating point of other widths is stored and computed as float32: float16, bfloat16 and float64."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx_ir as oir

OTHER_FLOATS = frozenset({oir.DataType.FLOAT16, oir.DataType.BFLOAT16, oir.DataType.DOUBLE})
_FLOAT = oir.DataType.FLOAT
_TYPE_ATTRIBUTES = ("to", "dtype", "output_dtype", "softmax_precision", "stash_type", "output_datatype")
"""INT attributes that name an element type."""


def use_single_precision(model: oir.Model) -> None:
    """Let every tensor of another floating-point type be float32: inputs, constants, and what casts ask for.

    A value beyond float32's range becomes infinite, which import refuses where it is a weight.
    """
    for graph in _graphs(model):
        values = [*graph.inputs, *graph.outputs, *graph.initializers.values()]
        values += [output for node in graph for output in node.outputs]
        for value in values:
            _retype(value)
        for node in graph:
            _rewrite_attributes(node)


def _graphs(model: oir.Model) -> Iterator[oir.Graph]:
    yield model.graph
    yield from model.graph.subgraphs()
    for function in model.functions.values():
        yield function.graph
        yield from function.subgraphs()


def _retype(value: oir.Value) -> None:
    if value.dtype in OTHER_FLOATS:
        value.type = oir.TensorType(_FLOAT)
    if value.const_value is not None and value.const_value.dtype in OTHER_FLOATS:
        value.const_value = _single(value.const_value)


def _single(tensor: oir.TensorProtocol) -> oir.TensorProtocol:
    with np.errstate(over="ignore"):
        return oir.Tensor(tensor.numpy().astype(np.float32), name=tensor.name)


def _rewrite_attributes(node: oir.Node) -> None:
    for name, attribute in list(node.attributes.items()):
        if attribute.is_ref():
            continue
        if attribute.type == oir.AttributeType.TENSOR and attribute.as_tensor().dtype in OTHER_FLOATS:
            node.attributes[name] = oir.AttrTensor(name, _single(attribute.as_tensor()))
        elif name in _TYPE_ATTRIBUTES and attribute.value in OTHER_FLOATS:
            node.attributes[name] = oir.AttrInt64(name, int(_FLOAT))


__all__ = ["use_single_precision"]
