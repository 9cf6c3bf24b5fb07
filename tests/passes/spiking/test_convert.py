"""ReLU networks as spiking ones: rates against activations, pools, states, refusals."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize.calibration import Calibration
from tinyc.passes.quantize.running import Runner
from tinyc.passes.spiking.choice import rate_coded
from tinyc.passes.spiking.convert import convert
from tinyc.passes.spiking.inputs import SpikeCoding
from tinyc.passes.spiking.rates import RateCoding, exit_margin, exits, first_outputs, rate_coding
from tinyc.passes.state_pairs import state_pairs

from ..onnx_text import build, normal

_RNG = np.random.default_rng(7)
_STEPS = 400


def _weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    return {name: normal(*shape, scale=1.4 / np.sqrt(np.prod(shape[1:]))) for name, shape in shapes.items()}


def _model(text: str, shape: tuple[int, ...], shapes: dict[str, tuple[int, ...]]) -> oir.Model:
    """The canonical model of ``text`` from ``x`` to ``y``, with random weights of ``shapes``."""
    sizes = ",".join(map(str, shape))
    return canonicalize(
        import_model(build(f"float[{sizes}] x", text, _weights(shapes), outputs="float[n] y"))
    )


_NETWORKS = {
    "two convolutions": (
        "a = Conv <pads=[1,0,0,1]> (x, w, b) h = Relu (a) y = Conv <strides=[2,1]> (h, v)",
        (1, 2, 7, 5),
        {"w": (3, 2, 3, 2), "b": (3,), "v": (2, 3, 3, 2)},
    ),
    "depthwise": (
        "a = Conv (x, w) h = Relu (a) y = Conv <group=3> (h, v)",
        (1, 1, 6, 5),
        {"w": (3, 1, 2, 2), "v": (6, 1, 3, 1)},
    ),
    "dense": (
        "a = Gemm <transB=1> (x, w, b) h = Relu (a) y = MatMul (h, v)",
        (1, 9),
        {"w": (7, 9), "b": (7,), "v": (7, 4)},
    ),
    "flattened": (
        "a = Conv (x, w) h = Relu (a) f = Flatten (h) y = Gemm (f, v)",
        (1, 2, 4, 3),
        {"w": (3, 2, 2, 2), "v": (18, 5)},
    ),
    "clipped at 0.5": (
        "low = Constant <value_float=0.0> () high = Constant <value_float=0.5> () a = Conv (x, w) "
        "h = Clip (a, low, high) y = Conv (h, v)",
        (1, 2, 4, 5),
        {"w": (3, 2, 3, 3), "v": (2, 3, 1, 1)},
    ),
    "mean of all": (
        "a = Conv (x, w) h = Relu (a) p = GlobalAveragePool (h) f = Flatten (p) y = Gemm (f, v)",
        (1, 1, 6, 4),
        {"w": (5, 1, 3, 3), "v": (5, 3)},
    ),
    "greatest of windows": (
        "a = Conv (x, w) h = Relu (a) p = MaxPool <kernel_shape=[3,2], strides=[2,1]> (h) y = Conv (p, v)",
        (1, 1, 8, 5),
        {"w": (4, 1, 2, 2), "v": (3, 4, 2, 2)},
    ),
    "residual": (
        "a = Conv (x, w) h = Relu (a) c = Conv <pads=[1,1,1,1]> (h, v) s = Add (h, c) y = Relu (s)",
        (1, 2, 5, 4),
        {"w": (3, 2, 2, 2), "v": (3, 3, 3, 3)},
    ),
    "joined": (
        "a = Conv (x, w) h = Relu (a) c = Conv (x, v) k = Relu (c) "
        "j = Concat <axis=1> (h, k) y = Conv (j, u)",
        (1, 1, 5, 6),
        {"w": (2, 1, 3, 3), "v": (3, 1, 3, 3), "u": (2, 5, 2, 1)},
    ),
    "softmax at the end": (
        "a = MatMul (x, w) h = Relu (a) s = MatMul (h, v) y = Softmax (s)",
        (1, 6),
        {"w": (6, 8), "v": (8, 3)},
    ),
}


@pytest.mark.parametrize("name", _NETWORKS)
def test_the_mean_over_many_steps_is_the_float_output(name: str) -> None:
    text, shape, shapes = _NETWORKS[name]
    model = _model(text, shape, shapes)
    samples = [{"x": _RNG.uniform(0, 1, shape).astype(np.float32)} for _ in range(3)]
    spiking = convert(model, Calibration(tuple(samples)), _STEPS, percentile=100.0)
    means = first_outputs(spiking, _STEPS, samples)[:, -1] / _STEPS
    ends = model.clone()
    if (last := ends.graph.outputs[0].producer()) is not None and last.op_type == "Softmax":
        scores = last.inputs[0]
        assert scores is not None
        ends.graph.outputs[0] = scores
    wanted = np.stack([next(iter(Runner(ends).run(sample).values())).reshape(-1) for sample in samples])
    assert np.abs(means - wanted).max() <= 0.03 * np.ptp(wanted)


@pytest.mark.parametrize("coding", ["poisson", "latency"])
@pytest.mark.parametrize("name", ["two convolutions", "depthwise", "dense", "flattened", "joined"])
def test_inputs_as_spikes_mean_the_same(name: str, coding: SpikeCoding) -> None:
    """Times to a spike are exact up to an eighth; rates of spikes at random come close in many steps."""
    text, shape, shapes = _NETWORKS[name]
    model = _model(text, shape, shapes)
    samples = [{"x": _RNG.integers(0, 9, shape).astype(np.float32) / 8} for _ in range(3)]
    samples[0]["x"].flat[0] = 1.0
    spiking = convert(model, Calibration(tuple(samples)), _STEPS, percentile=100.0, coding=coding)
    means = first_outputs(spiking, _STEPS, samples)[:, -1] / _STEPS
    wanted = np.stack([next(iter(Runner(model).run(sample).values())).reshape(-1) for sample in samples])
    error = np.abs(means - wanted).max() / np.ptp(wanted)
    assert error <= (0.12 if coding == "poisson" else 0.03)


def test_the_first_time_in_a_window_is_that_of_its_greatest_value() -> None:
    shape = (1, 1, 4, 4)
    text = "p = MaxPool <kernel_shape=[2,2], strides=[2,2]> (x) a = Conv (p, w) h = Relu (a) y = Conv (h, v)"
    model = _model(text, shape, {"w": (2, 1, 1, 1), "v": (2, 2, 1, 1)})
    sample = {"x": _RNG.integers(0, 9, shape).astype(np.float32) / 8}
    sample["x"].flat[0] = 1.0
    spiking = convert(model, Calibration((sample,)), 8, percentile=100.0, coding="latency")
    (pool,) = (node for node in spiking.graph if node.op_type == "RateMaxPool")
    trains = first_outputs(_showing(spiking, str(pool.outputs[0].name)), 8, [sample])[0]
    counts = sample["x"].reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4).max(axis=1) * 8
    assert trains.sum(axis=0).tolist() == (counts > 0).tolist()
    assert [8 - train.argmax() for train in trains.T if train.any()] == counts[counts > 0].tolist()


def _showing(model: oir.Model, name: str) -> oir.Model:
    """``model`` with the tensor ``name`` as its first output."""
    shown = model.clone()
    value = next(v for node in shown.graph for v in node.outputs if v.name == name)
    shown.graph.outputs.insert(0, value)
    return shown


@pytest.mark.parametrize(
    ("text", "shapes", "low", "coding", "says"),
    [
        ("a = MatMul (x, w) y = Relu (a)", {"w": (4, 3)}, -1.0, "poisson", "no number of spikes is negative"),
        ("a = MatMul (x, w) y = Relu (a)", {"w": (4, 3)}, -1.0, "latency", "samples go from -1 to 1"),
        ("a = Relu (x) y = Add (a, x)", {}, 0.0, "latency", "Add node.*no weights come before"),
    ],
)
def test_inputs_that_have_no_spikes_are_refused(
    text: str, shapes: dict[str, tuple[int, ...]], low: float, coding: SpikeCoding, says: str
) -> None:
    model = _model(text, (1, 4), shapes)
    samples = ({"x": np.array([[low, 0, 0.5, 1]], np.float32)},)
    with pytest.raises(ModelError, match=f"(?s){says}"):
        convert(model, Calibration(samples), 4, coding=coding)


def test_a_window_spikes_as_often_as_its_busiest_element() -> None:
    shape, rates = (1, 1, 4, 4), np.array([0.9, 0.1, 0.3, 0.6], np.float32)
    model = _model("h = Relu (x) p = MaxPool <kernel_shape=[1,4]> (h) y = Relu (p)", shape, {})
    sample = {"x": np.broadcast_to(rates, shape).astype(np.float32)}
    spiking = convert(model, Calibration((sample,)), 20, percentile=100.0)
    assert len(state_pairs(spiking)) == 4  # membranes, counts, peaks, sum
    outputs = first_outputs(spiking, 20, [sample])
    assert outputs[0, -1].tolist() == pytest.approx([0.9 * 20] * 4)


def test_membranes_and_sums_are_states_with_names_without_separators() -> None:
    model = _model("a = MatMul (x, w) h = Relu (a) y = MatMul (h, v)", (1, 4), {"w": (4, 3), "v": (3, 2)})
    model.graph.outputs[0].name = "of:all,sums"
    spiking = convert(model, Calibration(({"x": np.ones((1, 4), np.float32)},)), 4)
    names = {str(v.name) for v in (*spiking.graph.inputs, *spiking.graph.outputs)}
    assert {name for pair in state_pairs(spiking) for name in (pair.input, pair.output)} <= names
    assert spiking.graph.outputs[0].name == "of:all,sums"
    assert len(state_pairs(spiking)) == 2
    assert spiking.metadata_props["tinyc.steps"] == "4"


@pytest.mark.parametrize(
    ("text", "shapes", "says"),
    [
        ("a = Sigmoid (x) b = Relu (a) y = Tanh (b)", {}, "Sigmoid node.*Tanh node"),
        ("y = MatMul (x, w)", {"w": (4, 3)}, "no ReLU"),
        (
            "a = MatMul (x, w) h = Relu (a) t = Transpose (h) y = MatMul (h, t)",
            {"w": (4, 3)},
            "weights are computed",
        ),
        (
            "low = Constant <value_float=-1.0> () high = Constant <value_float=1.0> () "
            "y = Clip (x, low, high)",
            {},
            "clips at -1",
        ),
    ],
)
def test_what_has_no_rate_is_refused_by_name(
    text: str, shapes: dict[str, tuple[int, ...]], says: str
) -> None:
    model = _model(text, (1, 4), shapes)
    with pytest.raises(ModelError, match=says):
        convert(model, Calibration(({"x": np.ones((1, 4), np.float32)},)), 4)


def test_max_pool_in_front_of_the_relu_is_refused() -> None:
    model = _model(
        "a = Conv (x, w) h = Relu (a) c = Conv (h, v) p = MaxPool <kernel_shape=[2,2]> (c) y = Relu (p)",
        (1, 1, 6, 6), {"w": (2, 1, 1, 1), "v": (2, 2, 1, 1)},
    )  # fmt: skip
    with pytest.raises(ModelError, match="behind the ReLU"):
        convert(model, Calibration(({"x": np.ones((1, 1, 6, 6), np.float32)},)), 4)


def test_exits_come_where_no_calibration_sample_changed_its_class_afterwards() -> None:
    outputs = np.array([[[2.0, 1, 0], [2, 3, 0], [2, 6, 0]], [[0, 0, 4], [0, 0, 8], [0, 0, 12]]])
    margin = exit_margin(outputs)
    assert margin == pytest.approx(2.0)
    classes, steps = exits(outputs, margin)
    assert classes.tolist() == [1, 2]
    assert steps.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("noted", "says"),
    [
        ({"tinyc.steps": "0"}, "tinyc.steps = '0'"),
        ({"tinyc.steps": "many"}, "tinyc.steps = 'many'"),
        ({"tinyc.steps": "8", "tinyc.exit_margin": "nan"}, "exit_margin = 'nan'"),
        ({"tinyc.steps": "8", "tinyc.exit_margin": "-1"}, "exit_margin = '-1'"),
        ({"tinyc.steps": "8"}, "it has no states"),
    ],
)
def test_steps_that_cannot_be_meant_are_refused(noted: dict[str, str], says: str) -> None:
    text, shape, shapes = _NETWORKS["dense"]
    model = _model(text, shape, shapes)
    assert rate_coding(model) is None
    model.metadata_props.update(noted)
    with pytest.raises(ModelError, match=says):
        rate_coding(model)


def test_thresholds_are_chosen_by_agreement_and_exits_keep_it() -> None:
    text, shape, shapes = _NETWORKS["dense"]
    model = _model(text, shape, shapes)
    samples = tuple({"x": normal(*shape, seed=seed)} for seed in range(40))
    found = rate_coded(model, Calibration(samples), 24)
    assert found.agreement[-1] >= 0.9 > found.agreement[0]
    assert found.agreement_at_exit == found.agreement[-1]
    assert 1 <= found.mean_steps < 24
    assert rate_coding(found.model) == RateCoding(24, found.margin)
