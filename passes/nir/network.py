"""A NIR network without nesting: nodes by name, and the edges between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...ir.errors import ModelError
from ..onnx_graph import Array, quoted

Parameter = Array | str | int | float

INPUT, OUTPUT, GRAPH = "Input", "Output", "NIRGraph"
PASS = "pass"
"""The type of a nested graph's inputs and outputs: they hand on what comes in."""


@dataclass(frozen=True)
class NirNode:
    """A node's name (those of the graphs around it before it, with dots), type, and parameters as stored."""

    name: str
    kind: str
    parameters: Mapping[str, Parameter]

    @property
    def where(self) -> str:
        return f"{self.kind} node {quoted(self.name)}"

    def numbers(self, parameter: str) -> Array:
        """A parameter as float64. Raises ModelError where it is missing, not numeric or not finite."""
        array = self._array(parameter)
        if array.dtype.kind not in "fiub":
            raise self._malformed(f"{parameter} is not made of numbers")
        if not np.isfinite(array).all():
            raise self._malformed(f"{parameter} holds values that are not finite")
        return array.astype(np.float64)

    def integers(self, parameter: str, count: int) -> list[int]:
        """``count`` integers; one that is stored alone stands for all."""
        array = self.numbers(parameter).reshape(-1)
        if array.size not in (1, count) or (array != np.round(array)).any() or np.abs(array).max() >= 2**31:
            raise self._malformed(f"{parameter} is {array[:4].tolist()}, not {count} integers")
        return [int(n) for n in np.broadcast_to(array, count)]

    def text(self, parameter: str) -> str | None:
        """The parameter where it is text, else None."""
        value = self.parameters.get(parameter)
        return value if isinstance(value, str) else None

    def _array(self, parameter: str) -> Array:
        if parameter not in self.parameters:
            raise self._malformed(f"it has no {parameter}")
        return np.asarray(self.parameters[parameter])

    def _malformed(self, why: str) -> ModelError:
        return ModelError(
            "A node of the NIR file is malformed",
            where=self.where,
            why=why,
            remedy="write the file again with the framework that the network comes from",
        )


Edge = tuple[str, str]


@dataclass(frozen=True)
class Network:
    """Nodes in the file's order; an edge leads from a node's output to a node's input, where edges add up."""

    nodes: Mapping[str, NirNode]
    edges: Sequence[Edge]
