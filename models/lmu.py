"""The linear memory of a Legendre Memory Unit (Voelker, Kajić and Eliasmith, NeurIPS 2019).

    θ · dm/dt = A' m + B' u

holds the last θ of its one input u as coefficients of ``order`` shifted Legendre polynomials:
u(t − θ·r) ≈ Σ_i P_i(2r − 1) · m_i(t) for r from 0 to 1. Here time counts in steps, so θ does too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def legendre_memory(order: int, theta: float) -> tuple[Array, Array]:
    """A (``order``, ``order``) and B (``order``, 1) of dm/dt = A m + B u, float64; ``theta`` in steps.

    Raises ValueError where ``order`` is below 1 or ``theta`` is not positive.
    """
    if order < 1 or not theta > 0:
        raise ValueError(f"a Legendre memory needs order >= 1 and theta > 0, not {order} and {theta}")
    i, j = np.ogrid[:order, :order]
    gain = (2 * i + 1) / theta
    return gain * np.where(i < j, -1.0, (-1.0) ** (i - j + 1)), gain * (-1.0) ** i


def discrete_memory(order: int, theta: float) -> tuple[Array, Array]:
    """Ā and B̄ of m[t] = Ā m[t − 1] + B̄ u[t], shaped as ``legendre_memory``'s: u is held for one step.

    SciPy discretises (zero-order hold), once, where a model is built: it is part of the extra ``train``.
    """
    from scipy.signal import cont2discrete

    a, b = legendre_memory(order, theta)
    discrete: Any = cont2discrete((a, b, np.eye(order), np.zeros((order, 1))), dt=1.0, method="zoh")
    return discrete[0], discrete[1]
