"""Task accuracy of the compiled model beside the model as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from .distance import relative

LEVEL = 0.95
"""Confidence of every interval here, two-sided."""
_Z = 1.959964
"""The standard normal distribution's quantile for that level."""


@dataclass(frozen=True)
class Accuracy:
    """``metric`` is top-1 where there are labels, else agreement of the largest output.

    ``agreement`` is the share of samples on which both models give the same class; ``error`` the largest
    difference of real outputs as a share of the reference's range. ``confusion`` are (label, class that the
    compiled model gives, samples), without those of no sample; None without labels.
    """

    samples: int
    classes: int
    metric: str
    reference: float | None
    compiled: float | None
    agreement: float
    error: float
    confusion: tuple[tuple[int, int, int], ...] | None

    def to_dict(self) -> dict[str, Any]:
        """The report's ``accuracy``."""
        return {
            "samples": self.samples,
            "classes": self.classes,
            "metric": self.metric,
            "reference": self.reference,
            "compiled": self.compiled,
            "agreement": self.agreement,
            "max_error": self.error,
            "interval": {
                "level": LEVEL,
                "method": "wilson",
                "reference": self._interval(self.reference),
                "compiled": self._interval(self.compiled),
                "agreement": self._interval(self.agreement),
            },
            "confusion": None if self.confusion is None else [list(entry) for entry in self.confusion],
        }

    def _interval(self, share: float | None) -> list[float] | None:
        return None if share is None else list(wilson(share, self.samples))


def wilson(share: float, samples: int) -> tuple[float, float]:
    """The interval of LEVEL for a probability that showed as ``share`` of independent ``samples``.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    spread = _Z * _Z / samples
    centre = (share + spread / 2) / (1 + spread)
    reach = _Z * sqrt(share * (1 - share) / samples + spread / samples / 4) / (1 + spread)
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def judge(
    reference: Sequence[np.ndarray], compiled: Sequence[np.ndarray], labels: np.ndarray | None
) -> Accuracy:
    """Compares the first output of both models, sample by sample, in real values."""
    wanted = np.stack([np.asarray(r, np.float64).reshape(-1) for r in reference])
    given = np.stack([np.asarray(c, np.float64).reshape(-1) for c in compiled])
    theirs, mine = wanted.argmax(axis=1), given.argmax(axis=1)
    top1 = None if labels is None else (float((theirs == labels).mean()), float((mine == labels).mean()))
    return Accuracy(
        samples=len(reference),
        classes=wanted.shape[1],
        metric="agreement" if top1 is None else "top-1",
        reference=None if top1 is None else top1[0],
        compiled=None if top1 is None else top1[1],
        agreement=float((theirs == mine).mean()),
        error=relative(given, wanted),
        confusion=None if labels is None else _confusion(labels, mine),
    )


def _confusion(labels: np.ndarray, given: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    pairs, counts = np.unique(np.stack([labels.astype(np.int64), given], axis=1), axis=0, return_counts=True)
    return tuple(
        (label, one, count) for (label, one), count in zip(pairs.tolist(), counts.tolist(), strict=True)
    )


def labels_of(labels: np.ndarray | None) -> np.ndarray | None:
    """Class numbers, from numbers or one-hot rows."""
    if labels is None:
        return None
    flat = np.asarray(labels)
    return flat.argmax(axis=1) if flat.ndim == 2 and flat.shape[1] > 1 else flat.reshape(-1)
