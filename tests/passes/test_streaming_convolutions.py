"""Streaming convolutions: the calls of a stream are the whole sequence, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.emulator.machine import Machine
from tinyc.ir.errors import ModelError
from tinyc.ir.program import Program
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.onnx_builder import GraphBuilder
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.samples import Samples, sequences_of
from tinyc.passes.settle import settle_states
from tinyc.passes.shift import shift_states
from tinyc.passes.streaming import Streamed, stream, time_axis
from tinyc.passes.validate import validate

FRAMES = 23


class Net(GraphBuilder):
    """A network over ``shape`` whose weights are random; ``axis`` of its tensors is time."""

    def __init__(self, *shape: int, axis: int = 2) -> None:
        super().__init__("net")
        self.x, self.axis = self.input("x", list(shape)), axis
        self._rng, self._rank, self._count = np.random.default_rng(0), len(shape), 0

    def _along(self, values: tuple[int, int]) -> list[int]:
        """Of each spatial axis; the first of ``values`` for time."""
        return [values[0] if self.axis == axis else values[1] for axis in range(2, self._rank)]

    def _scope(self, name: str) -> str:
        self._count += 1
        return f"{name}{self._count}"

    def conv(
        self, x: oir.Value, inputs: int, outputs: int, taps: int = 3, dilation: int = 1, stride: int = 1,
        before: int | None = None, after: int = 0, groups: int = 1, across: int = 1,
    ) -> oir.Value:  # fmt: skip
        """Causal unless ``before`` says how many frames it pads."""
        scope, before = self._scope("conv"), (taps - 1) * dilation if before is None else before
        shape = (outputs, inputs // groups, *self._along((taps, across)))
        weights = self._rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        operands = [self.weight(f"{scope}.w", weights.astype(np.float32))]
        operands += [self.weight(f"{scope}.b", self._rng.normal(size=outputs).astype(np.float32))]
        pads = [*self._along((before, across // 2)), *self._along((after, across // 2))]
        return self.op(
            "Conv", scope, [x, *operands], dilations=self._along((dilation, 1)), group=groups,
            strides=self._along((stride, 1)), pads=pads,
        )  # fmt: skip

    def pool(
        self, operator: str, x: oir.Value, taps: int, stride: int, before: int = 0, **attributes: int
    ) -> oir.Value:
        pads = [*self._along((before, 0)), *self._along((0, 0))]
        return self.op(
            operator, self._scope("pool"), [x], kernel_shape=self._along((taps, 1)),
            strides=self._along((stride, 1)), pads=pads, **attributes,
        )  # fmt: skip

    def part(self, x: oir.Value, first: int, end: int) -> oir.Value:
        scope = self._scope("part")
        bounds = [self.weight(f"{scope}.{n}", np.array([n])) for n in (first, end)]
        return self.op("Slice", scope, [x, *bounds, self.weight(f"{scope}.axis", np.array([self.axis]))])

    def relu(self, x: oir.Value) -> oir.Value:
        return self.op("Relu", self._scope("relu"), [x])

    def add(self, *operands: oir.Value) -> oir.Value:
        return self.op("Add", self._scope("add"), operands)

    def dense(self, x: oir.Value, inputs: int) -> oir.Value:
        scope = self._scope("dense")
        flat = self.op("Flatten", scope, [x], axis=1)
        weights = self.weight(f"{scope}.w", self._rng.normal(size=(inputs, 3)).astype(np.float32))
        return self.op("Gemm", scope, [flat, weights])

    def done(self, y: oir.Value) -> onnx.ModelProto:
        return self.model({"y": y}, 17)


def layers(**options: Any) -> Callable[[], onnx.ModelProto]:
    """Two convolutions, the second depthwise and as ``options`` say."""

    def made() -> onnx.ModelProto:
        net = Net(1, 5, FRAMES)
        return net.done(net.conv(net.relu(net.conv(net.x, 5, 6, **options)), 6, 6, groups=6, taps=2))

    return made


def two_dimensional() -> onnx.ModelProto:
    net = Net(1, 2, FRAMES, 7)
    x = net.relu(net.conv(net.x, 2, 4, taps=3, across=3, stride=2, before=1))
    return net.done(net.dense(net.op("GlobalAveragePool", "mean", [net.conv(x, 4, 5, across=3)]), 5))


def residual(before: int | None = 0) -> Callable[[], onnx.ModelProto]:
    """Without padding the shortcut is cut and waits; with it nothing waits."""

    def made() -> onnx.ModelProto:
        net = Net(1, 4, FRAMES)
        deep = net.conv(net.relu(net.conv(net.x, 4, 4, before=before)), 4, 4, dilation=2, before=before)
        short = net.x if before is None else net.part(net.x, 6, FRAMES)
        return net.done(net.relu(net.add(deep, short)))

    return made


def early_shortcut() -> onnx.ModelProto:
    """The shortcut's first frames, which a stream has to hold back."""
    net = Net(1, 4, FRAMES)
    deep = net.conv(net.x, 4, 4, taps=4, before=0)
    return net.done(net.add(deep, net.part(net.x, 0, FRAMES - 3)))


