"""Putting nodes in the place of one that stands for them, as its body of other operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
import onnx_ir as oir
import onnx_ir.passes.common as common

from ..onnx_edit import unique_name
from ..onnx_graph import IR_VERSION, graph_of
from ..onnx_infer import schema_of, type_proto

EXPANDED = frozenset({
    "AffineGrid", "Attention", "BlackmanWindow", "CastLike", "CausalConvWithState", "CenterCropPad",
    "DynamicQuantizeLinear", "HammingWindow", "HannWindow", "LinearAttention", "MeanVarianceNormalization",
    "NegativeLogLikelihoodLoss", "Range", "RotaryEmbedding", "SoftmaxCrossEntropyLoss", "SwiGLU",
})  # fmt: skip
"""Operators without a kernel which ONNX defines by a function of others."""

DOMAIN = "tinyc.expanded"
"""Of nodes that stand for others while a model is imported."""


def is_expanded(node: oir.Node) -> bool:
    """Whether ``node`` has no kernel but a body: LayerNormalization has none for its mean and deviation."""
    several = node.op_type == "LayerNormalization" and any(output.name for output in node.outputs[1:])
    return node.op_type in EXPANDED or several


def expand(node: oir.Node, opset: int) -> tuple[list[oir.Node], int]:
    """Put the body that ONNX gives for the operator at ``opset`` in place of ``node``, one of ``EXPANDED``.

    The nodes that it brought, and the opset that they are written for. No nodes where ONNX has no body for
    these operands. The types of the operands must be known.
    """
    body = _body(node, opset)
    if body is None:
        return [], opset
    version = next(entry.version for entry in body.opset_import if entry.domain == "")
    _add_defaults(node, body, opset)
    return splice(node, *taken_out(graph_of(node), _called(node, body, version))), version


def taken_out(graph: oir.Graph, inner: oir.Graph) -> tuple[list[oir.Node], list[oir.Value]]:
    """The nodes of ``inner``, which are in no graph then, and its results; its initializers are those of
    ``graph``."""
    for value in list(inner.initializers.values()):
        del inner.initializers[str(value.name)]
        value.name = unique_name(graph, str(value.name))
        graph.register_initializer(value)
    nodes, results = list(inner), list(inner.outputs)
    inner.outputs.clear()
    for moved in nodes:
        inner.remove(moved)
    return nodes, results


def splice(node: oir.Node, nodes: Sequence[oir.Node], results: Sequence[oir.Value]) -> list[oir.Node]:
    """Put ``nodes``, which are in no graph, in place of ``node``; ``results`` are its named outputs now.

    All nodes that came to the graph: those that nobody reads do not, names of nodes and values are made
    unique.
    """
    graph = graph_of(node)
    nodes = _read(nodes, results)
    for moved in nodes:
        for output in moved.outputs:
            wanted = output.name or f"{node.name}_{moved.op_type}_output"
            output.name = unique_name(graph, wanted) if output.uses() or output in results else ""
        graph.insert_before(node, moved)
    carriers = _carry(node, results)
    graph.remove(node, safe=True)
    return [*nodes, *carriers]


def _read(nodes: Sequence[oir.Node], results: Sequence[oir.Value]) -> list[oir.Node]:
    """Those of ``nodes``, in order, that ``results`` depend on."""
    found: list[oir.Node] = []
    for node in reversed(nodes):
        if any(output.uses() or output in results for output in node.outputs):
            found.append(node)
        else:
            _let_go(node)
    return found[::-1]


def _let_go(node: oir.Node) -> None:
    """Let nothing know the operands of ``node``, and of what is in its bodies, as read."""
    for attribute in node.attributes.values():
        if attribute.type == oir.AttributeType.GRAPH:
            for inner in attribute.as_graph().all_nodes():
                _let_go(inner)
    for index in range(len(node.inputs)):
        node.replace_input_with(index, None)


def _body(node: oir.Node, opset: int) -> onnx.FunctionProto | None:
    schema: Any = schema_of(node, opset)  # onnx has no types for what it says of functions
    if schema is None:
        return None
    types = [onnx.TypeProto() if value is None else type_proto(value) for value in node.inputs]
    call = oir.serde.serialize_node(node).SerializeToString()
    for version in reversed(schema.context_dependent_function_opset_versions):
        if version <= opset:
            text = schema.get_context_dependent_function_with_opset_version(
                version, call, [proto.SerializeToString() for proto in types]
            )
            return onnx.FunctionProto.FromString(text) if text else None
    for version in reversed(schema.function_opset_versions):
        if version <= opset:
            return onnx.FunctionProto.FromString(schema.get_function_with_opset_version(version))
    return None


def _add_defaults(node: oir.Node, body: onnx.FunctionProto, opset: int) -> None:
    """Give ``node`` the attributes that the body refers to and the model leaves at their defaults."""
    schema = schema_of(node, opset)
    for name in body.attribute:
        default = None if schema is None else schema.attributes[name].default_value
        if name not in node.attributes and default is not None and default.type:
            node.attributes.add(oir.serde.deserialize_attribute(default))


def _called(node: oir.Node, body: onnx.FunctionProto, version: int) -> oir.Graph:
    """A graph of the body's nodes, which read the operands of ``node``."""
    body.domain = DOMAIN
    # A body has no nodes for results that nobody asked for.
    del body.output[len(node.outputs) :]
    body.output[:] = [name for name, output in zip(body.output, node.outputs, strict=True) if output.name]
    given = [None if value is None else oir.val(f"operand_{i}") for i, value in enumerate(node.inputs)]
    # The body is of a newer or older version than the model: a model of its own keeps them apart.
    call = oir.Node(DOMAIN, body.name, given, list(node.attributes.values()), num_outputs=len(body.output))
    graph = oir.Graph(
        [value for value in given if value is not None],
        list(call.outputs),
        nodes=[call],
        opset_imports={"": version, DOMAIN: 1},
    )
    model = oir.Model(graph, ir_version=IR_VERSION, functions=[oir.serde.deserialize_function(body)])
    common.InlinePass()(model)
    common.RemoveUnusedNodesPass()(model)  # bodies have branches that these operands do not take
    operands = [value for value in node.inputs if value is not None]
    for value, operand in zip(list(graph.inputs), operands, strict=True):
        value.replace_all_uses_with(operand, replace_graph_outputs=True)
    return graph


def _carry(node: oir.Node, results: Sequence[oir.Value]) -> list[oir.Node]:
    """Identities that give ``results`` the names and the readers of the outputs of ``node``."""
    carriers: list[oir.Node] = []
    named = [output for output in node.outputs if output.name]
    for output, result in zip(named, results, strict=True):
        carrier = oir.node("Identity", [result], name=f"{node.name}_result")
        name, output.name = str(output.name), f"{output.name}\0inlined"
        carrier.outputs[0].name = name
        graph_of(node).insert_before(node, carrier)
        output.replace_all_uses_with(carrier.outputs[0], replace_graph_outputs=True)
        carriers.append(carrier)
    return carriers
