"""The fewest nested loops that copy a tensor from strided places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .axis_map import FILL, AxisMap, Form


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of the output: where its indices come from, and how many elements of the input lie between
    two source indices."""

    map: AxisMap
    stride: int


@dataclass(frozen=True, eq=False)
class Loop:
    """One loop of the nest. ``number`` is the output's axis. A *direct* loop adds ``index * step`` to the
    input's offset; the others add ``map[index] * step``."""

    number: int
    map: AxisMap
    step: int
    direct: bool


@dataclass(frozen=True, eq=False)
class Nest:
    """``loops`` outermost first; each round copies ``run`` elements that lie side by side, starting ``base``
    elements into the input plus what the loops add."""

    base: int
    loops: tuple[Loop, ...]
    run: int

    @property
    def fills(self) -> tuple[Loop, ...]:
        """Loops some of whose rounds read nothing."""
        return tuple(loop for loop in self.loops if loop.map.fills)


def nest_of(axes: Sequence[Axis]) -> Nest:
    """Merges axes that lie side by side in input and output, drops those of one index."""
    base, merged = 0, list[tuple[int, Axis]]()
    for number, axis in enumerate(axes):
        only = int(axis.map.indices[0])
        if axis.map.length == 1 and only != FILL:
            base += only * axis.stride
        elif merged and (joined := _join(merged[-1][1], axis)) is not None:
            merged[-1] = (number, joined)
        else:
            merged.append((number, axis))
    run = 1
    if merged and merged[-1][1].map.is_run and merged[-1][1].stride == 1:
        last = merged.pop()[1].map
        base, run = base + int(last.indices[0]), last.length
    loops: list[Loop] = []
    for number, axis in merged:
        formula = axis.map.formula
        direct = formula.form is Form.AFFINE and not axis.map.fills
        base += formula.offset * axis.stride if direct else 0
        loops.append(Loop(number, axis.map, axis.stride * (formula.factor if direct else 1), direct))
    return Nest(base, tuple(loops), run)


def _join(outer: Axis, inner: Axis) -> Axis | None:
    """Both as one axis, where each step of ``outer`` goes on where all of ``inner`` ended."""
    length = inner.map.length
    if not (inner.map.is_identity and outer.map.is_run and outer.stride == length * inner.stride):
        return None
    indices = outer.map.indices[:, None] * length + np.arange(length)
    return Axis(AxisMap(indices.reshape(-1), outer.map.source * length), inner.stride)
