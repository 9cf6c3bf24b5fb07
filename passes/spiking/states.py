"""States that a pass gives a graph."""

from __future__ import annotations

import re

import onnx_ir as oir

from ..onnx_edit import add_constant, unique_name
from ..onnx_graph import Array
from ..state_pairs import note_states

_SEPARATORS = re.compile("[:,]")
"""What names of states must not hold, for they are listed as ``IN:OUT,…``."""


class States:
    """New states of ``graph``: inputs that hold what outputs left one time step before."""

    def __init__(self, graph: oir.Graph) -> None:
        self._graph = graph
        self._pairs: list[str] = []

    def add(self, name: str, initial: Array) -> oir.Value:
        """A new graph input, named like ``name``, that holds ``initial`` at the first time step."""
        value = add_constant(self._graph, initial, _SEPARATORS.sub("_", name))
        self._graph.inputs.append(value)
        return value

    def keep(self, before: oir.Value, after: oir.Value) -> None:
        """Makes ``after``, which it names, the value that the state ``before`` has in the next time step."""
        after.name = unique_name(self._graph, f"{before.name}_next")
        self._graph.outputs.append(after)
        self._pairs.append(f"{before.name}:{after.name}")

    def note(self, model: oir.Model) -> None:
        """Says in ``model``, which holds the graph, that these are its states."""
        note_states(model, self._pairs)
