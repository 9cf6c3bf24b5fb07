"""Task accuracy of the compiled model beside the model as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .distance import relative


@dataclass(frozen=True)
class Accuracy:
    """``metric`` is top-1 where there are labels, else agreement of the largest output.

    ``agreement`` is the share of samples on which both models give the same class; ``error`` the largest
    difference of real outputs as a share of the reference's range.
    """

    samples: int
    metric: str
    reference: float | None
    compiled: float | None
    agreement: float
    error: float


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
        metric="agreement" if top1 is None else "top-1",
        reference=None if top1 is None else top1[0],
        compiled=None if top1 is None else top1[1],
        agreement=float((theirs == mine).mean()),
        error=relative(given, wanted),
    )


def labels_of(labels: np.ndarray | None) -> np.ndarray | None:
    """Class numbers, from numbers or one-hot rows."""
    if labels is None:
        return None
    flat = np.asarray(labels)
    return flat.argmax(axis=1) if flat.ndim == 2 and flat.shape[1] > 1 else flat.reshape(-1)
