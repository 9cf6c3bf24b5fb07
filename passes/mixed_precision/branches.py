"""A part of a graph twice, joined by a selection: each pixel of its result is computed by its own branch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, unique_name
from ..onnx_graph import graph_of, shape_of
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


class Choice(ABC):
    """Which of two branches computes each pixel of a tensor, and what of the image that they begin with the
    second one has to deal with."""

    @abstractmethod
    def ahead(self, graph: oir.Graph, image: oir.Value) -> list[oir.Node]:
        """What comes in front of both branches; the last node gives the second branch, in calibration, its
        part of the image."""

    @abstractmethod
    def selection(self, graph: oir.Graph, one: oir.Value, other: oir.Value) -> oir.Node:
        """The node that joins the branches."""


@dataclass(frozen=True, eq=False)
class ByPosition(Choice):
    """Where ``mask``, of a shape that broadcasts to the tensor's, is True, it is the first branch. The second
    needs of the image where ``seen``, bool of its shape, is True; all other elements are ``rest`` to it."""

    mask: np.ndarray
    seen: np.ndarray
    rest: float

    def ahead(self, graph: oir.Graph, image: oir.Value) -> list[oir.Node]:
        seen = add_constant(graph, self.seen, f"{image.name}_seen")
        return [oir.node("Where", [seen, image, rest_of(graph, image, self.rest)])]

    def selection(self, graph: oir.Graph, one: oir.Value, other: oir.Value) -> oir.Node:
        return oir.node("Where", [add_constant(graph, self.mask, f"{one.name}_patches"), one, other])


def rest_of(graph: oir.Graph, image: oir.Value, rest: float) -> oir.Value:
    """What calibration shows of the image in place of what does not matter."""
    filled = np.full((1,) * len(shape_of(image)), rest, np.float32)
    return add_constant(graph, filled, f"{image.name}_rest")


def split(model: oir.Model, tensor: str, source: str, choice: Choice) -> oir.Model:
    """A copy of the float ``model`` in which all that computes ``tensor`` of the image ``source`` is there
    twice. Those who read it get of each pixel what the branch of ``choice`` computes. Names of nodes and
    tensors of the second branch end with ``TWIN``.

    Calibration shows to the second branch only what it has to deal with. A model that comes from it is one
    without these masks.
    """
    copy = model.clone()
    graph = copy.graph
    values = oir.convenience.create_value_mapping(graph)
    end = values[tensor]
    stage = stage_nodes(end)
    last = stage[-1]
    twins: dict[oir.Value, oir.Value] = {}
    image = values[source]
    ahead = choice.ahead(graph, image)
    graph.insert_before(stage[0], ahead)
    _named_like(graph, ahead[-1], image, "limited")
    mark(ahead[-1])
    twins[image] = ahead[-1].outputs[0]
    for node in stage:
        twin = _twin(graph, node, twins)
        graph.insert_after(last, twin)
        last = twin
        twins.update(zip(node.outputs, twin.outputs, strict=True))
    selection = choice.selection(graph, end, twins[end])
    _named_like(graph, selection, end, "select", "ed")
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


def _twin(graph: oir.Graph, node: oir.Node, twins: Mapping[oir.Value, oir.Value]) -> oir.Node:
    """``node`` once more, on the operands of the second branch; constants are the same."""
    operands = [None if value is None else twins.get(value, value) for value in node.inputs]
    attributes = list(node.attributes.values())
    made = oir.Node(
        node.domain, node.op_type, operands, attributes,
        name=f"{node.name}{TWIN}", num_outputs=len(node.outputs),
    )  # fmt: skip
    for mine, other in zip(made.outputs, node.outputs, strict=True):
        _typed_like(graph, mine, other, f"{other.name}{TWIN}")
    return made


def _named_like(graph: oir.Graph, node: oir.Node, like: oir.Value, what: str, made: str = "") -> None:
    """The node that makes of ``like`` another tensor of its kind."""
    node.name = f"{like.name}_{what}"
    _typed_like(graph, node.outputs[0], like, f"{like.name}_{what}{made}")


def _typed_like(graph: oir.Graph, value: oir.Value, like: oir.Value, name: str) -> None:
    value.name = unique_name(graph, name)
    value.type, value.shape = like.type, like.shape
