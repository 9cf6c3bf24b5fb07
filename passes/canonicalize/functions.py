"""Decomposed activation functions become one operator: hard-swish, GELU, Mish, and their building blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import onnx_ir as oir

from ..onnx_edit import become
from ..onnx_graph import Array, shape_of
from .regions import FLOAT64, Region, erf, regions, sigmoid, softplus


@dataclass(frozen=True)
class _Function:
    """An ONNX operator of one operand, the real function that it is, and the operators in a decomposition
    that name the whole."""

    operator: str
    real: Callable[[Array], Array]
    named_after: tuple[str, ...]
    attributes: dict[str, object] = field(default_factory=dict[str, object])


_ROOT_2_OVER_PI = math.sqrt(2 / math.pi)

_FUNCTIONS = (
    _Function("HardSwish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1), ("HardSigmoid", "Clip", "Min", "Max")),
    _Function("Gelu", lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))), ("Erf",), {"approximate": "none"}),
    _Function(
        "Gelu",
        lambda x: 0.5 * x * (1 + np.tanh(_ROOT_2_OVER_PI * (x + 0.044715 * x**3))),
        ("Tanh", "Sigmoid"),
        {"approximate": "tanh"},
    ),
    _Function("Mish", lambda x: x * np.tanh(softplus(x)), ("Tanh", "Softplus")),
    _Function(
        "HardSigmoid",
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
        ("Clip", "Min", "Max"),
        {"alpha": 1 / 6, "beta": 0.5},
    ),
    _Function("Sigmoid", sigmoid, ("Exp",)),
    _Function("Softplus", softplus, ("Log",)),
    _Function("Softsign", lambda x: x / (1 + np.abs(x)), ("Div", "Abs")),
)

_OPERATORS = frozenset(FLOAT64) - {"ReduceMean"}
_TELLING = frozenset({
    "Abs", "Clip", "Erf", "Exp", "HardSigmoid", "Log", "Max", "Min", "Relu", "Sigmoid", "Softplus", "Tanh",
})  # fmt: skip
"""A decomposition of any of the functions holds one of these."""

_TOLERANCE = 3e-6

_GRID = np.concatenate([np.linspace(-12, 12, 481), np.geomspace(1e-6, 80, 40), -np.geomspace(1e-6, 80, 40)])


Found = TypeVar("Found")


def fuse_functions(graph: oir.Graph) -> None:
    """Replace every region of element-wise operators that computes one of the functions."""
    for region, found in recognised(graph, _recognise):
        name = region.main_node(*found.named_after).name
        become(region.nodes[0], found.operator, [region.source], found.attributes, name=name)


def recognised(
    graph: oir.Graph, recognise: Callable[[Array, Array], Found | None]
) -> Iterator[tuple[Region, Found]]:
    """Regions that compute a function of each element of their source, the last of the graph first, and what
    ``recognise`` makes of samples ``x`` and the function's values there: None where it does not know it.

    The caller may replace a region before it asks for the next one.
    """
    if not any(node.op_type in _TELLING for node in graph):
        return
    positions = {node: position for position, node in enumerate(graph)}
    for node in reversed(tuple(graph)):
        if node.graph is not graph or node.op_type not in _OPERATORS:
            continue
        for region in regions(node, positions, _OPERATORS):
            sampled = _sampled(region)
            found = None if sampled is None else recognise(*sampled)
            if found is not None:
                yield region, found
                break


def same(y: Array, wanted: Array) -> bool:
    """Whether values are equal but for the rounding of constants: those like 0.7071 come rounded to float32
    or to seven digits."""
    return np.allclose(y, wanted, rtol=_TOLERANCE, atol=_TOLERANCE)


def _sampled(region: Region) -> tuple[Array, Array] | None:
    """Samples and the region's values there; None where it cannot be a function of each element."""
    if len(region.nodes) < 2 or not region.operators() & _TELLING:
        return None
    constants = region.constants()
    if any(array.size != 1 for array in constants) or shape_of(region.source) != shape_of(region.output):
        return None
    x = _samples(constants)
    y = region.evaluate(x)
    return (x, y) if y.shape == x.shape else None


def _recognise(x: Array, y: Array) -> _Function | None:
    return next((function for function in _FUNCTIONS if same(y, function.real(x))), None)


def _samples(constants: list[Array]) -> Array:
    """The grid, and both sides of each constant, so that no bound hides beyond it."""
    numbers = np.array([float(array.reshape(())) for array in constants])
    numbers = numbers[np.isfinite(numbers) & (np.abs(numbers) < 1e4)]
    factors = (-2, -1.01, -0.99, -0.5, 0.5, 0.99, 1.01, 2)
    return np.concatenate([_GRID, *(factor * numbers for factor in factors)])
