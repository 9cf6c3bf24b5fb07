"""The arithmetic inside: observers, rounding, moments, equalization."""

from __future__ import annotations

import re

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize.affine import Affine, integers, quant_of, range_of, rounded
from tinyc.passes.quantize.calibration import calibration_of
from tinyc.passes.quantize.equalization import equalize
from tinyc.passes.quantize.moments import Moments, from_matrix, rows, weight_matrix
from tinyc.passes.quantize.observers import (
    BINS,
    Histogram,
    candidate_ranges,
    distinct,
    entropy,
    least_squares,
    percentile,
)
from tinyc.passes.quantize.options import silent
from tinyc.passes.quantize.preparation import prepared
from tinyc.passes.quantize.rounding import compensated, damped, nearest, output_error, target
from tinyc.passes.quantize.units import partition

from ..onnx_text import assert_same, build, normal, run


def histogram(values: np.ndarray) -> Histogram:
    found = Histogram((float(values.min()), float(values.max())))
    for part in np.array_split(values, 7):
        found.add(part)
    return found


@pytest.mark.parametrize("bounds", [(0, 6), (-1, 1), (2, 3), (-7.5, -2), (-1e-3, 1e3), (-3e38, 3e38)])
def test_zero_is_exact_and_the_range_is_covered(bounds: tuple[float, float]) -> None:
    quant = quant_of(*bounds)
    assert np.float32(quant.scale) == quant.scale
    assert rounded(np.zeros(1, np.float32), quant) == 0
    low, high = range_of(quant)
    assert low <= min(bounds[0], 0) + 0.51 * quant.scale and high >= max(bounds[1], 0) - 0.51 * quant.scale


@pytest.mark.parametrize("bounds", [(0, 0), (0, 1e-38), (-1e-40, 0)])
def test_a_range_of_nothing_has_scale_one(bounds: tuple[float, float]) -> None:
    assert quant_of(*bounds) == Affine(1.0, 0)


def test_integers_and_rounded_agree() -> None:
    quant, values = quant_of(-1.3, 2.9), normal(1000)
    expected = (integers(values, quant).astype(np.float32) - quant.zero_point) * np.float32(quant.scale)
    np.testing.assert_array_equal(rounded(values, quant), expected)


def test_histogram_counts_every_value_once() -> None:
    values = normal(5000)
    found = histogram(values)
    expected, _ = np.histogram(values, BINS, (values.min(), values.max()))
    assert found.counts.sum() == 5000
    assert np.abs(np.cumsum(found.counts) - np.cumsum(expected)).max() <= 2


def test_percentile_leaves_out_the_tails() -> None:
    values = normal(200_000)
    low, high = percentile(histogram(values), 99.0)
    np.testing.assert_allclose([low, high], np.quantile(values, [0.005, 0.995]), atol=0.01)


@pytest.mark.parametrize("outlier", [5, 12, 40, -9])
def test_least_squares_finds_a_range_with_less_error_than_others(outlier: float) -> None:
    values = np.concatenate([np.abs(normal(100_000)), [outlier]]).astype(np.float32)
    found = histogram(values)

    def error(bounds: tuple[float, float]) -> float:
        return float(np.sum((rounded(values, quant_of(*bounds)) - values) ** 2, dtype=np.float64))

    best = error(least_squares(found))
    others = [(found.low, found.high), *(percentile(found, p) for p in (99.0, 99.9, 99.99, 99.999))]
    assert best <= 1.02 * min(error(bounds) for bounds in others)


def test_entropy_clips_a_long_tail() -> None:
    values = np.concatenate([normal(100_000), [60.0, -60.0]])
    low, high = entropy(histogram(values))
    assert -20 < low < -2 and 2 < high < 20


def test_candidates_start_with_min_max_and_are_distinct() -> None:
    values = np.concatenate([normal(100_000), [30.0]])
    ranges = distinct(candidate_ranges(histogram(values)))
    assert next(iter(ranges.items())) == ("min-max", (values.min(), values.max()))
    assert len(ranges) >= 4 and len({tuple(np.round(r, 3)) for r in ranges.values()}) == len(ranges)
    assert list(distinct(candidate_ranges(histogram(np.zeros(5))))) == ["min-max"]


