"""A part of a graph twice, joined by a selection: each pixel of its result is computed by its own branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, unique_name
from ..onnx_graph import graph_of
from ..quantize.calibration_only import mark

TWIN = "_narrow"
"""Ends the names of nodes and tensors of the second branch."""


@dataclass(frozen=True)
class Branches:
    """What the search for widths has to know of a model with branches: tensors that keep 8 bits, and by
    node's name the share of its result's pixels that is computed, halo included; of others it is all."""

    kept: frozenset[str] = frozenset()
    shares: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])


WHOLE = Branches()
"""No branches."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The part of an input that the second branch needs: bool, of the input's shape. To calibration, all
    other elements are ``rest``."""

    mask: np.ndarray
    rest: float


def split(model: oir.Model, tensor: str, mask: np.ndarray, seen: Mapping[str, Seen]) -> oir.Model:
    """A copy of the float ``model`` in which all that computes ``tensor`` is there twice. Where ``mask`` (of
    a shape that broadcasts to that of ``tensor``) is False, those who read it get what the second branch
    computes, whose nodes and tensors end with ``TWIN``.

    Calibration shows to the second branch only what it has to deal with: the elements in ``seen`` of its
    inputs. A model that comes from it is one without these masks.
    """
    copy = model.clone()
    graph = copy.graph
    values = oir.convenience.create_value_mapping(graph)
    end = values[tensor]
    stage = stage_nodes(end)
    last = stage[-1]
    twins: dict[oir.Value, oir.Value] = {}
    for name, part in seen.items():
        limit = _limited(graph, values[name], part)
        graph.insert_before(stage[0], limit)
        twins[values[name]] = limit.outputs[0]
    for node in stage:
        twin = _twin(graph, node, twins)
        graph.insert_after(last, twin)
        last = twin
        twins.update(zip(node.outputs, twin.outputs, strict=True))
    chosen = add_constant(graph, mask, f"{tensor}_patches")
    selection = oir.node("Where", [chosen, end, twins[end]], name=f"{tensor}_select")
    _named_like(graph, selection.outputs[0], end, f"{tensor}_selected")
    graph.insert_after(last, selection)
    for user, index in tuple(end.uses()):
        if user is not selection:
            user.replace_input_with(index, selection.outputs[0])
    return copy


def stage_nodes(end: oir.Value) -> list[oir.Node]:
    """The nodes that compute ``end``, in graph order."""
    last = end.producer()
    assert last is not None
    found: set[oir.Node] = set()
    pending = [last]
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            makers = (value.producer() for value in node.inputs if value is not None)
            pending += [maker for maker in makers if maker is not None]
    return [node for node in graph_of(last) if node in found]


def _limited(graph: oir.Graph, value: oir.Value, part: Seen) -> oir.Node:
    """``value`` where ``part`` is seen."""
    operands = [
        add_constant(graph, part.mask, f"{value.name}_seen"),
        value,
        add_constant(graph, np.full((1,) * part.mask.ndim, part.rest, np.float32), f"{value.name}_rest"),
    ]
    node = oir.node("Where", operands, name=f"{value.name}_limited")
    _named_like(graph, node.outputs[0], value, f"{value.name}_limited")
    mark(node)
    return node


def _twin(graph: oir.Graph, node: oir.Node, twins: Mapping[oir.Value, oir.Value]) -> oir.Node:
    """``node`` once more, on the operands of the second branch; constants are the same."""
    operands = [None if value is None else twins.get(value, value) for value in node.inputs]
    attributes = list(node.attributes.values())
    made = oir.Node(
        node.domain, node.op_type, operands, attributes,
        name=f"{node.name}{TWIN}", num_outputs=len(node.outputs),
    )  # fmt: skip
    for mine, other in zip(made.outputs, node.outputs, strict=True):
        _named_like(graph, mine, other, f"{other.name}{TWIN}")
    return made


def _named_like(graph: oir.Graph, value: oir.Value, like: oir.Value, name: str) -> None:
    value.name = unique_name(graph, name)
    value.type, value.shape = like.type, like.shape
