"""What is known of a tensor's channels: which must go together, and the range of their values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

FLOAT_MAGNITUDE = 2.0**20
"""No float activation is taken to be larger than this: float32 networks have weights and values near 1,
and float16, in which many are trained, ends at 2^16. Quantized tensors have proved ranges instead."""

_LARGEST = float(np.finfo(np.float32).max)


def clipped(values: Floats) -> Floats:
    """``values`` within float32's range, so that products of bounds stay finite."""
    return np.clip(values, -_LARGEST, _LARGEST)


@dataclass(frozen=True, eq=False)
class Facts:
    """Channels of one tensor along ``axis``: ``atoms`` [C] names them, ``lo`` and ``hi`` [C] bound them.

    The bounds hold at every position and for every input of the model; they are integers (as float64)
    where the tensor is quantized, else real values. A tensor without a channel axis (None) has one atom
    for all of its elements.
    """

    axis: int | None
    atoms: Ints
    lo: Floats
    hi: Floats

    def bounded(self, lo: Floats, hi: Floats) -> Facts:
        """The same channels with other bounds."""
        return Facts(self.axis, self.atoms, clipped(lo), clipped(hi))

    def including(self, value: float) -> Facts:
        """The same channels, some of whose elements may be ``value``."""
        return self.bounded(np.minimum(self.lo, value), np.maximum(self.hi, value))

    def limited(self) -> Facts:
        """The same channels, float values being at most FLOAT_MAGNITUDE (unless that is disproved)."""
        beyond = (self.lo > FLOAT_MAGNITUDE) | (self.hi < -FLOAT_MAGNITUDE)
        lo = np.where(beyond, self.lo, np.maximum(self.lo, -FLOAT_MAGNITUDE))
        hi = np.where(beyond, self.hi, np.minimum(self.hi, FLOAT_MAGNITUDE))
        return self.bounded(lo, hi)

    def moved(self, axis: int) -> Facts:
        """The same channels along another axis."""
        return Facts(axis, self.atoms, self.lo, self.hi)

    @property
    def magnitude(self) -> Floats:
        """Largest absolute value, per channel."""
        return np.maximum(np.abs(self.lo), np.abs(self.hi))

    @property
    def constant(self) -> Mask:
        """Channels that have one value."""
        return self.lo == self.hi

    @property
    def nominal(self) -> Floats:
        """The value that stands for each channel: zero where it is possible, else the middle."""
        return np.where((self.lo <= 0) & (self.hi >= 0), 0.0, self.lo + (self.hi - self.lo) / 2)


class Atoms:
    """Disjoint sets (union-find) of channels that can only be removed together.

    A pinned atom keeps its whole set: somebody needs the channel where it is.
    """

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._pinned: set[int] = set()

    def fresh(self, count: int) -> Ints:
        """``count`` new atoms, each a set of its own."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count, dtype=np.int64)

    def pinned(self, count: int) -> Ints:
        """``count`` new atoms that cannot be removed."""
        atoms = self.fresh(count)
        self.pin(atoms)
        return atoms

    def pin(self, atoms: Ints) -> None:
        """Keeps ``atoms`` and all that are or will be united with them."""
        self._pinned.update(atoms.tolist())

    def unite(self, left: Ints, right: Ints) -> None:
        """Joins the sets of ``left[i]`` and ``right[i]`` for every i."""
        for a, b in zip(left.tolist(), right.tolist(), strict=True):
            self._parent[self._find(b)] = self._find(a)

    def roots(self) -> Ints:
        """For every atom, the one that stands for its set."""
        return np.array([self._find(atom) for atom in range(len(self._parent))], dtype=np.int64)

    def pins(self) -> Ints:
        """All pinned atoms, in ascending order."""
        return np.array(sorted(self._pinned), dtype=np.int64)

    def _find(self, atom: int) -> int:
        parent = self._parent
        while parent[atom] != atom:
            parent[atom] = parent[parent[atom]]
            atom = parent[atom]
        return atom
