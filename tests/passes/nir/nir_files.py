"""Writing .nir files node by node, in the layout of the package ``nir``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

Node = Mapping[str, Any]


def node(kind: str, **parameters: Any) -> Node:
    return {"type": kind, **parameters}


def graph(nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]]) -> Node:
    return {"type": "NIRGraph", "nodes": nodes, "edges": np.array(edges, dtype="S").reshape(-1, 2)}


def chain(shape: Sequence[int], **nodes: Node) -> Node:
    """Nodes one after the other, from an Input of that shape to an Output."""
    ends = {"input": node("Input", shape=np.array(shape)), "output": node("Output", shape=np.array(shape))}
    names = ["input", *nodes, "output"]
    return graph({**ends, **nodes}, list(pairwise(names)))


def lif(size: int = 1, **parameters: Any) -> Node:
    """LIF neurons that a step of 1 ms takes to (U + I) / 2, with a threshold of 1."""
    values = {"tau": 2e-3, "r": 1.0, "v_leak": 0.0, "v_reset": 0.0, "v_threshold": 1.0} | parameters
    return node("LIF", **{name: np.full(size, value) for name, value in values.items()})


def write(path: Path, root: Node) -> Path:
    """Needs h5py, of the extra ``nir``."""
    import h5py

    with h5py.File(path, "w") as file:
        file["version"] = "1.0.8"
        _write(file.create_group("node"), root)
    return path


def _write(group: Any, content: Node) -> None:
    for name, value in content.items():
        if isinstance(value, Mapping):
            _write(group.create_group(name), value)
        else:
            group[name] = value
