"""Where a graph spikes: which tensors are 0 or 1, and which sums are currents of neurons.

What is found holds for float models and for quantized ones, in which weights and states come through
DequantizeLinear.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import onnx_ir as oir

from ..onnx_graph import SPIKING_DOMAIN, is_constant_like, producer, used_once
from ..state_pairs import state_pairs
from .encoders import is_encoder
from .neurons import NEURONS
from .rate_pool import is_rate_pool

_MOVING = frozenset(("Concat", "Identity", "MaxPool", "Reshape", "Slice", "Transpose"))
"""Operators whose results are spikes where all that they move is."""
_LINEAR = frozenset(("Conv", "Gemm", "MatMul"))


@dataclass(frozen=True)
class Spiking:
    """What spiking is in a graph; tensors are known by name, so that it holds for copies of the model.

    ``spikes`` are tensors of 0 and 1. ``currents`` are sums of weights of spikes that one neuron reads and
    nobody else. ``terms`` has by neuron (the name of its first result) the tensors of which its current is
    the sum, ``sums`` the results of the Add nodes between.
    """

    spikes: frozenset[str]
    currents: frozenset[str]
    terms: Mapping[str, tuple[str, ...]]
    sums: frozenset[str]


def is_neuron(node: oir.Node) -> bool:
    """True for a call of one of the neurons' functions."""
    return node.domain == SPIKING_DOMAIN and node.op_type in NEURONS


def state_operands(node: oir.Node) -> list[tuple[oir.Value, oir.Value]]:
    """The operands of a neuron that are its state, each with its new value."""
    neuron = NEURONS[node.op_type]
    before = node.inputs[1 : 1 + len(neuron.state)]
    after = node.outputs[neuron.spikes : neuron.spikes + len(neuron.state)]
    return [(old, new) for old, new in zip(before, after, strict=True) if old is not None]


def spiking_of(model: oir.Model, neurons: Collection[oir.Node] | None = None) -> Spiking:
    """The facts about ``model``, whose nodes are in topological order, as far as they follow from these
    neurons, or all. A graph input is spikes where it is a state whose next value is; so is what a Cast makes
    of booleans that the caller gives."""
    if neurons is None:
        neurons = {node for node in model.graph if is_neuron(node)}
    outputs = {str(value.name): value for value in model.graph.outputs}
    pairs = {pair.input: str(outputs[pair.output].name) for pair in state_pairs(model)}
    assumed = set(pairs)
    while True:
        spikes = _spikes(model.graph, frozenset(assumed), neurons)
        confirmed = {name for name in assumed if pairs[name] in spikes}
        if confirmed == assumed:
            return _facts(model.graph, spikes, neurons)
        assumed = confirmed


def _spikes(graph: oir.Graph, given: frozenset[str], neurons: Collection[oir.Node]) -> frozenset[str]:
    found = set(given)
    for node in graph:
        given_or_coded = is_encoder(node) or _is_given(node)
        if (node in neurons and NEURONS[node.op_type].spikes) or (neurons and given_or_coded):
            found.add(str(node.outputs[0].name))
        elif is_rate_pool(node) or (node.domain == "" and node.op_type in _MOVING and len(node.outputs) == 1):
            moved = node.inputs if node.op_type == "Concat" else node.inputs[:1]
            if all(value is not None and value.name in found for value in moved):
                found.add(str(node.outputs[0].name))
    return frozenset(found)


def _is_given(node: oir.Node) -> bool:
    """Whether the node makes numbers of a graph input of booleans: of spikes that the caller gives."""
    source = node.inputs[0] if node.op_type == "Cast" else None
    return source is not None and source.is_graph_input() and source.dtype == oir.DataType.BOOL


def _facts(graph: oir.Graph, spikes: frozenset[str], neurons: Collection[oir.Node]) -> Spiking:
    currents: set[str] = set()
    terms: dict[str, tuple[str, ...]] = {}
    sums: set[str] = set()
    for node in graph:
        if node not in neurons or node.inputs[0] is None:
            continue
        added = list(_terms(node.inputs[0], sums))
        terms[str(node.outputs[0].name)] = tuple(str(value.name) for value in added)
        currents.update(str(value.name) for value in added if _is_current(value, spikes))
    return Spiking(spikes, frozenset(currents), terms, frozenset(sums))


def _terms(value: oir.Value, sums: set[str]) -> list[oir.Value]:
    """What ``value`` is the sum of: Add nodes are taken apart where nobody else reads their results."""
    node = producer(value, "Add")
    if node is None or not used_once(value) or value.shape is None:
        return [value]
    operands = [operand for operand in node.inputs if operand is not None]
    if any(is_constant_like(v) or v.shape != value.shape for v in operands) or operands[0] is operands[1]:
        return [value]
    sums.add(str(value.name))
    return [term for operand in operands for term in _terms(operand, sums)]


def _is_current(value: oir.Value, spikes: frozenset[str]) -> bool:
    """True for what a layer with constant weights makes of spikes, where nobody else reads it."""
    layer = layer_of(value)
    if layer is None or not used_once(value):
        return False
    node, _ = layer
    source, weight = node.inputs[:2]
    if source is None or source.name not in spikes or weight is None or weight.shape is None:
        return False
    plain = node.attributes.get_int("transA", 0) == 0 and (node.op_type == "Conv" or len(weight.shape) == 2)
    return plain and all(operand is None or is_constant_like(operand) for operand in node.inputs[1:])


def layer_of(value: oir.Value) -> tuple[oir.Node, oir.Value | None] | None:
    """The Conv, Gemm or MatMul that makes ``value``, and the bias that a node of its own adds to a MatMul."""
    adding = producer(value, "Add")
    if adding is None:
        node = producer(value, *_LINEAR)
        return None if node is None else (node, None)
    sums = [v for v in adding.inputs if v is not None and not is_constant_like(v)]
    node = producer(sums[0], "MatMul") if len(sums) == 1 and used_once(sums[0]) else None
    bias = next((v for v in adding.inputs if v not in sums), None)
    return None if node is None or bias is None else (node, bias)
