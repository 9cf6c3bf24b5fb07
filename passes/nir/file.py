"""Reading a .nir file: an HDF5 file in the layout that the package ``nir`` writes.

Only h5py is needed for that: ``nir`` itself would check a graph by the types that it infers, and refuse
files that are in use. A file is somebody else's data: links out of it are refused, sizes checked first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...ir.errors import ModelError, UsageError
from ..onnx_graph import MAX_TENSOR_BYTES, quoted
from .network import GRAPH, INPUT, OUTPUT, PASS, Edge, Network, NirNode, Parameter

_DEEPEST, _LONGEST = 16, 5000
"""How deeply graphs may nest, and how many nodes and edges there may be: no network on a microcontroller has
more."""


def read_network(path: Path) -> Network:
    """The network in a .nir file, nested graphs put in place of their nodes.

    Raises UsageError where h5py is not installed, ModelError for a file that is not a NIR file.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise UsageError(
            ".nir files need the package h5py",
            why="it is not installed",
            remedy="pip install 'tinyc[nir]'",
        ) from error
    if not path.is_file():
        raise ModelError(
            "There is no such model file",
            where=str(path),
            why="it is a folder" if path.is_dir() else "nothing is there",
            remedy="check the path of the .nir file",
        )
    try:
        with h5py.File(path, "r") as file:
            return _Reader(h5py, path).network(file)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise _malformed(path, " ".join(str(error).split())[:200]) from error


def _malformed(path: Path, why: str) -> ModelError:
    return ModelError(
        "This is not a NIR file, or it is damaged",
        where=str(path),
        why=why,
        remedy="write it with nir.write, or with the exporter of the network's framework",
    )


class _Reader:
    """Reads groups into nodes, and counts the bytes."""

    def __init__(self, h5py: Any, path: Path) -> None:
        self._h5py = h5py
        self._path = path
        self._bytes = 0
        self._nodes: dict[str, NirNode] = {}
        self._edges: list[Edge] = []
        self._ends: dict[str, dict[str, str]] = {INPUT: {}, OUTPUT: {}}

    def network(self, file: Any) -> Network:
        root = self._group(file, "node")
        if self._kind(root) != GRAPH:
            raise _malformed(self._path, f"it holds {quoted(self._kind(root))}, not a {GRAPH}")
        self._graph(root, "", 0)
        sources, targets = self._ends[OUTPUT], self._ends[INPUT]
        edges = dict.fromkeys((sources.get(a, a), targets.get(b, b)) for a, b in self._edges)
        if len(self._nodes) + len(edges) > _LONGEST:
            raise _malformed(self._path, f"it has more than {_LONGEST} nodes and edges")
        for name in (name for edge in edges for name in edge if name not in self._nodes):
            raise _malformed(self._path, f"an edge names the node {quoted(name)}, which is not there")
        return Network(self._nodes, list(edges))

    def _graph(self, group: Any, prefix: str, depth: int) -> None:
        """Nodes and edges of a graph whose names begin with ``prefix``."""
        if depth > _DEEPEST:
            raise _malformed(self._path, f"graphs nest more than {_DEEPEST} deep")
        members = self._group(group, "nodes")
        for member in members:
            node, name = self._group(members, member), f"{prefix}{member}"
            kind = self._kind(node)
            if kind == GRAPH:
                self._graph(node, f"{name}.", depth + 1)
                self._close(name)
                continue
            if depth and kind in self._ends:
                self._ends[kind].setdefault(prefix[:-1], name)
                kind = PASS
            if name in self._nodes:
                raise _malformed(self._path, f"two nodes are named {quoted(name)}")
            self._nodes[name] = NirNode(name, kind, dict(self._parameters(node)))
        self._edges += [(f"{prefix}{source}", f"{prefix}{target}") for source, target in self._pairs(group)]

    def _close(self, graph: str) -> None:
        for kind, ends in self._ends.items():
            if graph not in ends:
                raise _malformed(self._path, f"graph {quoted(graph)} has no {kind} node")

    def _pairs(self, group: Any) -> Iterator[Edge]:
        pairs = np.asarray(self._read(group, "edges"))
        if pairs.size % 2 or pairs.ndim not in (1, 2) or (pairs.size and pairs.shape[-1] != 2):
            raise _malformed(self._path, "its edges are not pairs of names")
        for source, target in pairs.reshape(-1, 2):
            yield _text(source), _text(target)

    def _kind(self, group: Any) -> str:
        return _text(self._read(group, "type"))

    def _parameters(self, group: Any) -> Iterator[tuple[str, Parameter]]:
        for name in group:
            if name not in ("type", "metadata") and isinstance(self._at(group, name), self._h5py.Dataset):
                value = self._read(group, name)
                yield name, _text(value) if isinstance(value, bytes) else value

    def _group(self, parent: Any, name: str) -> Any:
        found = self._at(parent, name)
        if not isinstance(found, self._h5py.Group):
            raise _malformed(self._path, f"{quoted(name)} is not a group")
        return found

    def _read(self, parent: Any, name: str) -> Any:
        """A dataset's value, where it lies in this file and is not larger than a microcontroller's model."""
        found = self._at(parent, name)
        if not isinstance(found, self._h5py.Dataset) or found.is_virtual or found.external:
            raise _malformed(self._path, f"{quoted(name)} is not an array in this file")
        self._bytes += found.size * found.dtype.itemsize
        if self._bytes > MAX_TENSOR_BYTES:
            raise _malformed(self._path, f"its arrays take more than {MAX_TENSOR_BYTES} bytes")
        return found[()]

    def _at(self, parent: Any, name: str) -> Any:
        if name not in parent:
            raise _malformed(self._path, f"{quoted(parent.name)} has no {quoted(name)}")
        if not isinstance(parent.get(name, getlink=True), self._h5py.HardLink):
            raise _malformed(self._path, f"{quoted(name)} is a link")
        return parent[name]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
