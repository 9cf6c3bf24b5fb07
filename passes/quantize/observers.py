"""What was seen of a tensor, and the ranges that observers would give it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .groups import Range

BINS = 2048
MIN_MAX = "min-max"
_PERCENTILES = (99.9, 99.99, 99.999)
_NARROW_PERCENTILES = (99.0, 99.6)
"""Tried as well where a tensor has fewer than 8 bits."""
_SHRINK = np.geomspace(1.0, 0.125, 49)
"""Fractions of the range that the MSE and entropy observers try as thresholds."""

_ROOM = 0.125
"""Share of its extent by which the range of what the caller gets goes on beyond calibration."""


class Histogram:
    """Counts of values in ``BINS`` equal bins of [low, high], gathered sample by sample."""

    def __init__(self, bounds: Range) -> None:
        self.low, self.high = bounds
        self.counts = np.zeros(BINS)

    def add(self, values: np.ndarray) -> None:
        """Counts ``values``, which lie in the range."""
        if self.high > self.low:
            scaled = (np.asarray(values, np.float64).ravel() - self.low) * (BINS / (self.high - self.low))
            index = np.clip(scaled.astype(np.int64), 0, BINS - 1)
            self.counts += np.bincount(index, minlength=BINS)

    @property
    def edges(self) -> np.ndarray:
        return np.linspace(self.low, self.high, BINS + 1)

    @property
    def centres(self) -> np.ndarray:
        edges = self.edges
        return (edges[1:] + edges[:-1]) / 2


def candidate_ranges(histogram: Histogram, bits: int = 8) -> dict[str, Range]:
    """The range that each observer gives for integers of ``bits`` bits, by the observer's name; min-max
    comes first.

    Where nothing was counted or all values are equal, min-max is the only one, and beyond 8 bits, where
    there is nothing to gain by clipping.
    """
    ranges = {MIN_MAX: (histogram.low, histogram.high)}
    if histogram.counts.sum() == 0 or bits > 8:
        return ranges
    for percent in (*_PERCENTILES, *(_NARROW_PERCENTILES if bits < 8 else ())):
        ranges[f"percentile {percent}"] = percentile(histogram, percent)
    ranges["mse"] = least_squares(histogram, bits)
    ranges["entropy"] = entropy(histogram, bits)
    return ranges


def distinct(ranges: Mapping[str, Range], tolerance: float = 0.004) -> dict[str, Range]:
    """Without those that differ from an earlier one by less than about one step of 256."""
    kept: dict[str, Range] = {}
    for name, (low, high) in ranges.items():
        near = tolerance * max(high - low, 0.0)
        if all(abs(low - other[0]) > near or abs(high - other[1]) > near for other in kept.values()):
            kept[name] = (low, high)
    return kept


def with_room(bounds: Range) -> Range:
    """``bounds`` with an eighth of their extent more at each end that is not zero."""
    low, high = bounds
    room = _ROOM * (high - low)
    return low - room if low else low, high + room if high else high


def percentile(histogram: Histogram, percent: float) -> Range:
    """The range that leaves out (100 − ``percent``) % of the values, half of them at each end."""
    share = np.concatenate([[0.0], np.cumsum(histogram.counts)]) / histogram.counts.sum()
    tail = (100.0 - percent) / 200.0
    edges = histogram.edges
    low = edges[np.searchsorted(share, tail, side="right") - 1]
    high = edges[np.searchsorted(share, 1.0 - tail, side="left")]
    return float(low), float(high)


def least_squares(histogram: Histogram, bits: int = 8) -> Range:
    """The range with the least mean squared error of quantized values (rounding and clipping)."""
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    pairs = [(low, high * f) for f in _SHRINK] if high > 0 else [(low, high)]
    low, high = min(pairs, key=lambda pair: _squared_error(histogram, pair, bits))
    pairs = [(low * f, high) for f in _SHRINK] if low < 0 else [(low, high)]
    return min(pairs, key=lambda pair: _squared_error(histogram, pair, bits))


def _squared_error(histogram: Histogram, bounds: Range, bits: int) -> float:
    """Of rounding (step² / 12) and clipping, over all values that were counted."""
    low, high = bounds
    step = (high - low) / ((1 << bits) - 1)
    if step <= 0:
        return float("inf")
    centres = histogram.centres
    beyond = np.maximum(centres - high, 0.0) + np.maximum(low - centres, 0.0)
    return float(np.sum(histogram.counts * np.where(beyond > 0, beyond**2, step**2 / 12)))


def entropy(histogram: Histogram, bits: int = 8) -> Range:
    """The range whose quantized distribution diverges least from the one seen (Kullback-Leibler).

    After Migacz, "8-bit inference with TensorRT" (GTC 2017): values beyond the threshold are counted at
    it; the threshold is sought on magnitudes, and each end of the range is cut at it.
    """
    low, high = histogram.low, histogram.high
    reach = max(abs(low), abs(high))
    if reach == 0.0:
        return low, high
    folded = np.zeros(BINS)
    index = np.clip((np.abs(histogram.centres) * (BINS / reach)).astype(np.int64), 0, BINS - 1)
    np.add.at(folded, index, histogram.counts)
    folded[0] = min(folded[0], folded[1:].max(initial=0.0))  # exact zeros cost nothing in any range
    steps = (1 << bits) - 1
    levels = steps if low >= 0 or high <= 0 else steps // 2
    ends = sorted({max(levels + 1, round(BINS * f)) for f in _SHRINK}, reverse=True)
    end = min(ends, key=lambda candidate: _divergence(folded, candidate, levels))
    threshold = reach * end / BINS
    return max(low, -threshold), min(high, threshold)


def _divergence(counts: np.ndarray, end: int, levels: int) -> float:
    """Kullback-Leibler divergence between the first ``end`` bins, the rest added to the last, and the
    same rounded to ``levels`` values that spread evenly over the bins they stand for."""
    kept = counts[:end]
    reference = kept.copy()
    reference[-1] += counts[end:].sum()
    level = np.arange(end) * levels // end
    present = kept > 0
    total = np.bincount(level, weights=kept, minlength=levels)
    filled = np.bincount(level, weights=present.astype(np.float64), minlength=levels)
    spread = np.where(present, (total / np.maximum(filled, 1.0))[level], 0.0)
    if reference.sum() == 0 or spread.sum() == 0:
        return float("inf")
    p, q = reference / reference.sum(), spread / spread.sum()
    seen = p > 0
    return float(np.sum(p[seen] * np.log(p[seen] / np.maximum(q[seen], 1e-12))))