def concatenated() -> onnx.ModelProto:
    net = Net(1, 4, FRAMES)
    wide, narrow = net.conv(net.x, 4, 3, taps=5), net.conv(net.x, 4, 2, taps=2)
    y = net.op("Concat", "both", [wide, narrow, net.relu(net.x)], axis=1)
    return net.done(net.conv(y, 9, 4, taps=1, stride=2))


def pooled(operator: str, stride: int, before: int = 0, **attributes: int) -> Callable[[], onnx.ModelProto]:
    def made() -> onnx.ModelProto:
        net = Net(1, 4, FRAMES - 1)
        x = net.conv(net.x, 4, 6)
        return net.done(net.conv(net.pool(operator, x, 2, stride, before, **attributes), 6, 3, taps=2))

    return made


def windowed(
    frames: int = FRAMES, stride: int = 1, before: int | None = None
) -> Callable[[], onnx.ModelProto]:
    def made() -> onnx.ModelProto:
        net = Net(1, 5, frames)
        x = net.relu(net.conv(net.x, 5, 4, taps=3, stride=stride, before=before))
        left = (frames + (2 if before is None else before) - 3) // stride + 1
        return net.done(net.dense(x, 4 * left))

    return made


def chomped() -> onnx.ModelProto:
    """As PyTorch writes causal layers: padded on both sides, and cut."""
    net = Net(1, 5, FRAMES)
    x = net.part(net.conv(net.x, 5, 4, taps=3, dilation=2, before=4, after=4), 0, FRAMES)
    return net.done(net.part(net.conv(net.relu(x), 4, 4, before=2, after=2), 0, FRAMES))


def frames_first() -> onnx.ModelProto:
    """As features come from a front end: (1, frames, 4)."""
    net = Net(1, FRAMES, 4)
    x = net.op("Transpose", "turned", [net.x], perm=[0, 2, 1])
    x = net.relu(net.conv(net.conv(x, 4, 6, taps=2), 6, 5, stride=2))
    return net.done(net.op("Transpose", "back", [x], perm=[0, 2, 1]))


CASES: dict[str, Callable[[], onnx.ModelProto]] = {
    "causal": layers(),
    "one tap": layers(taps=1),
    "dilated": layers(taps=3, dilation=4),
    "even kernel": layers(taps=4),
    "stride": layers(taps=5, stride=2),
    "stride beyond the kernel": layers(taps=2, stride=3, before=0, dilation=1),
    "stride, padded for its end": layers(taps=3, stride=2, before=1),
    "stride and dilation": layers(taps=3, stride=3, dilation=2),
    "two dimensions": two_dimensional,
    "residual": residual(None),
    "residual without padding": residual(),
    "shortcut that waits": early_shortcut,
    "concatenated": concatenated,
    "maxima": pooled("MaxPool", 2),
    "maxima of each frame, padded": pooled("MaxPool", 1, 1),
    "averages": pooled("AveragePool", 2),
    "averages over padding": pooled("AveragePool", 1, 1, count_include_pad=1),
    "window": windowed(),
    "window without padding": windowed(before=0),
    "window with stride": windowed(stride=2),
    "window with stride, without padding": windowed(22, stride=3, before=0),
    "chomped": chomped,
    "frames first": frames_first,
}


def canonical(model: onnx.ModelProto) -> oir.Model:
    return canonicalize(import_model(model))


def on_integers(model: oir.Model, seed: int = 0) -> oir.Model:
    (shape,) = [value.shape.numpy() for value in model.graph.inputs if value.shape is not None]
    samples = np.random.default_rng(seed).normal(size=(8, *shape)).astype(np.float32)
    return quantize(model, {"x": samples})


def agree(model: oir.Model, axis: int | None = None, seed: int = 1) -> Streamed:
    """Asserts that the stream of ``model`` gives the whole sequence's numbers behind its warm-up: bits of
    integers, floats up to the order of sums."""
    whole = place(lower(model.clone(), "test"))
    streamed = stream(model.clone(), axis)
    call = place(settle_states(shift_states(lower(streamed.model, "test"))))
    validate(call)
    rng, shape = np.random.default_rng(seed), streamed.inputs[0].shape
    exact = whole.buffers[whole.inputs[0]].dtype.value[0] == "int8"
    for _ in range(2):
        sample = rng.integers(-128, 128, shape).astype(np.int8) if exact else rng.normal(size=shape)
        sample = sample.astype(np.int8 if exact else np.float32)
        wanted = _run(whole, [sample])[0]
        steps = sequences_of(Samples({"x": sample[None]}), streamed.axes, streamed.frames).arrays["x"][0]
        found = _run(call, list(steps))
        _compare(wanted, found, streamed)
    return streamed


