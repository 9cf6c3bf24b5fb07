"""Frames: inner tensors of a stream whose kept rows move as their reader advances.

The free row of a ring is another each time, so that a ring takes its place all the while. A frame's free
slots are always the same, and other tensors may lie there until its next rows come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...ir.program import Buffer, Full, Step
from ...ir.window import Window
from ...kernels.slide import Slide
from .segment import Row, Scope

Span = tuple[int, int]


@dataclass(frozen=True)
class Framing:
    """Step ``reader`` alone reads ``tensor``, ``height`` rows at most: for its row y those from
    ``y * stride + first`` on, of which ``height - stride`` are read again."""

    tensor: str
    reader: int
    height: int
    stride: int
    first: int
    spans: Sequence[Span]
    """For each row of the reader, the rows [begin, end) that it reads."""

    def top(self, y: int) -> int:
        """The row that lies first when the reader computes its row ``y``."""
        return y * self.stride + self.first

    def kept(self, y: int, following: int) -> Span:
        """The rows that are read for rows ``y`` and ``following`` of the reader."""
        (begin, end), (other_begin, other_end) = self.spans[y], self.spans[following]
        return max(begin, other_begin), min(end, other_end)

    def holds(self, y: int, row: int) -> bool:
        """True where ``row`` has a slot when the reader computes its row ``y``."""
        return self.top(y) <= row < self.top(y) + self.height

    def follows(self, order: Sequence[Row], producer: int) -> bool:
        """True where the rows of a region, computed in ``order``, each find a slot in the frame."""
        readings = deque(row.y for row in order if row.step == self.reader)
        for row in order:
            if row.step == self.reader:
                readings.popleft()
            elif row.step == producer and not (readings and self.holds(readings[0], row.y)):
                return False
        return True

    def slides(self, order: Sequence[Row]) -> bool:
        """True where rows are kept for another one of the region."""
        readings = [row.y for row in order if row.step == self.reader]
        kept = (self.kept(y, following) for y, following in pairwise(readings))
        return any(begin < end for begin, end in kept)

    def step(self, buffer: Buffer, upward: bool) -> Step:
        """The step that slides the frame that is stored in ``buffer``."""
        slide = Slide(-self.stride if upward else self.stride, buffer.pixel_bytes)
        moved = (self.tensor,)
        return Step(f"slide_{self.tensor}", slide, moved, moved, operator="kept rows move up")


def framings(scope: Scope, orders: Sequence[Sequence[Row]]) -> dict[str, Framing]:
    """The inner tensors of a segment that can be frames where the rows of its regions are computed in
    ``orders``: each has a slot for every row, and no slot more than a ring."""
    found = {name: framing for name in scope.inside if (framing := _framing(scope, name)) is not None}
    return {
        name: framing
        for name, framing in found.items()
        if all(framing.follows(order, scope.producers[name]) for order in orders)
        and any(framing.slides(order) for order in orders)
    }


def _framing(scope: Scope, name: str) -> Framing | None:
    readings = [(i, k) for i, step in scope.steps for k, n in enumerate(step.inputs) if n == name]
    if len(readings) != 1 or scope.program.buffers[name].storage != Full():
        return None
    ((reader, operand),) = readings
    spans, kernel = scope.reads.rows(reader, operand), scope.program.steps[reader].kernel
    height = max(end - begin for begin, end in spans)
    if len(spans) < 2 or height >= scope.program.buffers[name].grid[0]:
        return None
    first, second = (kernel.needs(operand, Window(y, y + 1, 0, 1)).y0 for y in (0, 1))
    framing = Framing(name, reader, height, second - first, first, spans)
    rows = scope.program.buffers[name].grid[0]
    tops = (framing.top(y) for y in range(len(spans)))
    fits = spans == [(min(max(top, 0), rows), min(max(top + height, 0), rows)) for top in tops]
    return framing if 0 < framing.stride < height and fits else None
