"""Data movement keeps one quantization on both sides; what must not share one does not."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize import QuantizeOptions, quantize
from tinyc.passes.quantize.graphs import name_of

from ..onnx_text import build, normal
from .nets import around, draws, outputs, pairs, parameters, quantized


def _index(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


_IMAGE = "float[1,4,6,6] x"
_SHAPE = {"s": _index(1, 36, 4)}

MOVEMENT = {
    "Reshape": ("y = Reshape(t, s)", _SHAPE),
    "Transpose": ("y = Transpose<perm=[0,2,3,1]>(t)", {}),
    "Slice": (
        "y = Slice(t, b, e, a)",
        {k: np.array([v], np.int64) for k, v in zip("bea", (1, 5, 2), strict=True)},
    ),
    "MaxPool": ("y = MaxPool<kernel_shape=[2,2]>(t)", {}),
    "Pad": ("y = Pad(t, p)", {"p": _index(0, 0, 1, 1, 0, 0, 1, 1)}),
    "Gather": ("y = Gather<axis=1>(t, i)", {"i": _index(3, 1)}),
    "DepthToSpace": ("y = DepthToSpace<blocksize=2>(t)", {}),
    "Tile": ("y = Tile(t, r)", {"r": _index(1, 2, 1, 1)}),
    "Expand": ("y = Expand(t, r)", {"r": _index(2, 4, 6, 6)}),
    "ReduceMax": ("y = ReduceMax(t, a)", {"a": _index(2)}),
    "Resize": ('y = Resize<mode="nearest">(t, , f)', {"f": np.array([1, 1, 2, 2], np.float32)}),
}


@pytest.mark.parametrize("operator", MOVEMENT)
def test_both_sides_share(operator: str) -> None:
    body, weights = MOVEMENT[operator]
    proto = build(_IMAGE, f"t = Tanh(x) {body}", weights, opset=18)
    model = quantized(proto)
    assert around(model, operator) == ([(1 / 128, 0)], [(1 / 128, 0)])
    samples = draws(model)
    np.testing.assert_allclose(outputs(model, samples)[0], outputs(proto, samples)[0], atol=0.02)


def test_split_shares_with_every_part() -> None:
    model = quantized(
        build(_IMAGE, "t = Tanh(x) y, z = Split<axis=1, num_outputs=2>(t)", outputs="y, z", opset=18)
    )
    assert {float(parameters(whole)[0]) for whole, _ in list(pairs(model))[1:]} == {1 / 128}


def test_concat_takes_over_the_inputs_of_its_own() -> None:
    proto = build("float[1,4] x, float[1,4] z", "a = Exp(x) b = Neg(z) y = Concat<axis=1>(a, b)")
    before, after = around(quantized(proto), "Concat")
    assert before[0] == before[1] == after[0]


def test_concat_leaves_a_narrow_input_that_others_read_alone() -> None:
    body = "a = Exp(x) b = Softsign(z) y = Concat<axis=1>(a, b) w = Erf(b)"
    model = quantized(build("float[1,4] x, float[1,4] z", body, outputs="y, w"))
    before, after = around(model, "Concat")
    assert before[0] == after[0] and before[1] != after[0]
    assert before[1][0] < after[0][0] / 4


def test_concat_keeps_fixed_ranges() -> None:
    model = quantized(build("float[1,4] x", "a = Sigmoid(x) b = Tanh(x) y = Concat<axis=1>(a, b)"))
    before, _ = around(model, "Concat")
    assert before == [(1 / 256, -128), (1 / 128, 0)]


def test_where_shares_even_among_fixed_ranges() -> None:
    body = "a = Sigmoid(x) b = Tanh(x) c = Greater(x, k) y = Where(c, a, b)"
    proto = build("float[1,40] x", body, {"k": np.array(0.5, np.float32)})
    model = quantized(proto)
    before, after = around(model, "Where")
    assert before[0] == before[1] == after[0]
    samples = draws(model)
    errors = np.abs(outputs(model, samples)[0] - outputs(proto, samples)[0])
    assert np.quantile(errors, 0.99) < 0.03  # a few elements stand at the threshold


def test_comparisons_read_one_scale_and_leave_constants_alone() -> None:
    model = quantized(build("float[1,40] x, float[1,40] z", "s = Erf(z) c = Less(x, s) y = Cast<to=1>(c)"))
    (node,) = (node for node in model.graph if node.op_type == "Less")
    left, right = (value.producer() for value in node.inputs if value is not None)
    assert left is not None and right is not None and parameters(left) == parameters(right)
    threshold = {"k": np.array(0.3, np.float32)}
    model = quantized(build("float[1,40] x", "s = Erf(x) c = Less(s, k) y = Cast<to=1>(c)", threshold))
    (node,) = (node for node in model.graph if node.op_type == "Less")
    assert node.inputs[1] is not None and node.inputs[1].is_initializer()


def test_movement_between_float_nodes_stays_float() -> None:
    model = quantized(build("float[1,4,4] x", "t = LpNormalization(x) y = Unsqueeze(t, a)", {"a": _index(1)}))
    assert not list(pairs(model))


def test_embedding_tables_become_int8_in_the_quantization_of_their_result() -> None:
    table = normal(9, 5)
    proto = build("int64[1,3] i", "y = Gather(t, i) z = Erf(y)", {"t": table}, outputs="z")
    model = quantized(proto, {"i": np.array([[0, 1, 2], [2, 3, 4]])})
    (gather,) = (node for node in model.graph if node.op_type == "Gather")
    data = gather.inputs[0].producer() if gather.inputs[0] is not None else None
    assert data is not None and data.inputs[0] is not None and data.inputs[0].const_value is not None
    stored = data.inputs[0].const_value.numpy()
    scale, zero_point = float(parameters(data)[0]), int(parameters(data)[1])
    assert around(model, "Gather") == ([(scale, zero_point)], [(scale, zero_point)])
    np.testing.assert_allclose((stored.astype(float) - zero_point) * scale, table, atol=0.51 * scale)


def test_tied_tensors_get_one_quantization() -> None:
    body = "t = Add(x, s) u = Tanh(t) n = Mul(u, s)"
    model = canonicalize(import_model(build("float[1,8] x, float[1,8] s", body, outputs="u, n")))
    for tied in ((), (("s", "n"),)):
        found = quantize(model, draws(model), QuantizeOptions(tied=tied))
        ends = {name_of(whole.inputs[0]): parameters(whole) for whole, _ in pairs(found)}
        assert (ends["s"] == ends["n_float"]) is bool(tied)
