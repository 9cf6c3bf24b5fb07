"""Questions that lowering asks of an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as oir

from ...ir.dtype import DType, Quant
from ...ir.errors import ModelError
from ...kernels.node import Activation, Constant
from ..onnx_graph import constant, used_once


def name_of(value: oir.Value) -> str:
    """The value's name; import has named every value."""
    assert value.name is not None
    return value.name


def names_in(graph: oir.Graph) -> frozenset[str]:
    """The names of all tensors of the graph."""
    return frozenset(oir.convenience.create_value_mapping(graph))


def element_type(value: oir.Value) -> DType:
    """The value's element type; ModelError where emitted C cannot store it."""
    if value.dtype is not None:
        try:
            return DType.of(value.dtype.numpy())
        except (KeyError, TypeError):
            pass
    raise ModelError(
        "A tensor has an element type that tinyc does not compile",
        where=f"tensor {value.name!r}",
        why=f"its type is {value.dtype}",
        remedy="use float32, bool, or an integer of 8 to 64 bits",
    )


def attributes(node: oir.Node) -> dict[str, Any]:
    """Attributes by name, as Python values."""
    return {name: attribute.value for name, attribute in node.attributes.items()}


def notes(node: oir.Node) -> dict[str, str]:
    """What tinyc's passes noted on the node, by key."""
    return {key: text for key, text in node.metadata_props.items() if key.startswith("tinyc.")}


def quantization(node: oir.Node) -> Quant:
    """Per-tensor parameters of a QuantizeLinear or DequantizeLinear of an activation."""
    scale, zero = constant(node.inputs[1]), np.zeros(1)
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        zero = constant(node.inputs[2])
    if scale is None or zero is None:
        raise _refused(node, "its scale or zero point is computed at run time", "use constants for them")
    if scale.size != 1 or zero.size != 1:
        raise _refused(node, "an activation is quantized per channel", "quantize activations per tensor")
    if not float(scale.reshape(())) > 0:
        raise _refused(node, f"its scale is {float(scale.reshape(()))}", "give it a scale above zero")
    return Quant(float(scale.reshape(())), int(zero.reshape(())))


def dequantized_constant(node: oir.Node, stored: np.ndarray) -> Constant:
    """A constant behind DequantizeLinear, with one scale or one per index of an axis."""
    scale, zero = constant(node.inputs[1]), None
    if len(node.inputs) > 2:
        zero = constant(node.inputs[2])
    if scale is None or attributes(node).get("block_size", 0):
        raise _refused(
            node, "its scale is computed at run time or given per block", "quantize weights per channel"
        )
    axis = int(attributes(node).get("axis", 1)) % max(stored.ndim, 1)
    return Constant(stored, scale.reshape(-1), None if zero is None else zero.reshape(-1), axis)


def _refused(node: oir.Node, why: str, remedy: str) -> ModelError:
    return ModelError(f"Cannot compile {node.op_type}", where=f"node {node.name!r}", why=why, remedy=remedy)


def sole_consumer(value: oir.Value) -> oir.Node | None:
    """The only node that reads ``value``, where no graph output needs it."""
    return next(iter(value.uses())).node if used_once(value) else None


def fusable_activation(node: oir.Node | None) -> Activation | None:
    """Bounds of a Relu, or of a Clip with constant bounds."""
    if node is None:
        return None
    if node.op_type == "Relu":
        return Activation(low=0.0)
    if node.op_type != "Clip":
        return None
    bounds = [float("-inf"), float("inf")]
    for index, value in enumerate(node.inputs[1:3]):
        if value is None:
            continue
        bound = constant(value)
        if bound is None or bound.dtype.kind != "f":
            return None
        bounds[index] = float(bound.reshape(()))
    return Activation(*bounds)
