"""Model-local functions that tinyc has kernels for: a model gets those that its nodes call, and one that it
brings must compute what tinyc's of that name does."""

from __future__ import annotations

from collections.abc import Callable, Collection

import onnx
import onnx_ir as oir

from ..ir.errors import ModelError
from .onnx_graph import quoted


def add_functions(
    model: oir.Model, domain: str, names: Collection[str], written: Callable[[str], onnx.FunctionProto]
) -> None:
    """Gives ``model`` what ``written`` makes of those ``names`` of functions of ``domain``, in its version 1,
    that its nodes call."""
    called = {node.op_type for node in model.graph if node.domain == domain}
    for name in sorted(called.intersection(names)):
        function = oir.serde.deserialize_function(written(name))
        model.functions[function.identifier()] = function
        model.opset_imports[domain] = 1


def require_same(function: oir.Function, known: onnx.FunctionProto) -> None:
    """ModelError unless ``function`` computes what ``known`` does: tinyc's kernels would not do what it says.
    Its nodes may be named as they like."""
    if _computation(function) != _computation(oir.serde.deserialize_function(known)):
        raise ModelError(
            f"The model's function {function.name} is not tinyc's of that name",
            where=f"function {quoted(function.name)} of the domain {function.domain}",
            why="its body differs from that which tinyc writes",
            remedy="let tinyc write it, or give it another domain: it is inlined then",
        )


def _computation(function: oir.Function) -> list[object]:
    """What a function computes: its signature and its nodes in order, whatever their values are called."""
    numbers: dict[oir.Value | None, int] = {None: -1}
    for value in function.inputs:
        numbers[value] = len(numbers)
    made: list[object] = [len(function.inputs), sorted(function.attributes)]
    for node in function:
        for value in node.outputs:
            numbers[value] = len(numbers)
        attributes = sorted((a.name, str(a.ref_attr_name or a.value)) for a in node.attributes.values())
        operands = [numbers.get(value) for value in node.inputs]
        made.append((node.domain, node.op_type, operands, len(node.outputs), attributes))
    return [*made, [numbers.get(value) for value in function.outputs]]
