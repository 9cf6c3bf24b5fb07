"""Nodes that do nothing, and shape changes: all of them become Reshape with a constant shape."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, add_integers, become, bypass
from ..onnx_graph import (
    attributes_of,
    constant,
    graph_of,
    input_at,
    integers,
    is_constant_like,
    producer,
    scalar,
    shape_of,
    used_once,
)
from .engine import Rules


def _remove(node: oir.Node) -> bool:
    value = node.inputs[0]
    assert value is not None
    stays = value.is_graph_input() or value.is_initializer() or value.is_graph_output()
    if node.op_type == "Identity" and node.outputs[0].is_graph_output() and stays:
        return False
    bypass(node, value)
    return True


def _identity(node: oir.Node) -> bool:
    return _remove(node)


def _dropout(node: oir.Node) -> bool:
    """Import has refused a constant training mode; one that is computed, and a mask, are left to lowering."""
    mode = input_at(node, 2)
    if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
        return False
    if mode is not None and not mode.is_initializer():
        return False
    node.resize_outputs(1)
    return _remove(node)


def _chosen(node: oir.Node) -> bool:
    """Where with a constant condition that is the same everywhere."""
    condition = constant(node.inputs[0])
    if condition is None or condition.size == 0 or condition.min() != condition.max():
        return False
    value = node.inputs[1] if condition.all() else node.inputs[2]
    if value is None or shape_of(value) != shape_of(node.outputs[0]) or value.is_initializer():
        return False
    bypass(node, value)
    return True


def _same_type(node: oir.Node) -> bool:
    value = node.inputs[0]
    return value is not None and value.dtype == node.outputs[0].dtype and _remove(node)


def _same_shape(node: oir.Node) -> bool:
    """Reshape, Expand, Tile, Slice and Pad: none can keep the shape and yet move elements, but for a
    reversing Slice and a Pad that cuts here and adds there."""
    if shape_of(node.inputs[0]) != shape_of(node.outputs[0]):
        return False
    if node.op_type == "Slice" and any(step < 0 for step in integers(input_at(node, 4)) or ()):
        return False
    if node.op_type == "Pad" and any(integers(input_at(node, 1)) or (1,)):
        return False
    return _remove(node)


def _only_operand(node: oir.Node) -> bool:
    return len(node.inputs) == 1 and _remove(node)


def _transpose_identity(node: oir.Node) -> bool:
    perm = permutation(node)
    return perm == sorted(perm) and _remove(node)


def permutation(node: oir.Node) -> list[int]:
    """Which axis of the operand each axis of a Transpose's result is."""
    rank = len(shape_of(node.inputs[0]))
    return list(node.attributes.get_ints("perm") or reversed(range(rank)))


def reshape(node: oir.Node, value: oir.Value) -> None:
    """Turn ``node`` into the Reshape of ``value`` to the shape that the node's output has."""
    shape = add_integers(graph_of(node), shape_of(node.outputs[0]), f"{node.name}_shape")
    become(node, "Reshape", [value, shape])


def _to_reshape(node: oir.Node) -> bool:
    value = node.inputs[0]
    assert value is not None
    reshape(node, value)
    return True


def _explicit_shape(node: oir.Node) -> bool:
    value = node.inputs[0]
    assert value is not None
    if integers(input_at(node, 1)) == list(shape_of(node.outputs[0])) and not node.attributes:
        return False
    reshape(node, value)
    return True


def _merge_reshapes(node: oir.Node) -> bool:
    before = producer(node.inputs[0], "Reshape")
    if before is None or before.inputs[0] is None:
        return False
    become(node, "Reshape", [before.inputs[0], node.inputs[1]])
    return True


def _merge_casts(node: oir.Node) -> bool:
    """Cast ∘ Cast is the second alone where the first loses nothing."""
    before = producer(node.inputs[0], "Cast")
    if before is None or before.inputs[0] is None or before.inputs[0].dtype is None:
        return False
    source, middle = before.inputs[0].dtype, before.outputs[0].dtype
    assert middle is not None
    if not np.can_cast(source.numpy(), middle.numpy(), "safe"):
        return False
    become(node, "Cast", [before.inputs[0]], {"to": node.attributes["to"].as_int()})
    return True


