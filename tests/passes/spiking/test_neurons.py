"""Neurons as ONNX functions: step by step in ONNX Runtime, against NumPy and against snnTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.ir.errors import ModelError
from tinyc.passes.spiking.neurons import NEURONS, SPIKING_DOMAIN, beta_of

from ...kernels.neurons import VARIANTS, neuron_node, spiking_model
from ..onnx_text import run
from .recurrences import step

RECORDED = np.load(Path(__file__).with_name("snntorch_neurons.npz"))
CASES = sorted({key.split("/")[0] for key in RECORDED})

def model_of(
    operator: str, operands: Mapping[str, np.ndarray], reset: int, delayed: int, opset: int = 25
) -> onnx.ModelProto:
    """A model of one neuron with all of its operands as inputs."""
    shapes = {name: operands[name].shape for name in NEURONS[operator].inputs}
    node = neuron_node(operator, reset, delayed)
    return spiking_model([node], shapes, NEURONS[operator].outputs, {}, opset)


@pytest.mark.parametrize("case", CASES)
def test_neurons_do_what_snntorch_does(case: str) -> None:
    operator, *variant = case.split("_")
    reset, delayed = (int(variant[1]), int(variant[2])) if len(variant) > 1 else (0, 0)
    arrays = {key.split("/")[1]: RECORDED[key] for key in RECORDED if key.startswith(case + "/")}
    neuron = NEURONS[operator]
    operands = {name: arrays[name] for name in ("I", *neuron.parameters)}
    operands |= {name: np.zeros_like(arrays["I"][0]) for name in neuron.state}
    model = model_of(operator, {**operands, "I": arrays["I"][0]}, reset, delayed)
    for number, current in enumerate(arrays["I"]):
        found = dict(zip(neuron.outputs, run(model, {**operands, "I": current}), strict=True))
        for name, array in found.items():
            np.testing.assert_array_equal(array, arrays[name][number].astype(np.float32))
        operands |= {name: found[f"{name}_next"] for name in neuron.state}
    if neuron.spikes:
        assert 0.02 < arrays["S"].mean() < 0.98


@pytest.mark.parametrize(("operator", "reset", "delayed"), VARIANTS)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_onnx_runtime_computes_the_recurrence(
    operator: str, reset: int, delayed: int, data: st.DataObject
) -> None:
    """From any state, with parameters per tensor or per channel, for vectors and images."""
    shape = data.draw(st.sampled_from([(1, 1), (1, 7), (2, 33), (1, 3, 5, 2)]))
    along = (shape[1], *[1] * (len(shape) - 2))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    neuron = NEURONS[operator]
    operands = {name: random.uniform(-2, 2, shape).astype(np.float32) for name in ("I", *neuron.state)}
    for name in neuron.parameters:
        size = data.draw(st.sampled_from([(), (1,), along]))
        operands[name] = random.uniform(0.1, 1, size).astype(np.float32)
    found = run(model_of(operator, operands, reset, delayed), operands)
    wanted = step(operator, operands, reset, delayed)
    for name, array in zip(neuron.outputs, found, strict=True):
        np.testing.assert_array_equal(array, wanted[name])


@pytest.mark.parametrize("operator", NEURONS)
@pytest.mark.parametrize("opset", [13, 17, 25])
def test_a_function_is_of_the_models_opset(operator: str, opset: int) -> None:
    operands = {name: np.full((1, 3), 0.75, np.float32) for name in NEURONS[operator].inputs}
    model = model_of(operator, operands, 1, 1, opset)
    assert [o.version for o in model.functions[0].opset_import] == [opset]
    onnx.checker.check_model(model, full_check=True)
    found = run(model, operands)
    for name, array in zip(NEURONS[operator].outputs, found, strict=True):
        np.testing.assert_array_equal(array, step(operator, operands, 1, 1)[name])


def test_only_the_neurons_that_are_called_are_added() -> None:
    model = model_of("LI", {name: np.ones((1, 2), np.float32) for name in NEURONS["LI"].inputs}, 0, 0)
    assert [(f.domain, f.name) for f in model.functions] == [(SPIKING_DOMAIN, "LI")]


def test_beta_is_the_decay_of_one_step() -> None:
    np.testing.assert_allclose(beta_of(np.array([0.02, 0.005]), 1e-3), [0.951229425, 0.818730753], rtol=1e-9)
    assert beta_of(np.inf, 1e-3) == 1.0


@pytest.mark.parametrize(
    ("tau", "dt", "said"),
    [
        (0.0, 1e-3, "it is 0 seconds"),
        (-2e-2, 1e-3, "it is -0.02 seconds"),
        (np.array([0.1, np.nan]), 1e-3, "it is nan seconds"),
        (0.02, 0.0, "time step"),
        (0.02, -1e-3, "time step"),
        (0.02, np.inf, "time step"),
    ],
)
def test_time_constants_and_steps_must_be_positive(tau: float | np.ndarray, dt: float, said: str) -> None:
    with pytest.raises(ModelError) as error:
        beta_of(tau, dt)
    assert said in str(error.value)
