"""Value-driven patch classification: which patches of a feature map hold outliers, and so keep 8 bits.

QuantMCU (arXiv 2401.13714), section 3.2. Values of the feature map that is cut into patches are taken as
normally distributed; one is an outlier where it lies outside of the central interval that covers a share φ
of them. A *position* of the grid of patches is an outlier's where the share of calibration samples with an
outlier there exceeds a threshold, so that its class is known when the C is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ...ir.errors import UsageError
from ..schedule.segment import cut

COVERAGE = 0.96
"""φ: the share of values that are no outliers."""
THRESHOLD = 0.5
"""The share of samples with an outlier above which a position keeps 8 bits."""


@dataclass(frozen=True)
class PatchMap:
    """Classes of patches by position, rows first: ``shares`` of samples with an outlier there, and the
    ``threshold`` that they were held against; ``mean`` and ``deviation`` are of all values, of which a share
    ``coverage`` were to be no outliers."""

    mean: float
    deviation: float
    coverage: float
    threshold: float
    shares: tuple[tuple[float, ...], ...]

    @property
    def outliers(self) -> tuple[tuple[bool, ...], ...]:
        """True for positions that keep 8 bits."""
        return tuple(tuple(share > self.threshold for share in row) for row in self.shares)

    @property
    def reach(self) -> float:
        """How far from the mean outliers begin."""
        return z_score(self.coverage) * self.deviation

    @property
    def wide(self) -> int:
        """How many positions keep 8 bits."""
        return sum(outlier for row in self.outliers for outlier in row)

    def drawn(self) -> str:
        """The map as text, one character per position: ``#`` keeps 8 bits, ``·`` may have fewer."""
        return "\n".join("".join("#" if outlier else "·" for outlier in row) for row in self.outliers)


def z_score(coverage: float) -> float:
    """Standard deviations on both sides of the mean between which a share ``coverage`` of normally
    distributed values lies."""
    return NormalDist().inv_cdf((1.0 + coverage) / 2.0)


def classify(
    maps: Sequence[np.ndarray],
    grid: tuple[int, int],
    coverage: float = COVERAGE,
    threshold: float = THRESHOLD,
) -> PatchMap:
    """Classes of the positions of a ``grid`` (down, across) of patches.

    ``maps`` are values of the feature map, [channels, height, width], one array per calibration sample.
    Patches are cut as schedules cut a tensor into regions. Raises UsageError where there is no sample, where
    the grid is finer than the map, or where coverage or threshold are no shares.
    """
    _check(maps, grid, coverage, threshold)
    count = sum(array.size for array in maps)
    mean = sum(float(array.sum(dtype=np.float64)) for array in maps) / count
    squares = sum(float(np.square(array - mean, dtype=np.float64).sum()) for array in maps)
    deviation = float(np.sqrt(squares / count))
    reach = z_score(coverage) * deviation
    rows, columns = (
        [begin for begin, _ in cut(size, parts)]
        for size, parts in zip(maps[0].shape[1:], grid, strict=True)
    )
    hits = np.zeros(grid)
    for array in maps:
        beyond = (np.abs(array - mean) > reach).any(axis=0)
        patches = np.logical_or.reduceat(np.logical_or.reduceat(beyond, rows, axis=0), columns, axis=1)
        hits += patches
    shares = tuple(tuple((row / len(maps)).tolist()) for row in hits)
    return PatchMap(mean, deviation, coverage, threshold, shares)


def _check(maps: Sequence[np.ndarray], grid: tuple[int, int], coverage: float, threshold: float) -> None:
    if not maps:
        raise UsageError("Patches cannot be classified without samples", remedy="give calibration samples")
    height, width = maps[0].shape[1:]
    if not (1 <= grid[0] <= height and 1 <= grid[1] <= width):
        raise UsageError(
            f"A feature map of {height}×{width} cannot be cut into {grid[0]}×{grid[1]} patches",
            remedy=f"choose a grid of at most {height}×{width}",
        )
    if not 0 < coverage < 1:
        raise UsageError(f"A coverage of {coverage:g} is no share", remedy="choose a number between 0 and 1")
    if not 0 <= threshold <= 1:
        raise UsageError(f"A threshold of {threshold:g} is no share", remedy="choose a number from 0 to 1")