def _clip_bounds(node: oir.Node) -> tuple[float, float] | None:
    """The bounds of a node that limits its operand to an interval, where they are constant."""
    if node.op_type == "Relu":
        return 0.0, math.inf
    if node.op_type in ("Max", "Min"):
        bound = scalar(node.inputs[1]) if len(node.inputs) == 2 else None
        if bound is None or shape_of(node.inputs[0]) != shape_of(node.outputs[0]):
            return None
        return (bound, math.inf) if node.op_type == "Max" else (-math.inf, bound)
    low, high = input_at(node, 1), input_at(node, 2)
    bounds = (-math.inf if low is None else scalar(low), math.inf if high is None else scalar(high))
    return None if bounds[0] is None or bounds[1] is None else (bounds[0], bounds[1])


def _constant_last(node: oir.Node) -> bool:
    """Commutative operators have their constant on the right."""
    if len(node.inputs) != 2 or not is_constant_like(node.inputs[0]) or is_constant_like(node.inputs[1]):
        return False
    become(node, node.op_type, [node.inputs[1], node.inputs[0]])
    return True


def _limit(node: oir.Node) -> bool:
    """Max and Min with a number, and what limits the result of Relu or Clip, become one Clip or Relu."""
    value = node.inputs[0]
    bounds = _clip_bounds(node)
    if value is None or bounds is None or value.dtype is None or not value.dtype.is_floating_point():
        return False
    before = producer(value, "Relu", "Clip")
    inner = None if before is None or not used_once(value) else _clip_bounds(before)
    if inner is not None and before is not None and inner[0] <= bounds[1] and bounds[0] <= inner[1]:
        bounds = max(inner[0], bounds[0]), min(inner[1], bounds[1])
        _become_clip(node, before.inputs[0], bounds)
        return True
    if node.op_type == "Relu" or (node.op_type == "Clip" and bounds != (0.0, math.inf)):
        return False
    _become_clip(node, value, bounds)
    return True


def _become_clip(node: oir.Node, value: oir.Value | None, bounds: tuple[float, float]) -> None:
    if bounds == (0.0, math.inf):
        become(node, "Relu", [value])
        return
    dtype = node.outputs[0].dtype
    assert dtype is not None
    operands = [
        add_constant(graph_of(node), np.asarray(bound, dtype.numpy()), f"{node.name}_{name}")
        if math.isfinite(bound)
        else None
        for name, bound in zip(("min", "max"), bounds, strict=True)
    ]
    become(node, "Clip", [value, *(operands if operands[1] is not None else operands[:1])])


def _drop_empty_operands(node: oir.Node) -> bool:
    """Resize of opset 11 wrote "not given" as a tensor without elements."""
    kept = [None if v is not None and v.is_initializer() and 0 in shape_of(v) else v for v in node.inputs]
    if kept == list(node.inputs):
        return False
    become(node, node.op_type, kept, attributes_of(node))
    return True


RULES: Rules = {
    "Resize": [_drop_empty_operands],
    "Identity": [_identity],
    "Dropout": [_dropout],
    "Cast": [_same_type, _merge_casts],
    "Reshape": [_same_shape, _explicit_shape, _merge_reshapes],
    "Squeeze": [_to_reshape],
    "Unsqueeze": [_to_reshape],
    "Flatten": [_to_reshape],
    "Expand": [_same_shape],
    "Tile": [_same_shape],
    "Slice": [_same_shape],
    "Pad": [_same_shape],
    "Transpose": [_transpose_identity],
    "Concat": [_only_operand],
    "Sum": [_only_operand],
    "Mean": [_only_operand],
    "Max": [_only_operand, _constant_last, _limit],
    "Min": [_only_operand, _constant_last, _limit],
    "Clip": [_limit],
    "Relu": [_limit],
    "Where": [_chosen],
    "Add": [_constant_last],
    "Mul": [_constant_last],
}
