"""Entropy of a feature map's values, and what of it a quantization loses."""

from __future__ import annotations

import numpy as np

from ..quantize.affine import Affine, rounded
from ..quantize.observers import Histogram


def entropy(counts: np.ndarray) -> float:
    """Shannon's entropy in bits of the distribution that ``counts`` are drawn from."""
    total = counts.sum()
    if total == 0:
        return 0.0
    shares = counts[counts > 0] / total
    return float(-np.sum(shares * np.log2(shares)))


def entropy_lost(histogram: Histogram, quant: Affine) -> float:
    """Ω: (H(X) − H(Q(X))) / H(X) of the values in ``histogram`` under ``quant``; 0 where they have no
    entropy.

    QuantMCU (arXiv 2401.13714), section 3.3: between 0, nothing is lost, and 1, all values become one.
    """
    whole = entropy(histogram.counts)
    if whole <= 0:
        return 0.0
    _, level = np.unique(rounded(histogram.centres, quant), return_inverse=True)
    left = entropy(np.bincount(level, weights=histogram.counts))
    return float(np.clip((whole - left) / whole, 0.0, 1.0))
