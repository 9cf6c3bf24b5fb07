"""Neurons on float32: emulator and C compute what ONNX Runtime does, to the bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import helper

from tinyc.ir.errors import ModelError

from .boards import M4, check_on_board
from .checks import agree, lowered, reference, samples_of
from .neurons import DECAYS, VARIANTS, in_windows, neuron_model, neuron_node, per_channel, spiking_model


def check(operator: str, reset: int, delayed: int, shape: Sequence[int], own: bool) -> None:
    """Under every schedule; an operand by itself lies as the model has it: channels are its last axis."""
    model = neuron_model(operator, reset, delayed, shape, per_channel(shape[-1]) if own else DECAYS)
    samples = samples_of(model)
    for program in in_windows(lowered(model)):
        agree(program, samples, reference(model, samples), tolerance=0.0)


@pytest.mark.parametrize(("operator", "reset", "delayed"), VARIANTS)
@pytest.mark.parametrize("own", [False, True], ids=["for all", "per channel"])
def test_variants(operator: str, reset: int, delayed: int, own: bool) -> None:
    check(operator, reset, delayed, (1, 4, 3, 9), own)


@pytest.mark.parametrize("shape", [(5,), (1, 1), (1, 7), (3, 8), (1, 33), (1, 6, 5), (2, 5, 2, 3)])
def test_shapes(shape: Sequence[int]) -> None:
    check("CubaLIF", 0, 1, shape, own=True)


@pytest.mark.parametrize(("operator", "reset", "delayed"), [("LIF", 0, 1), ("CubaLIF", 1, 0)])
def test_on_a_board(operator: str, reset: int, delayed: int) -> None:
    model = neuron_model(operator, reset, delayed, (1, 4, 3, 7), per_channel(7))
    check_on_board(lowered(model), M4)


@pytest.mark.parametrize("shape", [(1, 3, 4), (1, 3, 5, 2), (2, 4, 1, 3)])
def test_channels_of_an_image_have_their_own_parameters(shape: Sequence[int]) -> None:
    """[C, 1, 1], also where no convolution has laid channels last."""
    own = {n: v.reshape(-1, *[1] * (len(shape) - 2)) for n, v in per_channel(shape[1]).items()}
    model = neuron_model("CubaLIF", 0, 1, shape, own)
    samples = samples_of(model)
    agree(lowered(model), samples, reference(model, samples), tolerance=0.0)


def test_what_follows_a_convolution_has_its_channels_last() -> None:
    """Parameters are [C, 1, 1] there, and the state is handed over as the convolution's result lies."""
    shape, channels = (1, 3, 5, 4), 6
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["I"], "conv", pads=[1, 1, 1, 1]),
        neuron_node("LIF", 0, 1),
        helper.make_node("Reshape", ["S", "flat"], ["y"], "reshape"),
    ]
    own = {name: values[:, None, None] for name, values in per_channel(channels).items() if name != "alpha"}
    weights = np.random.default_rng(1).normal(size=(channels, 3, 3, 3)).astype(np.float32)
    constants = {"w": weights, "flat": np.array([1, -1]), **own}
    model = spiking_model(nodes, {"x": shape, "U": (1, channels, 5, 4)}, ["y", "U_next"], constants)
    samples = samples_of(model)
    program = lowered(model)
    assert [step.kernel.template for step in program.steps] == ["conv2d", "float_neuron", "transpose"]
    assert program.buffers[program.inputs[1]].shape == (1, 5, 4, channels)
    agree(program, samples, reference(model, samples))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"beta": np.full((3, 4), 0.5)}, "beta has the shape [3, 4]"),
        ({"threshold": np.ones((3, 4))}, "threshold has the shape [3, 4]"),
        ({"beta": 1.5}, "beta has values outside 0 … 1"),
        ({"beta": -0.1}, "beta has values outside 0 … 1"),
    ],
)
def test_refused_parameters(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError) as error:
        lowered(neuron_model("LIF", 0, 0, (1, 3, 4), {**DECAYS, **changed}))
    assert said in str(error.value) and "'neuron'" in str(error.value)


def test_refused_attributes() -> None:
    with pytest.raises(ModelError) as error:
        lowered(neuron_model("LIF", 2, 0, (1, 3), DECAYS))
    assert "its attribute reset is 2" in str(error.value)
