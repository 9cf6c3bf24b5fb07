"""Pieces of a graph that compute one tensor from one other tensor, and what they compute.

Exporters write hard-swish, GELU or layer normalization in many shapes: factors in any order, a quotient or
a product with the reciprocal, a square as Pow or Mul. All of them are the same function, so the function is
what is compared, not the shape: a piece is evaluated in float64 and its values are held against those of
the operator that it may stand for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..onnx_graph import Array, constant, input_at, integers, is_float, is_understood

Operands = list[Array]

_erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(−x)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) without overflow."""
    return np.logaddexp(0, x)


def erf(x: Array) -> Array:
    """The error function, element by element."""
    return _erf(x)


def _clip(node: oir.Node, x: Operands) -> Array:
    low = x[1] if input_at(node, 1) is not None else -np.inf
    high = x[-1] if input_at(node, 2) is not None else np.inf
    return np.clip(x[0], low, high)


def _hard_sigmoid(node: oir.Node, x: Operands) -> Array:
    alpha, beta = node.attributes.get_float("alpha", 0.2), node.attributes.get_float("beta", 0.5)
    return np.clip(alpha * x[0] + beta, 0, 1)


def _mean(node: oir.Node, x: Operands) -> Array:
    axes = integers(input_at(node, 1))
    keep = bool(node.attributes.get_int("keepdims", 1))
    return x[0].mean(axis=tuple(axes) if axes else None, keepdims=keep)


def _pooled(node: oir.Node, x: Operands) -> Array:
    return x[0].mean(axis=tuple(range(2, x[0].ndim)), keepdims=True)


def _plain(function: Callable[..., Array]) -> Callable[[oir.Node, Operands], Array]:
    return lambda _, operands: function(*operands)


FLOAT64: Mapping[str, Callable[[oir.Node, Operands], Array]] = {
    "Abs": _plain(np.abs),
    "Add": _plain(np.add),
    "Clip": _clip,
    "Div": _plain(np.divide),
    "Erf": _plain(erf),
    "Exp": _plain(np.exp),
    "GlobalAveragePool": _pooled,
    "HardSigmoid": _hard_sigmoid,
    "Log": _plain(np.log),
    "Max": _plain(np.maximum),
    "Min": _plain(np.minimum),
    "Mul": _plain(np.multiply),
    "Neg": _plain(np.negative),
    "Pow": _plain(np.power),
    "ReduceMean": _mean,
    "Reciprocal": _plain(np.reciprocal),
    "Relu": lambda _, operands: np.maximum(operands[0], 0),
    "Sigmoid": _plain(sigmoid),
    "Softplus": _plain(softplus),
    "Sqrt": _plain(np.sqrt),
    "Sub": _plain(np.subtract),
    "Tanh": _plain(np.tanh),
}
"""What the operators that may occur inside a region compute, in float64."""

_MAX_NODES = 24


@dataclass(frozen=True)
class Region:
    """``nodes`` (the last one first) compute the first output of ``nodes[0]`` from ``source`` and constants
    alone, and nobody outside reads what lies between."""

    source: oir.Value
    nodes: tuple[oir.Node, ...]

    @property
    def output(self) -> oir.Value:
        return self.nodes[0].outputs[0]

    def operators(self) -> set[str]:
        """The operators that occur in it."""
        return {node.op_type for node in self.nodes}

    def constants(self) -> list[Array]:
        """The float constants that its nodes read, float64, in the order of evaluation."""
        arrays = [constant(v) for node in reversed(self.nodes) for v in node.inputs if is_float(v)]
        return [array.astype(np.float64) for array in arrays if array is not None]

    def evaluate(self, x: Array) -> Array:
        """The output for ``x`` (float64, broadcasting as ``source`` does)."""
        values: dict[oir.Value, Array] = {self.source: x}
        with np.errstate(all="ignore"):
            for node in reversed(self.nodes):
                operands = [_operand(value, values) for value in node.inputs if value is not None]
                values[node.outputs[0]] = FLOAT64[node.op_type](node, operands)
        return values[self.output]

    def main_node(self, *operators: str) -> oir.Node:
        """The node whose operator comes first in ``operators``, to name the whole after; else the last."""
        for operator in operators:
            for node in reversed(self.nodes):
                if node.op_type == operator:
                    return node
        return self.nodes[0]


def _operand(value: oir.Value, values: Mapping[oir.Value, Array]) -> Array:
    if value in values:
        return values[value]
    array = constant(value)
    assert array is not None
    return array.astype(np.float64)


def regions(node: oir.Node, positions: Mapping[oir.Node, int], operators: frozenset[str]) -> Iterator[Region]:
    """All regions that end in ``node`` and consist of ``operators``, the smallest first.

    ``positions`` holds each node's place in the order of execution.
    """
    frontier, inside = {node.outputs[0]}, list[oir.Node]()
    while len(inside) < _MAX_NODES:
        makers = [value.producer() for value in frontier]
        known = [maker for maker in makers if maker is not None and maker in positions]
        if not known:
            return
        # The value that is made last cannot lie before another one of the frontier: it must be opened.
        last = max(known, key=positions.__getitem__)
        if last.op_type not in operators or not is_understood(last) or not is_float(last.outputs[0]):
            return
        inside.append(last)
        frontier.discard(last.outputs[0])
        frontier |= {value for value in last.inputs if value is not None and not value.is_initializer()}
        if len(frontier) == 1 and _is_closed(inside):
            yield Region(next(iter(frontier)), tuple(inside))


def _is_closed(nodes: list[oir.Node]) -> bool:
    members = set(nodes)
    return all(
        not inner.outputs[0].is_graph_output() and set(inner.outputs[0].consumers()) <= members
        for inner in nodes[1:]
    )
