"""BitOPs: multiply-accumulates × bits of their weights × bits of their activations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import onnx_ir as oir

from ..macs import node_macs
from ..onnx_graph import constant, producer
from .widths import Widths


@dataclass(frozen=True)
class Layer:
    """A sum of products: ``name`` is the tensor that it makes, ``source`` the feature map (a group's first
    tensor) that its weights are multiplied with, ``parameters`` the number of its weights."""

    name: str
    node: str
    source: str
    macs: int
    parameters: int

    def bitops(self, widths: Widths) -> int:
        """Of one inference."""
        return self.macs * widths.of(self.source) * widths.of_weights(self.name)

    def weight_bytes(self, widths: Widths) -> int:
        """Bytes of the weights, packed."""
        return -(-self.parameters * widths.of_weights(self.name) // 8)


def bitops(layers: Iterable[Layer], widths: Widths) -> int:
    """BitOPs of one inference (definition of QuantMCU, arXiv 2401.13714, section 3)."""
    return sum(layer.bitops(widths) for layer in layers)


def weight_bytes(layers: Iterable[Layer], widths: Widths) -> int:
    """Bytes of all weights in flash, without biases, scales and tables."""
    return sum(layer.weight_bytes(widths) for layer in layers)


def model_bitops(model: oir.Model) -> int:
    """BitOPs of a QDQ model, counted from the types in it; operands that are not quantized have 32 bits.

    Raises ModelError where a shape that is needed is not known.
    """
    return sum(node_macs(node) * _bits(node, 0) * _bits(node, 1) for node in model.graph)


def model_weight_bytes(model: oir.Model) -> int:
    """Bytes of the weights of a QDQ model's sums of products, packed."""
    total = 0
    for node in model.graph:
        if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
            maker = producer(node.inputs[1], "DequantizeLinear")
            stored = None if maker is None else constant(maker.inputs[0])
            if stored is not None:
                total += -(-stored.size * _bits(node, 1) // 8)
    return total


def _bits(node: oir.Node, index: int) -> int:
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    maker = producer(node.inputs[index], "DequantizeLinear")
    stored = None if maker is None else maker.inputs[0]
    return 32 if stored is None or stored.dtype is None else stored.dtype.bitwidth
