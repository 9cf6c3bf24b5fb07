"""How far two results of one computation lie apart."""

from __future__ import annotations

import numpy as np

SMALLEST_SPAN = 1e-12
LARGEST = float(np.finfo(np.float32).max)


def distance(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """|mine - theirs|, element by element, float64.

    The same infinity, or NaN, on both sides is no distance; on one side it is one of LARGEST.
    """
    a, b = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.where(apart <= LARGEST, apart, LARGEST))


def span(values: np.ndarray) -> float:
    """The largest finite magnitude, which differences of floats are related to."""
    magnitudes = np.abs(np.asarray(values, np.float64))
    return max(float(magnitudes[np.isfinite(magnitudes)].max(initial=0.0)), SMALLEST_SPAN)


def relative(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The largest distance as a share of ``theirs``' range."""
    return float(distance(mine, theirs).max(initial=0.0)) / span(theirs)
