"""Walks a graph once, forwards, and collects what is known of every tensor's channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np
import onnx_ir as oir

from ..onnx_graph import constant, has_known_domain
from .facts import FLOAT_MAGNITUDE, Atoms, Facts, Ints
from .layers import Layer
from .parameters import parameter_of, shape_of


@dataclass(frozen=True, eq=False)
class Tie:
    """A constant operand that has one index per channel: ``atoms`` along ``axis`` of input ``index``."""

    node: oir.Node
    index: int
    axis: int
    atoms: Ints


@dataclass(eq=False)
class Analysis:
    """All facts of one graph: tensors, layers, constants tied to channels, operands that state a shape."""

    atoms: Atoms = field(default_factory=Atoms)
    facts: dict[oir.Value, Facts] = field(default_factory=dict[oir.Value, Facts])
    layers: list[Layer] = field(default_factory=list[Layer])
    ties: list[Tie] = field(default_factory=list[Tie])
    shapes: list[tuple[oir.Node, int]] = field(default_factory=list[tuple[oir.Node, int]])

    def of(self, value: oir.Value | None) -> Facts:
        """Facts of an operand; a constant or a value from elsewhere is one atom that cannot be removed."""
        assert value is not None
        if value not in self.facts:
            self.facts[value] = self._elsewhere(value)
        return self.facts[value]

    def along(self, value: oir.Value | None, axis: int) -> Facts:
        """Facts of an operand with ``axis`` as its channels; where they lie elsewhere, none can be removed.

        The size of ``axis`` must be known.
        """
        facts, shape = self.of(value), shape_of(value)
        if facts.axis == axis:
            return facts
        assert shape is not None
        self.atoms.pin(facts.atoms)
        count = shape[axis]
        ends = np.full(count, facts.lo.min()), np.full(count, facts.hi.max())
        return Facts(axis, self.atoms.pinned(count), *ends)

    def spread(self, value: oir.Value | None) -> Facts:
        """Facts of an operand as one atom that cannot be removed, with the range of all its elements."""
        facts = self.of(value)
        self.atoms.pin(facts.atoms)
        return self.uniform(float(facts.lo.min()), float(facts.hi.max()))

    def uniform(self, lo: float, hi: float) -> Facts:
        """Facts of a tensor without channels whose elements lie between ``lo`` and ``hi``."""
        return Facts(None, self.atoms.pinned(1), np.array([lo]), np.array([hi]))

    def _elsewhere(self, value: oir.Value) -> Facts:
        parameter = parameter_of(value)
        if parameter is not None and parameter.values.size and parameter.values.dtype.kind in "iuf":
            return self.uniform(float(parameter.real.min()), float(parameter.real.max()))
        return self.uniform(*range_of(value.dtype))


Rule = Callable[[oir.Node, Analysis], Facts | None]
"""Gives the facts of a node's only output, or None (before it has changed the analysis) to decline."""


def range_of(dtype: oir.DataType | None) -> tuple[float, float]:
    """Least and greatest value of an element type; for floats, the bound taken for unknown ones."""
    if dtype is not None and dtype.is_integer():
        info = ml_dtypes.iinfo(dtype.numpy())
        return float(info.min), float(info.max)
    return (0.0, 1.0) if dtype == oir.DataType.BOOL else (-FLOAT_MAGNITUDE, FLOAT_MAGNITUDE)


def analyse(graph: oir.Graph, rules: Mapping[str, Rule]) -> Analysis:
    """Facts of ``graph``, whose nodes are in execution order; ``rules`` are by operator."""
    analysis = Analysis()
    for node in graph:
        if all(value is None or constant(value) is not None for value in node.inputs):
            continue  # a parameter, read where it is used
        rule = rules.get(node.op_type) if has_known_domain(node) else None
        facts = rule(node, analysis) if rule is not None and len(node.outputs) == 1 else None
        if facts is None:
            _opaque(node, analysis)
        else:
            analysis.facts[node.outputs[0]] = _checked(node.outputs[0], facts, analysis)
    for value, facts in list(analysis.facts.items()):
        if value.is_graph_output() or any(use.node.graph is not graph for use in value.uses()):
            analysis.atoms.pin(facts.atoms)
    return analysis


def _opaque(node: oir.Node, analysis: Analysis) -> None:
    """An operator without a rule needs all of its operands as they are."""
    for value in node.inputs:
        if value is not None:
            analysis.spread(value)


def _checked(value: oir.Value, facts: Facts, analysis: Analysis) -> Facts:
    """``facts``, unless the tensor's shape is unknown or says otherwise: then nothing can be removed."""
    shape = shape_of(value)
    if facts.axis is None or (shape is not None and shape[facts.axis] == len(facts.atoms)):
        return facts
    analysis.atoms.pin(facts.atoms)
    return analysis.uniform(float(facts.lo.min()), float(facts.hi.max()))