def _run(program: Program, steps: list[np.ndarray]) -> list[np.ndarray]:
    """The first output in the model's own order of axes, of each step."""
    machine = Machine(program)
    source, target = (program.buffers[names[0]] for names in (program.inputs, program.outputs))
    return [
        target.from_memory(machine.run({program.inputs[0]: source.to_memory(step)})[program.outputs[0]])
        for step in steps
    ]


def _compare(wanted: np.ndarray, found: list[np.ndarray], streamed: Streamed) -> None:
    if wanted.shape == found[0].shape and wanted.ndim < 3:  # one answer of a window
        given = found[streamed.warm_up]
        assert streamed.warm_up < len(found)
    else:
        axis = next(iter(streamed.axes.values()))
        frames = np.concatenate(found, axis=axis)
        lead = streamed.warm_up * found[0].shape[axis]
        given = np.take(frames, range(lead, lead + wanted.shape[axis]), axis=axis)
    if wanted.dtype == np.float32:
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-4)
    else:
        np.testing.assert_array_equal(given, wanted)


@pytest.mark.parametrize("quantized", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("case", CASES)
def test_calls_are_the_whole_sequence(case: str, quantized: bool) -> None:
    model = canonical(CASES[case]())
    agree(on_integers(model) if quantized else model)


@pytest.mark.parametrize(
    ("case", "frames", "warm_up"),
    [
        ("causal", 1, 0),
        ("stride and dilation", 3, 0),
        ("stride, padded for its end", 2, 0),
        ("residual without padding", 1, 6),
        ("window", 1, FRAMES - 1),
        ("window with stride", 2, 11),
        ("maxima", 2, 0),
    ],
)
def test_frames_of_a_call_and_warm_up(case: str, frames: int, warm_up: int) -> None:
    streamed = stream(canonical(CASES[case]()))
    assert (streamed.frames, streamed.warm_up, dict(streamed.axes)) == (frames, warm_up, {"x": 2})


def test_who_reads_the_same_shares_a_ring() -> None:
    """Kernels of five and two frames over one input of four channels: four frames gone by, a call's two."""
    streamed = stream(canonical(concatenated()))
    states = [value for value in streamed.model.graph.inputs if value.name != "x"]
    assert [value.shape.numpy() for value in states if value.shape is not None] == [(1, 4, 6)]


@pytest.mark.parametrize("quantized", [False, True], ids=["float", "int8"])
def test_windows_move_up_in_place(quantized: bool) -> None:
    """Nothing is copied to the arena, and nothing back."""
    model = canonical(CASES["causal"]())
    lowered = lower(stream(on_integers(model) if quantized else model).model, "test")
    program = settle_states(shift_states(lowered))
    assert [step.kernel.template for step in lowered.steps].count("concat") == 2
    templates = [step.kernel.template for step in program.steps]
    assert templates == ["shift", "dense", "shift", "depthwise"]


def test_a_window_that_somebody_else_reads_is_copied() -> None:
    """What was there before the new frame is an output too."""
    net = Net(1, 4, 1)
    past = net.input("past", [1, 4, 3])
    window = net.op("Concat", "window", [net.part(past, 1, 3), net.x], axis=2)
    model = net.model({"y": net.relu(past), "past_next": window}, 17)
    lowered = lower(canonicalize(import_model(model, {}, ["past:past_next"])), "test")
    assert shift_states(lowered) is lowered


def test_rates_meet_before_a_recurrent_layer() -> None:
    """A layer with a stride of two, then a GRU, which takes a step in each call."""
    net, rng = Net(1, 5, 12), np.random.default_rng(1)
    x = net.op("Transpose", "turned", [net.conv(net.x, 5, 4, taps=4, stride=2, before=2)], perm=[2, 0, 1])
    operands = [
        net.weight(name, rng.normal(size=(1, 9, n)).astype(np.float32)) for name, n in (("W", 4), ("R", 3))
    ]
    states = net.op("GRU", "gru", [x, *operands], hidden_size=3)
    states = net.op("Squeeze", "one", [states, net.weight("direction", np.array([1]))])
    model = canonical(net.done(net.op("Transpose", "back", [states], perm=[1, 2, 0])))
    for each in (model, on_integers(model.clone())):
        assert agree(each).frames == 2


def stride_behind_a_recurrent_layer() -> onnx.ModelProto:
    net, rng = Net(1, 4, 12), np.random.default_rng(1)
    operands = [
        net.weight(name, rng.normal(size=(1, 4, 4)).astype(np.float32)) for name in ("W", "R")
    ]  # fmt: skip
    frames = net.op("Transpose", "turned", [net.x], perm=[2, 0, 1])
    states = net.op("RNN", "rnn", [frames, *operands], hidden_size=4)
    states = net.op("Squeeze", "one", [states, net.weight("direction", np.array([1]))])
    return net.done(net.conv(net.op("Transpose", "back", [states], perm=[1, 2, 0]), 4, 4, stride=2))


def centred() -> onnx.ModelProto:
    net = Net(1, 5, FRAMES)
    return net.done(net.relu(net.conv(net.conv(net.x, 5, 6), 6, 5, taps=3, before=1, after=1)))


def padded_late() -> onnx.ModelProto:
    net = Net(1, 5, FRAMES)
    return net.done(net.conv(net.conv(net.x, 5, 6, before=0), 6, 5))


def different_rates() -> onnx.ModelProto:
    net = Net(1, 4, FRAMES + 1)
    halved = net.pool("MaxPool", net.conv(net.x, 4, 4), 2, 2)
    return net.done(net.add(halved, net.part(net.x, 0, (FRAMES + 1) // 2)))


def middle_frame() -> onnx.ModelProto:
    net = Net(1, 4, FRAMES)
    return net.done(net.part(net.conv(net.x, 4, 4), 3, 4))


def square(*pads: int) -> onnx.ModelProto:
    """Maxima of three rows and three columns."""
    net = Net(1, 2, 9, 9)
    return net.done(net.op("MaxPool", "pool", [net.x], kernel_shape=[3, 3], pads=pads or [0] * 4))


@pytest.mark.parametrize(
    ("make", "axis", "said"),
    [
        (centred, 2, "pads behind the sequence's end: 1 of its frames would need later ones"),
        (centred, None, "pads behind the sequence's end"),
        (padded_late, 2, "begins behind 2 frames of warm-up"),
        (different_rates, 2, "at different rates"),
        (stride_behind_a_recurrent_layer, 2, "a call brings 2 of its steps"),
        (middle_frame, 2, "takes frame 3 alone"),
        (pooled("AveragePool", 1, 1), 2, "averages are of fewer frames"),
        (layers(before=5), 2, "pads 5 frames, and its kernel reaches back 2"),
        (layers(), 1, "time is not among its spatial axes"),
        (square, None, "could be time"),
    ],
)
def test_refusals(make: Callable[[], onnx.ModelProto], axis: int | None, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        stream(canonical(make()), axis)


def test_time_is_the_axis_that_is_padded_before() -> None:
    """Both axes slide without a look ahead, one begins with padding."""
    assert [time_axis(canonical(square(*pads))) for pads in ((2, 0, 0, 0), (0, 2, 0, 0))] == [2, 3]


BLOCK = st.tuples(
    st.sampled_from(["conv", "depthwise", "residual", "maxima", "averages"]),
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 3),
)  # fmt: skip


def grown(
    net: Net, block: tuple[str, int, int, int], x: oir.Value, frames: int, causal: bool
) -> tuple[oir.Value, int]:
    """``x`` of ``frames`` through one more block, and the frames left; as it was where too few would be."""
    kind, taps, dilation, stride = block
    pools = {"maxima": "MaxPool", "averages": "AveragePool"}
    if kind in pools:
        taps = stride if causal else taps  # else the pool brings warm-up, which padding may not follow
        left = (frames - taps) // stride + 1
        return (net.pool(pools[kind], x, taps, stride), left) if left > 1 else (x, frames)
    lost = 0 if causal else (taps - 1) * dilation
    stride = 1 if kind == "residual" else stride
    left = (frames - lost - 1) // stride + 1
    if left <= 1:
        return x, frames
    groups = 4 if kind == "depthwise" else 1
    y = net.conv(x, 4, 4, taps, dilation, stride, before=None if causal else 0, groups=groups)
    if kind == "residual":
        y = net.add(net.relu(y), net.part(x, 0, left) if lost else x)
    return y, left


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    blocks=st.lists(BLOCK, min_size=1, max_size=4), frames=st.integers(17, 31),
    causal=st.booleans(), head=st.booleans(), quantized=st.booleans(),
)  # fmt: skip
def test_random_networks(
    blocks: list[tuple[str, int, int, int]], frames: int, causal: bool, head: bool, quantized: bool
) -> None:
    """Causal ones, and ones without padding, whose shortcuts wait."""
    net = Net(1, 4, frames)
    x = net.relu(net.conv(net.x, 4, 4, taps=2, before=None if causal else 0))
    frames -= 0 if causal else 1
    for block in blocks:
        x, frames = grown(net, block, x, frames, causal)
    model = canonical(net.done(net.dense(x, 4 * frames) if head else net.relu(x)))
    agree(on_integers(model) if quantized else model, 2)
