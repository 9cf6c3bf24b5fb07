"""Reading an ONNX graph: static shapes, constants (quantized ones too), users, names for messages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as oir

Array = npt.NDArray[Any]

OPSET = 25
"""The opset of every model inside tinyc: ONNX Runtime runs it, and it has int2 and int4 quantization."""
IR_VERSION = 13
"""The model file version that belongs to ``OPSET``."""

MAX_TENSOR_BYTES = 2**31
"""No tensor of a model for a microcontroller is larger; a bigger shape is a mistake or an attack."""

FUSED_DOMAIN = "tinyc"
"""The domain of operators that tinyc knows and ONNX Runtime does not at ``OPSET``: each is a model-local
function made of standard operators, named as ONNX names it."""
SPIKING_DOMAIN = "tinyc.spiking"
"""The domain of spiking neurons: model-local functions too, see ``passes/spiking/neurons.py``."""
PATCH_DOMAIN = "tinyc.patches"
"""The domain of patches that are classified at run time, see ``passes/patch_functions.py``."""

_LONGEST_NAME = 80


def quoted(name: str | None) -> str:
    """A name from a model file as it may be printed: escaped, and cut where it is very long."""
    text = name or ""
    if len(text) > _LONGEST_NAME:
        text = f"{text[: _LONGEST_NAME - 20]}…{text[-16:]}"
    return repr(text)


def describe(node: oir.Node) -> str:
    """``Conv node 'name'``, for error messages."""
    return f"{node.op_type} node {quoted(node.name)}"


def has_known_domain(node: oir.Node) -> bool:
    """Whether the node's operator type means what ONNX means by it."""
    return node.domain in ("", "ai.onnx", FUSED_DOMAIN, SPIKING_DOMAIN, PATCH_DOMAIN)


def is_quantized(model: oir.Model) -> bool:
    """Whether the model quantizes activations itself."""
    return any(node.op_type == "QuantizeLinear" for node in model.graph)


def static_shape(value: oir.Value) -> tuple[int, ...] | None:
    """The value's shape where every dimension is a number, else None."""
    if value.shape is None or not value.shape.is_static():
        return None
    return value.shape.numpy()


def shape_of(value: oir.Value | None) -> tuple[int, ...]:
    """The value's shape, which import has made static."""
    assert value is not None
    shape = static_shape(value)
    assert shape is not None, f"import left {quoted(value.name)} without a static shape"
    return shape


def tensor_bytes(dtype: oir.DataType, shape: Sequence[int]) -> int:
    """Bytes of a dense tensor in an ONNX file: sub-byte types are packed, strings count as pointers."""
    bits = 64 if dtype == oir.DataType.STRING else dtype.bitwidth
    return (math.prod(shape) * bits + 7) // 8


def constant(value: oir.Value | None) -> Array | None:
    """The array of an initializer, else None."""
    if value is None or value.const_value is None or not value.is_initializer():
        return None
    return value.const_value.numpy()


def scalar(value: oir.Value | None) -> float | None:
    """The number held by an initializer with one element, else None."""
    array = constant(value)
    if array is None or array.size != 1 or value is None or value.dtype == oir.DataType.STRING:
        return None
    return float(array.reshape(()).astype(np.float64))


def integers(value: oir.Value | None) -> list[int] | None:
    """The elements of an integer initializer, flattened, else None."""
    array = constant(value)
    return None if array is None else [int(element) for element in array.reshape(-1)]


def is_float(value: oir.Value | None) -> bool:
    """Whether the value holds floating-point numbers."""
    return value is not None and value.dtype is not None and value.dtype.is_floating_point()


def producer(value: oir.Value | None, *operators: str) -> oir.Node | None:
    """The node that computes ``value``, where it is a standard operator of one of these types."""
    node = None if value is None else value.producer()
    return node if node is not None and node.domain == "" and node.op_type in operators else None


def dequantized_constant(value: oir.Value | None) -> oir.Node | None:
    """The DequantizeLinear that makes ``value`` out of an initializer, where it is one."""
    node = producer(value, "DequantizeLinear")
    return node if node is not None and all(i is None or i.is_initializer() for i in node.inputs) else None


def is_constant_like(value: oir.Value | None) -> bool:
    """Whether the value is an initializer, or an initializer that went through DequantizeLinear."""
    return value is not None and (value.is_initializer() or dequantized_constant(value) is not None)


def used_once(value: oir.Value) -> bool:
    """Whether exactly one operand of one node reads the value and the caller of the model does not."""
    return len(value.uses()) == 1 and not value.is_graph_output()


def input_at(node: oir.Node, index: int) -> oir.Value | None:
    """Operand ``index``; None where it is left out."""
    return node.inputs[index] if index < len(node.inputs) else None


def attributes_of(node: oir.Node) -> dict[str, Any]:
    """The node's attributes as plain values, to build another node from."""
    return {name: attribute.value for name, attribute in node.attributes.items()}


def graph_of(node: oir.Node) -> oir.Graph:
    """The graph that holds the node."""
    assert node.graph is not None
    return node.graph


def is_understood(node: oir.Node) -> bool:
    """Whether the node is one of ONNX's operators and all of its tensors have known types and shapes.

    Behind an operator that ONNX does not define they need not, until lowering refuses the model.
    """
    return node.domain == "" and all(
        value is None or not value.name or (value.dtype is not None and static_shape(value) is not None)
        for values in (node.inputs, node.outputs)
        for value in values
    )
