"""Moving Reshapes towards the outputs, where they meet Reshapes and merge.

tf2onnx writes convolutions of one dimension as ones of two between an Unsqueeze and a Squeeze, dense layers
of sequences as a product of two matrices between Reshapes: what belongs to the layer comes behind these.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, add_integers, emit
from ..onnx_graph import attributes_of, constant, graph_of, input_at, integers, producer, shape_of, used_once
from .engine import Rules
from .tidy import reshape
from .transposes import ELEMENTWISE, UNARY

_LARGEST = 1 << 20
"""Elements of a result up to which a constant's place in it is looked for."""


def _element_wise(node: oir.Node) -> bool:
    """Reshape → element-wise is element-wise → Reshape; constants broadcast against the source instead."""
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        return False
    before = [producer(value, "Reshape") for value in node.inputs]
    sources = [b for b in before if b is not None]
    if not sources or any(not used_once(b.outputs[0]) for b in sources):
        return False
    if len({(shape_of(b.inputs[0]), shape_of(b.outputs[0])) for b in sources}) != 1:
        return False
    wide, shape = shape_of(node.outputs[0]), shape_of(sources[0].inputs[0])
    inputs: list[oir.Value | None] = []
    for value, b in zip(node.inputs, before, strict=True):
        moved = b.inputs[0] if b is not None else _aligned(node, value, wide, shape)
        if value is not None and moved is None:
            return False
        inputs.append(moved)
    _before_reshape(node, inputs)
    return True


def _aligned(
    node: oir.Node, value: oir.Value | None, wide: tuple[int, ...], shape: tuple[int, ...]
) -> oir.Value | None:
    """The constant that broadcasts against ``shape`` as ``value`` does against ``wide``, a Reshape of it."""
    array = constant(value)
    if array is None or shape_of(value) == ():
        return value if array is not None else None
    if np.prod(wide) > _LARGEST or np.prod(wide) != np.prod(shape):
        return None
    spread = np.broadcast_to(array, wide).reshape(shape)
    for axis in range(spread.ndim):
        first = spread.take([0], axis)
        if (spread == first).all():
            spread = first
    return add_constant(graph_of(node), spread, f"{node.name}_aligned") if spread.size <= array.size else None


def _last_axis(node: oir.Node) -> bool:
    """Softmax along the last axis, which the Reshape leaves as it is."""
    before = producer(node.inputs[0], "Reshape")
    if before is None or not used_once(before.outputs[0]):
        return False
    inner, outer = shape_of(before.inputs[0]), shape_of(before.outputs[0])
    if not inner or inner[-1] != outer[-1] or node.attributes.get_int("axis", -1) not in (-1, len(outer) - 1):
        return False
    _before_reshape(node, [before.inputs[0]], axis=len(inner) - 1)
    return True


def _padding(node: oir.Node) -> bool:
    """Pad of axes that a Reshape, which only adds or removes axes of length 1, leaves as they are."""
    before, pads = producer(node.inputs[0], "Reshape"), integers(input_at(node, 1))
    if before is None or pads is None or not used_once(before.outputs[0]):
        return False
    inner, outer = shape_of(before.inputs[0]), shape_of(before.outputs[0])
    places, others = ([a for a, size in enumerate(shape) if size != 1] for shape in (inner, outer))
    axes = integers(input_at(node, 3)) or list(range(len(outer)))
    if [inner[a] for a in places] != [outer[a] for a in others]:
        return False
    moved = [0] * (2 * len(inner))
    for index, axis in enumerate(axes):
        both = pads[index], pads[index + len(axes)]
        if axis % len(outer) in others:
            place = places[others.index(axis % len(outer))]
            moved[place], moved[place + len(inner)] = both
        elif any(both):
            return False
    operands = [before.inputs[0], add_integers(graph_of(node), moved, f"{node.name}_pads"), *node.inputs[2:3]]
    _before_reshape(node, operands)
    return True


def _before_reshape(node: oir.Node, inputs: list[oir.Value | None], **changed: int) -> None:
    """Let ``node`` become the Reshape of its operator on ``inputs``."""
    name = str(node.name)
    moved = emit(node, node.op_type, inputs, attributes_of(node) | changed, name=name)
    node.name = f"{name}_reshape"
    reshape(node, moved)


RULES: Rules = {
    **{operator: [_element_wise] for operator in (*UNARY, *ELEMENTWISE)},
    **{operator: [_last_axis] for operator in ("Softmax", "LogSoftmax")},
    "Pad": [_padding],
}
