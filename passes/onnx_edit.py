"""Changing an ONNX graph node by node, with names, types and dead code kept in order."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx_ir as oir

from .onnx_graph import Array, graph_of
from .onnx_infer import infer

Operand = oir.Value | None


_NAMES = "tinyc.names"


@contextmanager
def remembered_names(graph: oir.Graph) -> Generator[None, None, None]:
    """Within it, ``unique_name`` need not walk over the graph: all new names must come from there."""
    graph.meta[_NAMES] = _value_names(graph)
    try:
        yield
    finally:
        del graph.meta[_NAMES]


def unique_name(graph: oir.Graph, wanted: str) -> str:
    """``wanted``, or ``wanted_2``, ``wanted_3``, …: the first that names no value of the graph."""
    remembered = graph.meta.get(_NAMES)
    name = _free(wanted, _value_names(graph) if remembered is None else remembered)
    if remembered is not None:
        remembered.add(name)
    return name


def _value_names(graph: oir.Graph) -> set[str]:
    names = set(graph.initializers)
    names.update(str(value.name) for value in graph.inputs)
    names.update(str(value.name) for node in graph for value in node.outputs)
    return names


def add_constant(graph: oir.Graph, array: Array, name: str) -> oir.Value:
    """A new initializer. Initializers are never changed in place, since several nodes may share one."""
    name = unique_name(graph, name)
    tensor = oir.Tensor(np.ascontiguousarray(array).reshape(array.shape), name=name)
    value = oir.Value(
        name=name, shape=oir.Shape(array.shape), type=oir.TensorType(tensor.dtype), const_value=tensor
    )
    graph.register_initializer(value)
    return value


def add_integers(graph: oir.Graph, numbers: Sequence[int], name: str) -> oir.Value:
    """A new one-dimensional int64 initializer."""
    return add_constant(graph, np.asarray(numbers, np.int64).reshape(-1), name)


def emit(
    before: oir.Node,
    operator: str,
    inputs: Sequence[Operand],
    attributes: Mapping[str, Any] | None = None,
    *,
    name: str,
    domain: str = "",
) -> oir.Value:
    """The output of a new node in front of ``before``, its type and shape inferred where ``domain`` is ONNX's
    own."""
    (output,) = emit_several(before, operator, inputs, attributes, name=name, wanted=[True], domain=domain)
    assert output is not None
    return output


def emit_several(
    before: oir.Node,
    operator: str,
    inputs: Sequence[Operand],
    attributes: Mapping[str, Any] | None = None,
    *,
    name: str,
    wanted: Sequence[bool],
    domain: str = "",
) -> list[oir.Value | None]:
    """The outputs of a new node in front of ``before``; None for those that are not wanted."""
    graph = graph_of(before)
    node = oir.Node(
        domain, operator, list(inputs), _attributes(attributes), num_outputs=len(wanted), name=name
    )
    for index, output in enumerate(node.outputs):
        own = f"{name}_output" if index == 0 else f"{name}_output_{index}"
        output.name = unique_name(graph, own) if wanted[index] else ""
    graph.insert_before(before, node)
    infer(node)
    return [output if output.name else None for output in node.outputs]


def become(
    node: oir.Node,
    operator: str,
    inputs: Sequence[Operand],
    attributes: Mapping[str, Any] | None = None,
    *,
    domain: str = "",
    name: str | None = None,
) -> None:
    """Turn ``node`` into another operator that computes the same output; what fed it alone is removed."""
    before = [value for value in node.inputs if value is not None]
    node.op_type, node.domain = operator, domain
    node.attributes.clear()
    for attribute in _attributes(attributes):
        node.attributes.add(attribute)
    set_inputs(node, inputs)
    if name is not None:
        node.name = name
    for value in before:
        prune(value)


def _attributes(values: Mapping[str, Any] | None) -> list[oir.Attr]:
    return [_attribute(name, value) for name, value in (values or {}).items()]


def _attribute(name: str, value: Any) -> oir.Attr:
    """The ONNX attribute of a plain value; a list without elements is one of integers."""
    if isinstance(value, int):
        return oir.AttrInt64(name, value)
    if isinstance(value, (list, tuple)) and all(isinstance(item, int) for item in value):
        return oir.AttrInt64s(name, value)
    return oir.convenience.convert_attribute(name, value)


def set_inputs(node: oir.Node, inputs: Sequence[Operand]) -> None:
    """Give ``node`` these operands."""
    node.resize_inputs(len(inputs))
    for index, value in enumerate(inputs):
        node.replace_input_with(index, value)


def bypass(node: oir.Node, value: oir.Value) -> None:
    """Let everybody who reads ``node``'s first output read ``value`` instead, and remove the node.

    A model output keeps its name: ``value`` takes it, or, where it has a name that must stay (it is an
    input, an initializer or another output), an Identity node remains to carry the name.
    """
    output = node.outputs[0]
    others = [v for v in node.inputs if v is not None and v is not value]
    if output.is_graph_output():
        fixed = value.is_graph_input() or value.is_initializer() or value.is_graph_output()
        if fixed:
            for user, index in tuple(output.uses()):
                user.replace_input_with(index, value)
            become(node, "Identity", [value])
            return
    take_over(output, value)
    graph_of(node).remove(node, safe=True)
    for other in others:
        prune(other)


def take_over(output: oir.Value, value: oir.Value) -> None:
    """Lets everybody who reads ``output`` read ``value``, which takes its name where that is a model's."""
    if output.is_graph_output():
        name = str(output.name)
        output.name = f"{name}\0replaced"
        value.name = name
    if value.shape is None:
        value.shape, value.type = output.shape, output.type
    output.replace_all_uses_with(value, replace_graph_outputs=True)


def replace_results(node: oir.Node, results: Sequence[oir.Value | None]) -> None:
    """Lets all who read ``node`` read ``results``, where there are any, and removes it."""
    for old, new in zip(node.outputs, results, strict=True):
        if new is not None:
            take_over(old, new)
    before = [value for value in node.inputs if value is not None]
    graph_of(node).remove(node, safe=True)
    for value in before:
        prune(value)


def prune(value: oir.Value) -> None:
    """Remove what computes ``value`` where nobody reads it any more."""
    pending = [value]
    while pending:
        value = pending.pop()
        if value.uses() or value.is_graph_output() or value.is_graph_input():
            continue
        node = value.producer()
        if value.is_initializer():
            assert value.graph is not None
            del value.graph.initializers[str(value.name)]
        elif node is not None and node.graph is not None and not any(map(_is_read, node.outputs)):
            pending.extend(v for v in node.inputs if v is not None)
            graph_of(node).remove(node, safe=True)


def _is_read(value: oir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()


def name_nodes(graph: oir.Graph) -> None:
    """Give every node a name of its own, as ONNX Runtime wants it.

    A node without one becomes ``<operator>_<position>``; of two with one name, the second becomes
    ``<name>_2``.
    """
    reserved = {node.name for node in graph if node.name}
    taken: set[str] = set()
    for position, node in enumerate(graph):
        if not node.name:
            node.name = _free(f"{node.op_type}_{position}", reserved)
        elif node.name in taken:
            node.name = _free(node.name, reserved)
        taken.add(node.name)
        reserved.add(node.name)


def _free(wanted: str, taken: Set[str]) -> str:
    """``wanted``, or the first of ``wanted_2``, ``wanted_3``, … that is not taken."""
    candidate, count = wanted, 1
    while candidate in taken:
        count += 1
        candidate = f"{wanted}_{count}"
    return candidate
