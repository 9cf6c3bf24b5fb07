"""Small tools for graphs: names, and parts as models of their own."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as oir


def name_of(value: oir.Value | None) -> str:
    """The name of a value, which every value of a loaded model has."""
    assert value is not None and value.name is not None
    return value.name


def exposing(model: oir.Model, tensors: Sequence[str]) -> oir.Model:
    """A copy of ``model`` whose outputs are ``tensors``."""
    copy = model.clone()
    values = oir.convenience.create_value_mapping(copy.graph)
    copy.graph.outputs[:] = [values[name] for name in tensors]
    return copy


def excerpt(
    model: oir.Model, nodes: Sequence[oir.Node], inputs: Sequence[str], outputs: Sequence[str]
) -> oir.Model:
    """A model of ``nodes`` alone, from ``inputs`` (activations or initializers) to ``outputs``."""
    values = oir.convenience.create_value_mapping(model.graph)
    read = dict.fromkeys(value for node in nodes for value in node.inputs if value is not None)
    constants = [v for v in read if v.is_initializer() and v.name not in inputs]
    view = oir.GraphView(
        [values[name] for name in inputs],
        [values[name] for name in outputs],
        nodes=nodes,
        initializers=constants,
        opset_imports=model.graph.opset_imports,
        name="excerpt",
    )
    functions = tuple(model.functions.values())
    return oir.Model(view.clone(), ir_version=model.ir_version, functions=functions)
