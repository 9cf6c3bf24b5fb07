"""Einsum (ONNX Einsum-12) as Transpose, ReduceSum, Reshape and MatMul, two operands at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import describe

if TYPE_CHECKING:
    from .body import Body


@dataclass(frozen=True)
class Equation:
    """The letters of each operand's axes and of the result's; what an ellipsis stands for has capitals or
    digits of its own, aligned at the right. ``lengths`` is by letter."""

    operands: tuple[str, ...]
    result: str
    lengths: dict[str, int]

    @classmethod
    def parse(cls, node: oir.Node, shapes: Sequence[tuple[int, ...]]) -> Equation:
        """Read the attribute ``equation``; ModelError for a letter twice in one operand (a diagonal)."""
        text = node.attributes["equation"].as_string().replace(" ", "")
        left, arrow, right = text.partition("->")
        terms = left.split(",")
        open_axes = max(
            (len(shape) - len(term) + 3 for term, shape in zip(terms, shapes, strict=True) if "..." in term),
            default=0,
        )
        spare = [chr(0x3B1 + i) for i in range(open_axes)]
        full = [
            term.replace("...", "".join(spare[len(term) - 3 - len(shape) + open_axes :]))
            if "..." in term
            else term
            for term, shape in zip(terms, shapes, strict=True)
        ]
        if not arrow:
            once = sorted(c for c in set(left) - {",", "."} if left.count(c) == 1)
            right = ("..." if open_axes else "") + "".join(once)
        if any(len(set(term)) < len(term) for term in full):
            raise ModelError(
                "Einsum takes a diagonal",
                where=describe(node),
                why=f"in {text!r} an operand has one letter twice",
                remedy="take the diagonal with GatherElements, or export without Einsum",
            )
        lengths: dict[str, int] = {}
        for term, shape in zip(full, shapes, strict=True):
            for letter, length in zip(term, shape, strict=True):
                lengths[letter] = max(lengths.get(letter, 1), length)
        return cls(tuple(full), right.replace("...", "".join(spare)), lengths)

    def build(self, operands: Sequence[oir.Value], body: Body) -> oir.Value:
        """The result's value."""
        terms, values = list(self.operands), list(operands)
        while len(values) > 1:
            kept = set(self.result).union(*terms[2:])
            term, value = self._product(terms[:2], values[:2], kept, body)
            terms, values = [term, *terms[2:]], [value, *values[2:]]
        term, value = self._summed(terms[0], values[0], set(self.result), body)
        return _arranged(term, value, self.result, body)

    def _summed(self, term: str, value: oir.Value, kept: set[str], body: Body) -> tuple[str, oir.Value]:
        axes = [i for i, letter in enumerate(term) if letter not in kept]
        if axes:
            value = body.op("ReduceSum", value, body.constant(np.array(axes, np.int64)), keepdims=0)
        return "".join(letter for letter in term if letter in kept), value

    def _product(
        self, terms: Sequence[str], values: Sequence[oir.Value], kept: set[str], body: Body
    ) -> tuple[str, oir.Value]:
        """One MatMul: letters of both that stay are its batch, letters of both that go are summed."""
        left, a = self._summed(terms[0], values[0], kept | set(terms[1]), body)
        right, b = self._summed(terms[1], values[1], kept | set(terms[0]), body)
        both = [letter for letter in left if letter in right]
        batch = "".join(letter for letter in both if letter in kept)
        inner = "".join(letter for letter in both if letter not in kept)
        rows = "".join(letter for letter in left if letter not in right)
        columns = "".join(letter for letter in right if letter not in left)
        a = self._matrix(_arranged(left, a, batch + rows + inner, body), batch, rows, inner, body)
        b = self._matrix(_arranged(right, b, batch + inner + columns, body), batch, inner, columns, body)
        result = batch + rows + columns
        return result, body.reshape(body.op("MatMul", a, b), [self.lengths[c] for c in result])

    def _matrix(self, value: oir.Value, batch: str, rows: str, columns: str, body: Body) -> oir.Value:
        shape = [prod(self.lengths[c] for c in letters) for letters in (batch, rows, columns)]
        return body.reshape(value, shape if batch else shape[1:])


def _arranged(term: str, value: oir.Value, wanted: str, body: Body) -> oir.Value:
    if term == wanted:
        return value
    return body.op("Transpose", value, perm=[term.index(letter) for letter in wanted])
