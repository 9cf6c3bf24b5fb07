"""Streaming: the steps of a recurrent model are its whole sequence, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from onnx import helper

from tinyc.compiler.stepping import Stepper
from tinyc.emulator.machine import Machine
from tinyc.ir.errors import ModelError, UsageError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.lower import lower
from tinyc.passes.place import place
from tinyc.passes.settle import settle_states
from tinyc.passes.streaming import stream, time_axis
from tinyc.passes.validate import validate

from ..kernels.checks import float_model, reference, samples_of
from ..kernels.recurrent_models import int8_recurrent_model, recurrent_model

STEPS = 7
SIZES = (STEPS, 1, 3, 9)

CASES: dict[str, dict[str, Any]] = {
    "LSTM": dict(operator="LSTM", results=("Y",)),
    "LSTM, last state": dict(operator="LSTM", results=("Y_h",)),
    "LSTM, all states and the last": dict(operator="LSTM", results=("Y", "Y_h"), initial=True),
    "LSTM, coupled, peepholes": dict(operator="LSTM", results=("Y",), input_forget=1, peepholes=True),
    "GRU": dict(operator="GRU", results=("Y",), initial=True),
    "GRU, last state": dict(operator="GRU", results=("Y_h",), linear_before_reset=1),
    "RNN": dict(operator="RNN", results=("Y",), initial=True),
    "RNN, relu": dict(operator="RNN", results=("Y",), activations=["Relu"]),
}


def canonical(model: onnx.ModelProto) -> oir.Model:
    return canonicalize(oir.serde.deserialize_model(model))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("make", [recurrent_model, int8_recurrent_model])
def test_steps_are_the_whole_sequence(case: str, make: Any) -> None:
    model = make(sizes=SIZES, **CASES[case])
    whole = place(lower(canonical(model), "test"))
    step = place(settle_states(lower(stream(canonical(model)).model, "test")))
    validate(step)
    for sample in samples_of(model):
        (sequence,) = sample.values()
        wanted = Machine(whole).run({whole.inputs[0]: sequence})
        machine = Machine(step)
        given = [machine.run({step.inputs[0]: frame[None]}) for frame in sequence]
        for theirs, mine in zip(whole.outputs, step.outputs, strict=True):
            steps = np.stack([found[mine].reshape(-1) for found in given])
            every = whole.buffers[theirs].shape[0] == STEPS
            want = wanted[theirs].reshape(STEPS if every else 1, -1)
            np.testing.assert_array_equal(steps if every else steps[-1:], want)


def test_onnx_runtime_runs_the_steps() -> None:
    model = recurrent_model("LSTM", SIZES, results=("Y",), initial=True)
    stepper = Stepper(stream(canonical(model)).model)
    (sample,) = samples_of(model, 1)
    ((wanted,),) = reference(model, [sample])
    _, found = stepper.run([{"x": frame[None]} for frame in sample["x"]])
    np.testing.assert_allclose(np.concatenate([step["Y"] for step in found]), wanted, atol=1e-6)


def head(*nodes: onnx.NodeProto, direction: str = "forward", **constants: np.ndarray) -> onnx.ModelProto:
    """A layer behind a Transpose from batch first, and ``nodes`` that read its states Y [5, 1, 1, 4]."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=(1, 16, n)).astype(np.float32) for name, n in (("W", 3), ("R", 4))}
    turned = helper.make_node("Transpose", ["x"], ["frames"], "turned", perm=[1, 0, 2])
    layer = helper.make_node("LSTM", ["frames", "W", "R"], ["Y"], "cell", hidden_size=4, direction=direction)
    return float_model(
        [turned, layer, *nodes], {"x": (1, 5, 3)}, [nodes[-1].output[0]], {**weights, **constants}
    )


def test_the_last_step_is_gathered() -> None:
    model = head(helper.make_node("Gather", ["Y", "minus"], ["last"], "last", axis=0), minus=np.array(-1))
    step = place(settle_states(lower(stream(canonical(model)).model, "test")))
    (sample,) = samples_of(model, 1)
    ((wanted,),) = reference(model, [sample])
    machine = Machine(step)
    found = [machine.run({step.inputs[0]: sample["x"][:, t : t + 1]}) for t in range(5)]
    np.testing.assert_allclose(found[-1][step.outputs[0]], wanted, atol=1e-5)


def test_time_is_found_and_followed() -> None:
    """Through a transpose, a reshape, a product, a softmax and the choice of the last step."""
    rng = np.random.default_rng(1)
    model = head(
        helper.make_node("Reshape", ["Y", "shape"], ["flat"], "flat"),
        helper.make_node("Gemm", ["flat", "M"], ["product"], "product"),
        helper.make_node("Softmax", ["product"], ["shares"], "shares", axis=-1),
        helper.make_node("Slice", ["shares", "four", "five", "zero"], ["last"], "last"),
        shape=np.array([5, 4]), M=rng.normal(size=(4, 6)).astype(np.float32),
        four=np.array([4]), five=np.array([5]), zero=np.array([0]),
    )  # fmt: skip
    assert time_axis(canonical(model)) == 1
    step = place(settle_states(lower(stream(canonical(model)).model, "test")))
    (sample,) = samples_of(model, 1)
    ((wanted,),) = reference(model, [sample])
    machine = Machine(step)
    found = [machine.run({step.inputs[0]: sample["x"][:, t : t + 1]}) for t in range(5)]
    np.testing.assert_allclose(found[-1][step.outputs[0]].reshape(1, 6), wanted, atol=1e-5)


def test_a_mean_over_time_keeps_a_window() -> None:
    model = head(helper.make_node("ReduceMean", ["Y", "axes"], ["mean"], "mean"), axes=np.array([0]))
    streamed = stream(canonical(model))
    step = place(settle_states(lower(streamed.model, "test")))
    (sample,) = samples_of(model, 1)
    ((wanted,),) = reference(model, [sample])
    machine = Machine(step)
    found = [machine.run({step.inputs[0]: sample["x"][:, t : t + 1]}) for t in range(5)]
    assert streamed.warm_up == 4
    np.testing.assert_allclose(found[-1][step.outputs[0]], wanted, atol=1e-5)


MEAN = helper.make_node("ReduceMean", ["Y", "axes"], ["mean"], "mean")


@pytest.mark.parametrize(
    ("model", "axis", "said"),
    [
        (lambda: head(MEAN, direction="reverse", axes=np.array([3])), None, "from its end"),
        (
            lambda: head(helper.make_node("Gather", ["Y", "two"], ["third"], "third"), two=np.array([2])),
            None,
            "other steps than the last of 5",
        ),
        (lambda: head(MEAN, axes=np.array([3])), 2, "not the axis along which"),
        (lambda: recurrent_model("GRU", (5, 2, 3, 4), lengths=(2, 3)), None, "lengths"),
        (
            lambda: float_model([helper.make_node("Relu", ["x"], ["y"])], {"x": (5, 3)}, ["y"]),
            None,
            "no layer of it is recurrent",
        ),
    ],
)
def test_refusals(model: Any, axis: int | None, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        stream(canonical(model()), axis)


def test_no_such_axis() -> None:
    with pytest.raises(UsageError, match="--stream cannot be 3"):
        stream(canonical(head(MEAN, axes=np.array([3]))), 3)
