"""The Legendre memory: its matrices by another formula, and the window of the past that they hold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.legendre import legvander

from tinyc.models.lmu import discrete_memory, legendre_memory

pytest.importorskip("scipy", reason="discretisation needs SciPy, of the extras `train` and `test`")


def exponential(matrix: np.ndarray) -> np.ndarray:
    """e^matrix by its Taylor series, on a part small enough for it to converge, squared back."""
    halvings = max(0, int(np.ceil(np.log2(np.abs(matrix).sum(axis=1).max()))) + 4)
    part, term = np.eye(len(matrix)), np.eye(len(matrix))
    for n in range(1, 16):
        term = term @ matrix / (n * 2**halvings)
        part = part + term
    return np.linalg.matrix_power(part, 2**halvings)


@pytest.mark.parametrize(("order", "theta"), [(1, 3.0), (2, 8.0), (4, 8.0), (7, 10.0), (12, 50.0), (32, 128)])
def test_zero_order_hold_is_the_matrix_exponential(order: int, theta: float) -> None:
    a, b = legendre_memory(order, theta)
    step, drive = discrete_memory(order, theta)
    expected = exponential(a)
    np.testing.assert_allclose(step, expected, rtol=0, atol=1e-9)
    # The input is held for one step: B̄ = A⁻¹ (e^A − 1) B.
    np.testing.assert_allclose(drive, np.linalg.solve(a, (expected - np.eye(order)) @ b), rtol=0, atol=1e-9)


def test_matrices_of_a_small_memory() -> None:
    a, b = legendre_memory(3, 2.0)
    np.testing.assert_array_equal(a, np.array([[-1, -1, -1], [3, -3, -3], [-5, 5, -5]]) / 2)
    np.testing.assert_array_equal(b, np.array([[1], [-3], [5]]) / 2)


@pytest.mark.parametrize(("order", "theta", "worst"), [(6, 40.0, 0.03), (12, 40.0, 0.01), (8, 25.0, 0.02)])
def test_memory_holds_the_last_theta_steps(order: int, theta: float, worst: float) -> None:
    """m reconstructs u(t − θ·r) by shifted Legendre polynomials; near r = 0 the held input's steps show."""
    step, drive = discrete_memory(order, theta)

    def signal(t: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * t / theta) + 0.5 * np.cos(2 * np.pi * t / (1.7 * theta))

    memory, steps = np.zeros((order, 1)), int(6 * theta)
    for t in range(steps):
        memory = step @ memory + drive * signal(np.array(t + 0.5))
    past = np.linspace(0.05, 1, 33)
    window = legvander(2 * past - 1, order - 1) @ memory[:, 0]
    assert np.abs(window - signal(steps - theta * past)).max() < worst


@pytest.mark.parametrize(("order", "theta"), [(0, 8.0), (3, 0.0), (3, -1.0), (3, float("nan"))])
def test_impossible_memories_are_refused(order: int, theta: float) -> None:
    with pytest.raises(ValueError, match="order >= 1 and theta > 0"):
        legendre_memory(order, theta)