def inputs_and_weights(correlation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mixing = np.eye(12) * (1 - correlation) + correlation
    vectors = normal(400, 12).astype(np.float64) @ mixing
    weights = normal(1, 5, 12).astype(np.float64)
    return vectors, weights, np.abs(weights).max(axis=2) / 7


def test_compensated_rounding_beats_nearest_where_inputs_correlate() -> None:
    vectors, weights, scales = inputs_and_weights(0.8)
    covariance = np.cov(vectors.T, bias=True)[np.newaxis]
    spread = compensated(weights, scales, covariance + 1e-6 * np.eye(12))
    plain = nearest(weights, scales)
    errors = [output_error(w * scales[:, :, None] - weights, covariance).sum() for w in (spread, plain)]
    assert errors[0] < errors[1] / 3
    assert np.abs(spread).max() <= 127 and np.array_equal(spread, np.rint(spread))


def test_compensated_rounding_of_many_terms_is_that_of_one_after_another() -> None:
    """Each term's error, over its variance given the terms behind it, moves those: the definition."""
    terms = 150
    vectors = normal(600, terms).astype(np.float64) + normal(600, 1)
    vectors = vectors[:, np.argsort(-vectors.var(axis=0))]  # as the terms are taken
    covariance = np.cov(vectors.T, bias=True)
    weights = normal(2, 3, terms).astype(np.float64)
    scales = np.abs(weights).max(axis=2) / 7
    left, expected = weights.copy(), np.zeros_like(weights)
    for term in range(terms):
        conditional = np.linalg.inv(covariance[term:, term:])
        expected[:, :, term] = np.rint(left[:, :, term] / scales)
        error = left[:, :, term] - expected[:, :, term] * scales
        left[:, :, term:] -= error[:, :, None] * conditional[0] / conditional[0, 0]
    both = np.stack([covariance, covariance])
    np.testing.assert_array_equal(compensated(weights, scales, both), expected)
    assert (expected != nearest(weights, scales)).mean() > 0.05


def test_output_error_is_the_variance_of_the_change() -> None:
    vectors, weights, _ = inputs_and_weights(0.3)
    covariance = np.cov(vectors.T, bias=True)[np.newaxis]
    np.testing.assert_allclose(output_error(weights, covariance)[0], (vectors @ weights[0].T).var(axis=0))


def test_the_target_undoes_what_quantized_inputs_distort() -> None:
    vectors, weights, _ = inputs_and_weights(0.3)
    distorted = vectors * 0.5
    moments = Moments.of(vectors[np.newaxis], distorted[np.newaxis])
    tight = moments.covariance + 1e-9 * np.eye(12)
    np.testing.assert_allclose(target(weights, moments, tight), 2 * weights, rtol=1e-4)
    pulled = target(weights, moments, damped(moments.covariance))
    assert np.linalg.norm(pulled - weights) < 0.8 * np.linalg.norm(weights)


LAYERS = {
    "conv": (
        "float[1,4,9,8] x",
        "y = Conv<pads=[1,0,2,1], strides=[2,1], dilations=[1,2]>(x, w)",
        (6, 4, 3, 3),
    ),
    "grouped": ("float[1,4,9,8] x", "y = Conv<group=2>(x, w)", (6, 2, 3, 2)),
    "depthwise": ("float[1,4,9,8] x", "y = Conv<group=4, pads=[1,1,1,1]>(x, w)", (4, 1, 3, 3)),
    "one-dimensional": ("float[1,4,9] x", "y = Conv<pads=[2,0]>(x, w)", (6, 4, 3)),
    "gemm": ("float[3,7] x", "y = Gemm<transB=1>(x, w)", (5, 7)),
    "matmul": ("float[2,3,7] x", "y = MatMul(x, w)", (7, 5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_rows_times_weights_are_the_layers_output(name: str) -> None:
    inputs, body, shape = LAYERS[name]
    weight = normal(*shape)
    proto = build(inputs, body, {"w": weight})
    (unit,) = partition(canonicalize(import_model(proto))).units
    array = unit.weight.const_value.numpy() if unit.weight is not None and unit.weight.const_value else weight
    x = normal(*(int(n) for n in inputs[inputs.index("[") + 1 : inputs.index("]")].split(",")))
    matrix = weight_matrix(unit, array)
    np.testing.assert_array_equal(from_matrix(unit, matrix, array.shape), array)
    product = rows(unit, array.shape, x, 10**6) @ np.swapaxes(matrix, 1, 2)
    expected = run(proto, {"x": x})[0]
    if name in ("gemm", "matmul"):
        found = product[0].reshape(expected.shape)
    else:
        found = np.moveaxis(product, 1, 2).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    every = rows(unit, array.shape, x, 10**6)
    picks = np.linspace(0, every.shape[1] - 1, 2).astype(int)
    np.testing.assert_array_equal(rows(unit, array.shape, x, 2), every[:, picks])


CHAINS = {
    "pointwise, depthwise": "t = Conv(x, w, b) r = Relu(t) y = Conv<group=6, pads=[1,1,1,1]>(r, d, c)",
    "through pooling": "t = Conv(x, w, b) r = Relu(t) p = MaxPool<kernel_shape=[2,2]>(r) y = Conv(p, f, c)",
    "through leaky relu": "t = Conv(x, w, b) r = LeakyRelu(t) y = Conv(r, f, c)",
    "through flatten": "t = Conv(x, w, b) r = Relu(t) p = Flatten(r) y = Gemm<transB=1>(p, g)",
    "through transpose": (
        "t = Conv(x, w, b) p = Transpose<perm=[0,2,3,1]>(t) q = Reshape(p, s) y = Gemm<transB=1>(q, g)"
    ),
    "to grouped": "t = Conv(x, w, b) r = Relu(t) y = Conv<group=3>(r, h, c)",
    "to transposed": "t = Conv(x, w, b) r = Relu(t) y = ConvTranspose<group=2>(r, u, c)",
}


@pytest.mark.parametrize("name", CHAINS)
def test_equalization_changes_weights_but_not_the_function(name: str) -> None:
    uneven = np.geomspace(0.02, 2.0, 6).astype(np.float32)
    weights = {
        "w": normal(6, 3, 1, 1) * uneven[:, None, None, None],
        "b": normal(6) * uneven,
        "d": normal(6, 1, 3, 3),
        "f": normal(6, 6, 3, 3),
        "g": normal(5, 6 * 64, scale=0.1),
        "h": normal(6, 2, 1, 1),
        "u": normal(6, 3, 2, 2),
        "c": normal(6),
        "s": np.array([1, 6 * 64], np.int64),
    }
    used = {key: array for key, array in weights.items() if re.search(rf"\b{key}\b[,)]", CHAINS[name])}
    proto = build("float[1,3,8,8] x", CHAINS[name], used)
    model = prepared(canonicalize(import_model(proto)))
    samples = calibration_of(model.graph, {"x": normal(8, 3, 8, 8)})
    equal = equalize(model, samples, silent)
    assert_same(equal, proto)
    before, after = (first_weights(m) for m in (model, equal))
    spread = [np.ptp(np.log(np.abs(w).max(axis=(1, 2, 3)))) for w in (before, after)]
    assert spread[1] < 0.8 * spread[0]


def first_weights(model: oir.Model) -> np.ndarray:
    weight = partition(model).units[0].weight
    assert weight is not None and weight.const_value is not None
    return weight.const_value.numpy()


@pytest.mark.parametrize(
    "body",
    [
        "t = Conv(x, w, b) r = Sigmoid(t) y = Conv(r, f, c)",
        "t = Conv(x, w, b) r = Clip(t, zero, six) y = Conv(r, f, c)",
        "t = Conv(x, w, b) y = Conv(t, f, c) z = Relu(t)",
    ],
    ids=["nonlinear", "bounded", "read twice"],
)
def test_what_does_not_commute_is_not_equalized(body: str) -> None:
    scalars = {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)} if "Clip" in body else {}
    weights = {"w": normal(6, 3, 1, 1), "b": normal(6), "f": normal(6, 6, 3, 3), "c": normal(6), **scalars}
    proto = build("float[1,3,8,8] x", body, weights, outputs="y, z" if "z =" in body else "y")
    model = prepared(canonicalize(import_model(proto)))
    equal = equalize(model, calibration_of(model.graph, {"x": normal(4, 3, 8, 8)}), silent)
    np.testing.assert_array_equal(first_weights(model), first_weights(equal))
