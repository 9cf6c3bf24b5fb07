"""Decomposed layer normalization becomes LayerNormalization or RMSNormalization.

Layer normalization: Ba, Kiros, Hinton, arXiv:1607.06450. RMS normalization: Zhang, Sennrich,
arXiv:1910.07467. Either is γ · n(x) + β, where n needs one number, ε: that number is among the constants
of the region, and γ and β must fit the region's values on more inputs than they have elements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..onnx_edit import add_constant, become
from ..onnx_graph import Array, graph_of, input_at, integers, shape_of
from .regions import Region, regions

_MEANS = ("ReduceMean", "GlobalAveragePool")
"""tf2onnx takes the mean of a sequence's features for the pool of an image."""
_OPERATORS = frozenset({"Add", "Div", "Mul", "Neg", "Pow", "Reciprocal", "Sqrt", "Sub", *_MEANS})
_MAX_ELEMENTS = 1 << 20
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class _Normalization:
    operator: str
    epsilon: float
    gamma: Array
    beta: Array


def fuse_normalizations(graph: oir.Graph) -> None:
    """Replace every region that normalises over its last axes."""
    if not any(node.op_type in _MEANS for node in graph):
        return
    positions = {node: position for position, node in enumerate(graph)}
    for node in reversed(tuple(graph)):
        if node.graph is not graph or node.op_type not in _OPERATORS:
            continue
        # The largest first: behind its Sub, a layer normalization is a root mean square one.
        for region in reversed(list(regions(node, positions, _OPERATORS))):
            axes = _axes(region)
            found = None if axes is None else _recognise(region, axes)
            if found is not None:
                _replace(region, found)
                break


def _axes(region: Region) -> int | None:
    """How many trailing axes every mean of the region is over; None where they differ."""
    rank = len(shape_of(region.source))
    counts: set[int | None] = set()
    for node in region.nodes:
        if node.op_type == "GlobalAveragePool":
            counts.add(rank - 2)
        elif node.op_type == "ReduceMean":
            axes = integers(input_at(node, 1))
            trailing = axes if axes == list(range(rank - len(axes or ()), rank)) else None
            counts.add(len(trailing) if trailing and node.attributes.get_int("keepdims", 1) else None)
    if len(counts) != 1 or shape_of(region.source) != shape_of(region.output):
        return None
    return counts.pop()


def _recognise(region: Region, axes: int) -> _Normalization | None:
    shape = shape_of(region.source)
    if not region.operators() & {"Sqrt", "Pow"} or np.prod(shape) > _MAX_ELEMENTS:
        return None
    random = np.random.default_rng(0)
    # Wide, narrow (there ε counts) and shifted (there the mean does).
    samples = [random.normal(shift, width, shape) for shift, width in ((0, 1), (0, 0.01), (3, 2), (-1, 0.1))]
    results = [region.evaluate(x) for x in samples]
    if any(y.shape != shape or not np.isfinite(y).all() for y in results):
        return None
    scalars = {float(array.reshape(())) for array in region.constants() if array.size == 1}
    for epsilon in sorted({0.0, *(number for number in scalars if 0 < number < 0.1)}, reverse=True):
        for operator in ("LayerNormalization", "RMSNormalization"):
            found = _fit(operator, epsilon, axes, samples, results)
            if found is not None:
                return found
    return None


def _fit(operator: str, epsilon: float, axes: int, xs: list[Array], ys: list[Array]) -> _Normalization | None:
    """γ and β by least squares over all samples, None unless every sample agrees with them."""
    last = tuple(range(-axes, 0))
    normal = np.stack([_normalized(x, last, epsilon, centred=operator == "LayerNormalization") for x in xs])
    wanted = np.stack(ys)
    over = tuple(range(normal.ndim - axes))
    mean_n, mean_y = normal.mean(over), wanted.mean(over)
    if operator == "RMSNormalization":
        gamma, beta = (normal * wanted).mean(over) / (normal**2).mean(over), np.zeros_like(mean_y)
    else:
        spread = ((normal - mean_n) ** 2).mean(over)
        if (spread < 1e-9).any():
            return None
        gamma = ((normal - mean_n) * (wanted - mean_y)).mean(over) / spread
        beta = mean_y - gamma * mean_n
        beta[np.abs(beta) < 1e-12] = 0
    scale = np.abs(wanted).max() or 1.0
    if np.abs(gamma * normal + beta - wanted).max() > _TOLERANCE * scale:
        return None
    return _Normalization(operator, epsilon, gamma, beta)


def _normalized(x: Array, axes: tuple[int, ...], epsilon: float, *, centred: bool) -> Array:
    moved = x - x.mean(axes, keepdims=True) if centred else x
    return moved / np.sqrt((moved**2).mean(axes, keepdims=True) + epsilon)


def _replace(region: Region, found: _Normalization) -> None:
    node = region.nodes[0]
    name, graph = str(region.main_node(*_MEANS).name), graph_of(node)
    gamma = add_constant(graph, found.gamma.astype(np.float32), f"{name}_gamma")
    operands = [region.source, gamma]
    if found.beta.any():
        operands.append(add_constant(graph, found.beta.astype(np.float32), f"{name}_beta"))
    attributes = {"axis": -found.gamma.ndim, "epsilon": found.epsilon}
    become(node, found.operator, operands, attributes, name=name)
