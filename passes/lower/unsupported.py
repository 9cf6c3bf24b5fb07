"""Which operators have no kernel."""

from __future__ import annotations

import onnx_ir as oir

from ...ir.errors import ModelError
from ...kernels.registry import OPERATORS
from ..onnx_graph import FUSED_DOMAIN, PATCH_DOMAIN, SPIKING_DOMAIN, has_known_domain

_FUNCTIONS = {FUSED_DOMAIN, SPIKING_DOMAIN, PATCH_DOMAIN}
"""Domains whose operators are functions that the model brings."""
_STRUCTURAL = {"QuantizeLinear", "DequantizeLinear", "Reshape", "Transpose", "Identity"}


def unsupported_operators(model: oir.Model) -> list[oir.Node]:
    """Nodes whose operator has no kernel, in graph order."""
    known = _STRUCTURAL | OPERATORS.keys()
    return [
        node
        for node in model.graph
        if not has_known_domain(node)
        or node.op_type not in known
        or (node.domain in _FUNCTIONS and node.op_identifier() not in model.functions)
    ]


def refuse_unsupported(model: oir.Model) -> None:
    """ModelError listing every node whose operator has no kernel."""
    unknown = unsupported_operators(model)
    if not unknown:
        return
    lines = [
        f"{(node.domain + '.') if node.domain else ''}{node.op_type} (node {node.name!r})" for node in unknown
    ]
    kinds = sorted({node.op_type for node in unknown})
    raise ModelError(
        f"The model uses operators that tinyc does not know: {', '.join(kinds)}",
        where="\n".join(lines),
        why="no kernel is registered for them",
        remedy="export the model with other operators, or see docs/adding-operators.md on how to add one",
    )
