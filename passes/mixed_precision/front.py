"""The front of mixed-precision models: what each costs in memory and work, and how well it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .widths import Widths


@dataclass(frozen=True)
class Point:
    """A model with ``widths``. ``sram`` and ``flash`` are bytes of the arena and of the weights, ``cycles``
    modelled, of one whole layer after the other; ``accuracy`` and ``drop`` are measured on the calibration
    set."""

    widths: Widths
    sram: int
    flash: int
    bitops: int
    cycles: float
    accuracy: float
    drop: float

    def beats(self, other: Point) -> bool:
        """No worse in anything, better in something."""
        mine, theirs = self.costs, other.costs
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))

    @property
    def costs(self) -> tuple[float, ...]:
        """Everything of which less is better."""
        return self.sram, self.flash, self.bitops, self.cycles, -self.accuracy


def undominated(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points that no other beats, the one with the most BitOPs first; of equal ones the first."""
    found = list(points)
    kept: list[Point] = []
    for index, point in enumerate(found):
        same = any(earlier.costs == point.costs for earlier in found[:index])
        if not same and not any(other.beats(point) for other in found):
            kept.append(point)
    return tuple(sorted(kept, key=lambda point: -point.bitops))
