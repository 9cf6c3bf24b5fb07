"""Applying local rewrite rules until none applies any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import onnx_ir as oir

from ..onnx_graph import is_understood, quoted

Rule = Callable[[oir.Node], bool]
"""Looks at one node and may rewrite it and its surroundings; True where it changed anything."""

Rules = Mapping[str, Sequence[Rule]]
"""Rules by the operator that they look at, tried in order."""


def merge(*tables: Rules) -> dict[str, list[Rule]]:
    """One table of several; where two have rules for an operator, those of the first come first."""
    merged: dict[str, list[Rule]] = {}
    for table in tables:
        for operator, rules in table.items():
            merged.setdefault(operator, []).extend(rules)
    return merged


def rewrite(graph: oir.Graph, rules: Rules) -> None:
    """Sweep over the nodes, operands first, until a sweep changes nothing."""
    for _ in range(len(graph) + 100):
        if not _sweep(graph, rules):
            return
    raise AssertionError(f"rewrite rules of graph {quoted(graph.name)} undo each other")


def _sweep(graph: oir.Graph, rules: Rules) -> bool:
    changed = False
    for node in tuple(graph):
        operator = node.op_type
        understood = node.graph is graph and is_understood(node)
        for rule in rules.get(operator, ()) if understood else ():
            if rule(node):
                changed = True
                # The rule may have removed the node, or turned it into an operator with other rules.
                if node.graph is not graph or node.op_type != operator:
                    break
    return changed
