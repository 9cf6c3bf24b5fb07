"""The neurons' recurrences in NumPy, to hold the ONNX functions against."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


def step(operator: str, operands: Arrays, reset: int = 0, delayed: int = 1) -> dict[str, np.ndarray]:
    """The results of one time step of ``operator``, as ``passes/spiking/neurons.py`` defines it, and V, the
    membrane before a reset at once."""
    current, u = operands["I"], operands["U"]
    results: dict[str, np.ndarray] = {}
    one = np.float32(1)
    beta = operands.get("beta", one)
    if operator == "CubaLIF":
        current = operands["alpha"] * operands["Isyn"] + current
        results["Isyn_next"] = current
    if operator == "LI":
        return {"U_next": beta * u + current}
    threshold = operands["threshold"]
    before = (u > threshold).astype(np.float32) * np.float32(delayed)
    if reset == 0:
        v = beta * u + current - before * threshold
    elif operator == "CubaLIF":
        v = (one - before) * (beta * u + current)
    else:
        v = beta * ((one - before) * u) + current
    results["V"] = v
    spikes = (v > threshold).astype(np.float32)
    now = spikes * np.float32(1 - delayed)
    results["S"] = spikes
    results["U_next"] = v - now * threshold if reset == 0 else (one - now) * v
    return results
