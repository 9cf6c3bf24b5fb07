"""NIR's neurons against their differential equations, taken in steps of dt in plain NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyc.ir.errors import ModelError, UsageError
from tinyc.models.stepping import run_steps
from tinyc.passes.nir import import_nir

from .nir_files import Node, chain, lif, node, write

pytest.importorskip("h5py", reason="reading .nir files needs the extra `nir`")

DT, STEPS, SIZE = 1e-3, 40, 9


def parameters(**ranges: tuple[float, float]) -> dict[str, np.ndarray]:
    return {name: np.linspace(low, high, SIZE) for name, (low, high) in ranges.items()}


LIF = parameters(tau=(1e-3, 2e-2), r=(0.5, 6.0), v_leak=(-0.2, 0.3), v_threshold=(0.2, 0.9))
IF = parameters(r=(0.2, 1.5), v_threshold=(0.5, 2.0))
LI = parameters(tau=(1.5e-3, 2e-2), r=(0.5, 2.0), v_leak=(0.3, -0.3))
CUBA = parameters(
    tau_syn=(1e-3, 5e-3), tau_mem=(3e-3, 1e-2), r=(0.5, 3.0), w_in=(1.0, 4.0), v_leak=(0, 0),
    v_threshold=(0.2, 0.6),
)  # fmt: skip


def recurrence(kind: str, p: dict[str, np.ndarray], currents: np.ndarray) -> np.ndarray:
    """Spikes (LI: potentials) of forward Euler steps, reset to zero at once."""
    v, synapse, results = np.zeros(SIZE), np.zeros(SIZE), []
    for current in currents[:, 0].astype(np.float64):
        if kind == "IF":
            v = v + p["r"] * current
        elif kind == "CubaLIF":
            synapse = synapse + DT / p["tau_syn"] * (p["w_in"] * current - synapse)
            v = v + DT / p["tau_mem"] * (p["r"] * synapse - v)
        else:
            v = v + DT / p["tau"] * (p["v_leak"] - v + p["r"] * current)
        fired = v > p.get("v_threshold", np.inf)
        results.append(v.copy() if kind == "LI" else fired)
        v = np.where(fired, 0, v)
    return np.stack(results)[:, None]


@pytest.mark.parametrize(("kind", "p"), [("LIF", LIF), ("IF", IF), ("LI", LI), ("CubaLIF", CUBA)])
def test_steps_of_the_differential_equation(tmp_path: Path, kind: str, p: dict[str, np.ndarray]) -> None:
    currents = np.random.default_rng(0).uniform(-0.5, 1.5, (STEPS, 1, SIZE)).astype(np.float32)
    path = write(tmp_path / "net.nir", chain([SIZE], neuron=node(kind, **p)))
    results = run_steps(import_nir(path, DT), {"input": currents})["output"]
    expected = recurrence(kind, p, currents)
    assert expected.std() > 0.05
    np.testing.assert_allclose(results, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("reset", ["zero", "subtract", "zero-delayed", "subtract-delayed"])
def test_resets(tmp_path: Path, reset: Any) -> None:
    """U ← U / 2 + I with Θ = 1: what is left of a potential of 1.5, at once or a step later."""
    path = write(tmp_path / "net.nir", chain([1], neuron=lif(r=2.0)))
    results = run_steps(import_nir(path, DT, reset), {"input": np.float32([1.5, 0, 0]).reshape(3, 1, 1)})
    expected = {
        "zero": [0, 0, 0],
        "subtract": [0.5, 0.25, 0.125],
        "zero-delayed": [1.5, 0, 0],
        "subtract-delayed": [1.5, -0.25, -0.125],
    }
    assert results["neuron.U_next"].ravel().tolist() == expected[reset]
    assert results["output"].ravel().tolist() == [1, 0, 0]


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 4, 5)])
@pytest.mark.parametrize("axes", [0, 1, 3])
def test_parameters_are_as_small_as_they_can_be(tmp_path: Path, shape: tuple[int, ...], axes: int) -> None:
    """Stored for every neuron; one element, or one per channel, where that is all there is."""
    sizes = [size if i < axes else 1 for i, size in enumerate(shape)]
    thresholds = np.broadcast_to(np.arange(1, np.prod(sizes) + 1).reshape(sizes), shape)
    stored = {name: np.broadcast_to(value, shape) for name, value in lif().items() if name != "type"}
    neuron = node("LIF", **stored | {"v_threshold": thresholds})
    path = write(tmp_path / "net.nir", chain(shape, neuron=neuron))
    weights = {weight.name: tuple(weight.dims) for weight in import_nir(path, DT).graph.initializer}
    assert weights["neuron.threshold"] == (tuple(sizes) if axes else ())
    assert weights["neuron.beta"] == ()


def test_snntorchs_rounding_leaves_no_factor(tmp_path: Path) -> None:
    """τ and r are float32 in files: r·dt/τ is 1 there, and β = 0 where τ = dt."""
    beta = np.float32([0.0, 0.31, 0.9, 0.97])
    tau = (1e-4 / (1 - beta)).astype(np.float32)
    neuron = node("LIF", tau=tau, r=(tau / 1e-4).astype(np.float32), v_leak=beta * 0, v_threshold=beta + 1)
    model = import_nir(write(tmp_path / "net.nir", chain([4], neuron=neuron)), 1e-4)
    assert [node.op_type for node in model.graph.node] == ["LIF"]
    (stored,) = [w.raw_data for w in model.graph.initializer if w.name == "neuron.beta"]
    np.testing.assert_allclose(np.frombuffer(stored, np.float32), beta, rtol=0, atol=2**-24)


@pytest.mark.parametrize(
    ("dt", "why"),
    [(None, "needs a time step"), (0.0, "--dt cannot be 0"), (-1e-3, "--dt cannot be -0.001"),
     (float("nan"), "--dt cannot be nan"), (float("inf"), "--dt cannot be inf"),
     (2.1e-3, "longer than a time constant")],
)  # fmt: skip
def test_time_steps_that_are_refused(tmp_path: Path, dt: float | None, why: str) -> None:
    path = write(tmp_path / "net.nir", chain([1], neuron=lif()))
    with pytest.raises(UsageError, match=why) as refusal:
        import_nir(path, dt)
    assert "--dt 0.0001" in refusal.value.remedy


CUBA_ONE = {name: values[:1] for name, values in CUBA.items()}


@pytest.mark.parametrize(
    ("neuron", "what"),
    [
        (lif(tau=0.0), "time constant must be positive"),
        (lif(tau=-1e-3), "time constant must be positive"),
        (node("CubaLIF", **CUBA_ONE | {"tau_syn": np.zeros(1)}), "time constant must be positive"),
        (lif(v_reset=-0.5), "resets to another potential than 0"),
        (node("CubaLIF", **CUBA_ONE | {"v_leak": np.ones(1)}), "leak potential is not supported"),
        (lif(tau=float("nan")), "malformed"),
        ({**lif(), "tau": np.ones(2), "r": np.ones(3)}, "differ in shape"),
        (node("LIF", tau=np.ones(1)), "malformed"),
        ({**lif(), "tau": "fast"}, "malformed"),
        (lif(2), "does not fit"),
    ],
)
def test_neurons_that_are_refused(tmp_path: Path, neuron: Node, what: str) -> None:
    path = write(tmp_path / "net.nir", chain([1], neuron=neuron))
    with pytest.raises(ModelError, match=what) as refusal:
        import_nir(path, DT)
    assert "node 'neuron'" in refusal.value.where and refusal.value.why and refusal.value.remedy
