"""The order in which nodes compute, and the edges that carry the step before where there are cycles."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...ir.errors import ModelError
from ..onnx_graph import quoted
from .network import INPUT, Edge, Network


@dataclass(frozen=True)
class Order:
    """Names of nodes, operands before results; ``delayed`` edges carry their source's value of the step
    before, and all others this step's."""

    names: Sequence[str]
    delayed: frozenset[Edge]


def order(network: Network, neurons: Collection[str]) -> Order:
    """Cuts every cycle behind one of the ``neurons``, whose value of the step before is known.

    Where a cycle has several, it is the one that is farthest from the network's inputs: the one whose edge
    feeds back. Raises ModelError for a cycle without a neuron.
    """
    depth = _depths(network)
    rank = {name: i for i, name in enumerate(network.nodes)}
    delayed: set[Edge] = set()
    while True:
        edges = [edge for edge in network.edges if edge not in delayed]
        names = _topological(network.nodes, edges)
        rest = network.nodes.keys() - set(names)
        if not rest:
            return Order(names, frozenset(delayed))
        inner = [edge for edge in edges if edge[0] in rest and edge[1] in rest]
        farthest_first = sorted(
            (edge for edge in inner if edge[0] in neurons),
            key=lambda edge: (depth.get(edge[0], 0), rank[edge[0]], rank[edge[1]]),
            reverse=True,
        )
        closing = next((edge for edge in farthest_first if _reaches(edge, inner)), None)
        if closing is None:
            raise _no_neuron(inner)
        delayed.add(closing)


def _topological(nodes: Iterable[str], edges: Sequence[Edge]) -> list[str]:
    """Nodes in an order in which they can compute; those on cycles, and behind them, are missing."""
    targets = _targets(edges)
    waiting = dict.fromkeys(nodes, 0)
    for _, target in edges:
        waiting[target] += 1
    ready = deque(name for name, count in waiting.items() if count == 0)
    names: list[str] = []
    while ready:
        names.append(ready.popleft())
        for target in targets.get(names[-1], ()):
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return names


def _reaches(edge: Edge, edges: Sequence[Edge]) -> bool:
    """Whether the edge lies on a cycle: its source can be reached from its target."""
    source, target = edge
    return source in _distances([target], edges)


def _depths(network: Network) -> dict[str, int]:
    return _distances([name for name, node in network.nodes.items() if node.kind == INPUT], network.edges)


def _distances(starts: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Edges between the nearest start and each node that can be reached."""
    targets = _targets(edges)
    distances, ready = dict.fromkeys(starts, 0), deque(starts)
    while ready:
        name = ready.popleft()
        for target in targets.get(name, ()):
            if target not in distances:
                distances[target] = distances[name] + 1
                ready.append(target)
    return distances


def _targets(edges: Sequence[Edge]) -> Mapping[str, list[str]]:
    targets: dict[str, list[str]] = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
    return targets


def _no_neuron(edges: Sequence[Edge]) -> ModelError:
    cycle = next(edge for edge in edges if _reaches(edge, edges))
    return ModelError(
        "The NIR network has a cycle without a neuron",
        where=f"the edge from {quoted(cycle[0])} to {quoted(cycle[1])}",
        why="nothing on the cycle holds a value from one time step to the next",
        remedy="put a neuron (LIF, CubaLIF, IF, LI) into the recurrent connection",
    )
