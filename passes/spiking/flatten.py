"""Flattened spikes in the order in which they lie, so that no bit moves."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ..lower.layout import channel_last, lies_channel_last
from ..onnx_edit import add_constant, emit
from ..onnx_graph import Array, constant, shape_of
from ..quantize.graphs import name_of
from .analysis import spiking_of


def flatten_as_they_lie(model: oir.Model) -> None:
    """Where dense layers alone read spikes [N, C, …] as [N, all others], and these lie channels last, the
    layers' rows of weights take the order of pixels: the Transpose in front of the Reshape costs nothing,
    as spikes lie so already."""
    spikes = spiking_of(model).spikes
    for node in tuple(model.graph):
        source = node.inputs[0] if node.op_type == "Reshape" else None
        if source is None or source.name not in spikes or not lies_channel_last(source):
            continue
        shape, readers = shape_of(source), [use for use in node.outputs[0].uses() if use.idx == 0]
        flat = (shape[0], int(np.prod(shape[1:])))
        whole = len(readers) == len(tuple(node.outputs[0].uses())) and not node.outputs[0].is_graph_output()
        if len(shape) < 3 or shape_of(node.outputs[0]) != flat or not whole:
            continue
        if all(_is_dense(reader.node) for reader in readers):
            _arrange(node, source, [reader.node for reader in readers])


def _is_dense(node: oir.Node) -> bool:
    """Whether ``node`` multiplies vectors with constant weights."""
    weights = constant(node.inputs[1]) if node.op_type in ("Gemm", "MatMul") else None
    return weights is not None and weights.ndim == 2 and not node.attributes.get_int("transA", 0)


def _arrange(node: oir.Node, source: oir.Value, readers: list[oir.Node]) -> None:
    shape = shape_of(source)
    order = channel_last(len(shape))
    moved = emit(node, "Transpose", [source], {"perm": list(order)}, name=f"{node.name}_pixels")
    node.replace_input_with(0, moved)
    numbers = np.arange(np.prod(shape[1:])).reshape(1, *shape[1:]).transpose(order).reshape(-1)
    for reader in readers:
        _permute(reader, numbers)


def _permute(reader: oir.Node, order: Array) -> None:
    """Gives the layer its weights in the ``order`` of inputs."""
    weights = constant(reader.inputs[1])
    assert weights is not None and reader.graph is not None
    by_row = reader.op_type == "MatMul" or not reader.attributes.get_int("transB", 0)
    permuted = weights[order] if by_row else weights[:, order]
    name = f"{name_of(reader.inputs[1])}_pixels"
    reader.replace_input_with(1, add_constant(reader.graph, np.ascontiguousarray(permuted), name))
