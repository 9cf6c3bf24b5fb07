"""State pairs of a graph: an input that holds what an output left one time step before."""

from __future__ import annotations

import re

import onnx_ir as oir

from ..onnx_edit import unique_name
from ..onnx_graph import Array

_SEPARATORS = re.compile("[:,]")
STATES_KEY = "tinyc.states"
"""metadata_props: state pairs as ``INPUT:OUTPUT,…``."""


def add_state(model: oir.Model, name: str, initial: Array) -> oir.Value:
    """A new graph input, named like ``name``, that holds ``initial`` at the first time step."""
    graph = model.graph
    name = unique_name(graph, _SEPARATORS.sub("_", name))
    tensor = oir.Tensor(initial, name=name)
    value = oir.Value(
        name=name, shape=oir.Shape(initial.shape), type=oir.TensorType(tensor.dtype), const_value=tensor
    )
    graph.inputs.append(value)
    graph.register_initializer(value)
    return value


def keep_state(model: oir.Model, before: oir.Value, after: oir.Value) -> None:
    """Makes ``after``, which it names, the value that the state ``before`` has in the next time step."""
    after.name = unique_name(model.graph, f"{before.name}_next")
    model.graph.outputs.append(after)
    pairs = model.metadata_props.get(STATES_KEY)
    pair = f"{before.name}:{after.name}"
    model.metadata_props[STATES_KEY] = pair if pairs is None else f"{pairs},{pair}"


def state_pairs(model: oir.Model) -> list[tuple[str, str]]:
    """Names of input and output of each state of ``model``."""
    pairs = model.metadata_props.get(STATES_KEY, "").split(",")
    return [(before, after) for before, colon, after in (pair.partition(":") for pair in pairs) if colon]
