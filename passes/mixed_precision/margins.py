"""How many classes noise turns: from the float model's margins, and what few samples can say of it at most.

On a hundred samples one that flips is a point, by luck as often as not, and whether samples lie close to
the decision is luck as well. So nothing is counted here. Margins are taken as drawn from a distribution of
which two numbers are fitted, and noise as independent of them and normal.
"""

from __future__ import annotations

import math

import numpy as np

_DRAWS = 500
ONE_SIDED = 1.644854
"""Standard errors from what is expected to its upper bound of 95 %."""
_CREDIT = 0.5
"""What a sample that noise turns the right way counts: on splits of kws01's samples no more than half of
those that independent noise should have won were won, as noise also lifts the best of many wrong classes."""
_STEP = 0.125
_GRID = np.arange(-6 + _STEP / 2, 6, _STEP)
"""Margins in units of the noise's deviation, over which turned samples are summed."""
_ROOT_PI = math.sqrt(2 * math.pi)


def margins_of(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """By how much each sample's target class leads the best of the others."""
    rows = np.arange(len(scores))
    others = scores.copy()
    others[rows, targets] = -np.inf
    return scores[rows, targets] - others.max(axis=1)


class Margins:
    """The float model's ``margins`` [samples], towards labels where ``labelled``, else towards its own
    classes, which makes them positive.

    Margins towards labels are fitted by a normal distribution, so that of those that noise turns some are
    won, which counts half; own ones are spread evenly from 0 to their median, and none can be won. The bound
    comes from a bootstrap over samples (Efron, 1979; from a fixed seed): margins and noise are drawn anew
    together, so that it grows as samples shrink.
    """

    def __init__(self, margins: np.ndarray, labelled: bool) -> None:
        self.margins = margins
        self._turned = _of_normal if labelled else _of_even
        count = len(margins)
        self._draws = np.random.default_rng(0).integers(count, size=(_DRAWS, count))
        self._draws[0] = np.arange(count)  # the samples themselves

    def noise(self, errors: np.ndarray, picks: np.ndarray) -> float:
        """Mean square of the ``errors`` of margins over that half of ``picks`` that lies next to 0."""
        return float(np.mean(errors[_next_to_0(self.margins[picks])] ** 2))

    def drop(self, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
        """The share of samples that is to be lost where errors of margins become ``after`` from ``before``
        (one per sample), and its upper bound."""
        drawn = self.margins[self._draws]
        found = [self._turned(drawn, self._noises(errors)) for errors in (before, after)]
        drops = found[1] - found[0]
        return float(drops[0]), _bound(float(drops[0]), float(drops.std()))

    def bearable(self, before: np.ndarray, limit: float) -> float:
        """The noise at which the upper bound of the drop reaches ``limit``, where errors are those of
        ``before``, only larger."""
        least = self.noise(before, np.arange(len(before)))
        errors, scale = (before, least) if least > 0 else (np.ones_like(before), 1.0)
        low, high = least, max(least, 1e-12)
        while high < 1e24 and self.drop(before, errors * math.sqrt(high / scale))[1] < limit:
            low, high = high, 4 * high
        for _ in range(30):
            middle = (low + high) / 2
            holds = self.drop(before, errors * math.sqrt(middle / scale))[1] < limit
            low, high = (middle, high) if holds else (low, middle)
        return low

    def _noises(self, errors: np.ndarray) -> np.ndarray:
        """[draws]: ``noise`` of each."""
        near = np.zeros(len(errors))
        near[_next_to_0(self.margins)] = 1.0
        counts = np.maximum(near[self._draws].sum(axis=1), 1.0)
        return (near * errors**2)[self._draws].sum(axis=1) / counts


def _next_to_0(margins: np.ndarray) -> np.ndarray:
    """Where the smaller half of ``margins`` is."""
    return np.argsort(np.abs(margins), kind="stable")[: (len(margins) + 1) // 2]


def _bound(expected: float, error: float) -> float:
    """Upper bound of 95 % from an estimate and its standard error, where the estimate is normal or, which
    few samples make it, log-normal: whichever gives more."""
    normal = expected + ONE_SIDED * error
    if expected <= 0:
        return normal
    return max(normal, expected * math.exp(ONE_SIDED * math.sqrt(math.log1p((error / expected) ** 2))))


def _of_normal(margins: np.ndarray, noises: np.ndarray) -> np.ndarray:
    """[draws]: what normal margins [draws, samples] lose by noise of mean square ``noises`` [draws], less
    ``_CREDIT`` for each that is won: the integral of p(m) · Q(|m| / s) over positive and negative m."""
    deviation = np.sqrt(noises)[:, None]
    mean, spread = margins.mean(axis=1)[:, None], np.maximum(margins.std(axis=1), 1e-15)[:, None]
    spread = np.hypot(spread, _STEP * deviation)  # no narrower than the grid can see
    density = np.exp(-(((_GRID * deviation - mean) / spread) ** 2) / 2) / (_ROOT_PI * spread)
    return (density * _TURNED).sum(axis=1) * _STEP * deviation[:, 0]


def _of_even(margins: np.ndarray, noises: np.ndarray) -> np.ndarray:
    """The same of positive margins, half of them spread evenly up to their median, M: the mean of
    Q(m / s) / 2 over m from 0 to M."""
    median = np.maximum(np.median(margins, axis=1), 1e-30)
    deviation = np.maximum(np.sqrt(noises), 1e-15 * median)
    reach = median / deviation
    tail = 1 - np.exp(-(reach**2) / 2)
    return (1 - _below(reach) + tail / (_ROOT_PI * reach)) / 2


def _below(values: np.ndarray) -> np.ndarray:
    """Φ, the normal distribution."""
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in values.tolist()])


_TURNED = np.where(_GRID > 0, 1.0, -_CREDIT) * (1 - _below(np.abs(_GRID)))
