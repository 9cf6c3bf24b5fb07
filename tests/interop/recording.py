"""What the scripts that record exporters share: small inputs, and archives that compress."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SAMPLES = 16
_STEPS = 16
"""Inputs are whole numbers of 1/16, which compress to a third."""


def inputs(*shape: int) -> np.ndarray:
    """``SAMPLES`` inputs of ``shape``, normally distributed, float32."""
    drawn = np.random.default_rng(7).normal(size=(SAMPLES, *shape))
    return (np.rint(drawn * _STEPS) / _STEPS).astype(np.float32)


def write(path: Path, **arrays: np.ndarray) -> None:
    """``x`` and the framework's outputs, all with samples first."""
    np.savez_compressed(path, **arrays)
    print(f"{path.parent.name}/{path.stem}: " + ", ".join(f"{k} {list(v.shape)}" for k, v in arrays.items()))
