"""If, by one of its branches or by both: what the condition chooses, or a selection of what both compute."""

from __future__ import annotations

import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import OPSET, describe, graph_of, scalar, shape_of
from .body import Body, operand
from .inline import DOMAIN, splice, taken_out

_CHOICE = "If"
"""In ``DOMAIN``: operands are the condition, the results of one branch, then those of the other."""
_SELECTED = (oir.DataType.FLOAT, oir.DataType.INT32, oir.DataType.INT64, oir.DataType.UINT8)
"""Element types of which ONNX Runtime has a Where."""


def inline_if(node: oir.Node) -> list[oir.Node]:
    """Put the branch that a constant condition chooses in place of an If; the nodes that it brought.

    Where the condition is computed when the model runs, so are both branches: they have no side effects. The
    last node brought then chooses between their results, once their shapes are known (see ``choose``).
    """
    if node.op_type != "If" or node.domain != "":
        return []
    found = [node.attributes.get_graph(name) for name in ("then_branch", "else_branch")]
    branches = [branch for branch in found if branch is not None and len(branch.outputs) == len(node.outputs)]
    if len(branches) < 2:
        return []  # lowering refuses it
    (nodes, one), (others, other) = (taken_out(graph_of(node), branch) for branch in branches)
    nodes, condition = [*nodes, *others], scalar(node.inputs[0])
    wanted = [index for index, output in enumerate(node.outputs) if output.name]
    if condition is not None:
        return splice(node, nodes, [(one if condition else other)[index] for index in wanted])
    operands = [node.inputs[0], *(results[index] for results in (one, other) for index in wanted)]
    choice = oir.Node(DOMAIN, _CHOICE, operands, num_outputs=len(wanted), name=node.name)
    return splice(node, [*nodes, choice], list(choice.outputs))


def choose(node: oir.Node) -> list[oir.Node]:
    """Put a Where for each result in place of the node that ``inline_if`` left; the nodes that it brought, at
    ``OPSET``, none for another node.

    Raises ModelError where the branches give tensors of other shapes or element types.
    """
    if (node.domain, node.op_type) != (DOMAIN, _CHOICE):
        return []
    body, count = Body(node, OPSET), len(node.outputs)
    condition = body.reshape(operand(node, 0), [])
    results: list[oir.Value] = []
    for index in range(1, count + 1):
        one, other = operand(node, index), operand(node, index + count)
        if (one.dtype, shape_of(one)) != (other.dtype, shape_of(other)):
            raise _differ(node, one, other)
        results.append(_where(body, condition, one, other))
    return splice(node, body.nodes, results)


def _where(body: Body, condition: oir.Value, one: oir.Value, other: oir.Value) -> oir.Value:
    if one.dtype is None or one.dtype in _SELECTED:
        return body.op("Where", condition, one, other)
    wide = [body.op("Cast", value, to=int(oir.DataType.INT64)) for value in (one, other)]
    return body.op("Cast", body.op("Where", condition, *wide), to=int(one.dtype))


def _differ(node: oir.Node, one: oir.Value, other: oir.Value) -> ModelError:
    kinds = ((value.dtype or oir.DataType.UNDEFINED).name.lower() for value in (one, other))
    found = [f"{kind} {list(shape_of(value))}" for kind, value in zip(kinds, (one, other), strict=True)]
    return ModelError(
        "The branches of an If give different tensors, and which one runs depends on the model's data",
        where=describe(node),
        why=" and ".join(found) + "; memory is planned at compile time",
        remedy="let both branches give one shape and type, make the condition an initializer, "
        "or compile each branch as a model and choose in the firmware",
    )
