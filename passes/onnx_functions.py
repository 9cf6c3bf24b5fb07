"""Model-local functions that tinyc has kernels for: a model's own must compute what these do."""

from __future__ import annotations

import onnx
import onnx_ir as oir

from ..ir.errors import ModelError
from .onnx_graph import quoted


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
