"""Fewer bits: types in the QDQ graph, what they do to the outputs, and rounding that makes up for them."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.ir.errors import UsageError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize import QuantizeOptions, quantize
from tinyc.passes.quantize.affine import Affine, integers, limits, quant_of, resized, rounded
from tinyc.passes.quantize.pipeline import Quantizer
from tinyc.passes.quantize.rounding import compensated, fitted, nearest, output_error, refined

from ..onnx_text import build, normal
from .nets import draws, noise, outputs


def network() -> oir.Model:
    weights = {"w": normal(8, 3, 3, 3, scale=0.4), "b": normal(8), "v": normal(5, 8, 1, 1), "c": normal(5)}
    body = """
    h = Conv<pads=[1,1,1,1]>(x, w, b) r = Relu(h) m = MaxPool<kernel_shape=[2,2]>(r) y = Conv(m, v, c)
    """
    return canonicalize(import_model(build("float[1,3,8,8] x", body, weights)))


def layers(model: oir.Model) -> list[str]:
    return [str(node.outputs[0].name) for node in model.graph if node.op_type == "Conv"]


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_rounding_and_integers_agree_at_every_width(bits: int) -> None:
    quant, values = quant_of(-1.3, 2.9, bits), normal(1000)
    whole = integers(values, quant).astype(np.int64)
    least, most = limits(bits)
    assert least <= whole.min() and whole.max() <= most and len(np.unique(whole)) > 0.6 * min(2**bits, 1000)
    expected = (whole - quant.zero_point).astype(np.float32) * np.float32(quant.scale)
    np.testing.assert_array_equal(rounded(values, quant), expected)


@pytest.mark.parametrize(("bits", "expected"), [(16, (2**-16, -32768)), (4, (1 / 16, -8)), (2, (1 / 4, -2))])
def test_a_known_range_stays_the_same_at_other_widths(bits: int, expected: tuple[float, int]) -> None:
    assert resized(Affine(1 / 256, -128), bits) == Affine(*expected, bits)


@pytest.mark.parametrize(("activation", "weight"), [(8, 4), (8, 2), (4, 8), (4, 4), (2, 2), (16, 8)])
def test_types_in_the_graph_are_those_asked_for(activation: int, weight: int) -> None:
    model = network()
    options = QuantizeOptions(
        activation_bits={"r": activation}, weight_bits=dict.fromkeys(layers(model), weight)
    )
    found = quantize(model, draws(model), options)
    onnx.checker.check_model(oir.to_proto(found), full_check=True)
    types = {str(v.name): v.dtype for node in found.graph for v in node.outputs}
    wanted = {2: "INT2", 4: "INT4", 8: "INT8", 16: "INT16"}
    assert types["r_quantized"] is oir.DataType[wanted[activation]]
    assert types["m_quantized"] is oir.DataType[wanted[activation]], "MaxPool moves values: one quantization"
    assert types["x_quantized"] is oir.DataType.INT8
    kernels = [v for n, v in found.graph.initializers.items() if n in ("w_quantized", "v_quantized")]
    assert [v.dtype for v in kernels] == [oir.DataType[wanted[weight]]] * 2


def test_more_bits_mean_less_noise() -> None:
    model = network()
    fresh = draws(model, 16, seed=5)
    exact = outputs(model, fresh)[0]
    found: list[float] = []
    for bits in (16, 8, 4, 2):
        options = QuantizeOptions(
            activation_bits={"r": bits}, weight_bits=dict.fromkeys(layers(model), min(bits, 8))
        )
        found.append(noise(exact, outputs(quantize(model, draws(model), options), fresh)[0]))
    assert found == sorted(found) and found[1] < 0.02 and found[2] < 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (QuantizeOptions(activation_bits={"nothing": 4}), "There is no tensor of that name"),
        (QuantizeOptions(activation_bits={"r": 3}), "A tensor cannot have 3 bits"),
        (QuantizeOptions(weight_bits={"r": 4}), "There is no layer with weights of that name"),
        (QuantizeOptions(weight_bits={"h": 16}), "A layer with weights cannot have 16 bits"),
    ],
)
def test_widths_that_do_not_fit_are_refused(options: QuantizeOptions, message: str) -> None:
    model = network()
    with pytest.raises(UsageError, match=message):
        quantize(model, draws(model), options)


def correlated() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vectors = normal(400, 12).astype(np.float64) @ (np.eye(12) * 0.3 + 0.7)
    weights = normal(1, 6, 12).astype(np.float64)
    return np.cov(vectors.T, bias=True)[np.newaxis] + 1e-3 * np.eye(12), weights, np.abs(weights).max(axis=2)


@pytest.mark.parametrize("bits", [2, 4])
def test_refinement_never_makes_the_error_larger_and_often_smaller(bits: int) -> None:
    covariance, weights, reach = correlated()
    scales = reach / limits(bits)[1]
    before = nearest(weights, scales, bits)
    after = refined(before, weights, scales, covariance, bits)
    errors = [output_error(w * scales[:, :, None] - weights, covariance) for w in (before, after)]
    assert (errors[1] <= errors[0] + 1e-12).all() and errors[1].sum() < 0.7 * errors[0].sum()
    assert limits(bits)[0] <= after.min() and after.max() <= limits(bits)[1]


def test_refinement_of_many_terms_is_that_of_one_after_another() -> None:
    """Each term in turn goes where the error is least, given all others: the definition, twice around."""
    terms = 150
    vectors = normal(600, terms).astype(np.float64) + normal(600, 1)
    covariance = np.cov(vectors.T, bias=True)
    weights = normal(1, 3, terms).astype(np.float64)
    scales = np.abs(weights).max(axis=2) / 7
    before = np.zeros_like(weights)
    expected = before.copy()
    for term in [*range(terms), *range(terms)]:
        rest = weights[0] - expected[0] * scales[0][:, None]
        rest[:, term] = weights[0, :, term]
        best = (rest @ covariance[term]) / covariance[term, term] / scales[0]
        expected[0, :, term] = np.clip(np.rint(best), *limits(4))
    twice = [np.repeat(array, 2, axis=0) for array in (before, weights, scales, covariance[np.newaxis])]
    found = refined(twice[0], twice[1], twice[2], twice[3], 4)
    np.testing.assert_array_equal(found, np.repeat(expected, 2, axis=0))
    assert (expected != nearest(weights, scales, 4)).mean() > 0.05


def test_a_sketch_has_the_types_of_the_model_that_it_stands_for() -> None:
    model = network()
    quantizer = Quantizer(model, draws(model))
    widths = {"r": 4}, dict(zip(layers(model), (4, 2), strict=True))
    found = [make(*widths) for make in (quantizer.quantized, quantizer.sketched)]
    types = [{str(v.name): v.dtype for n in m.graph for v in (*n.inputs, *n.outputs) if v} for m in found]
    assert types[0] == types[1]
    tensors = [m.graph.initializers["w_quantized"].const_value for m in found]
    arrays = [tensor.numpy() for tensor in tensors if tensor is not None]
    assert (arrays[0] != arrays[1]).any(), "only one of them looks at samples"


def test_fitted_scales_are_the_best_there_are() -> None:
    covariance, weights, reach = correlated()
    scales = reach / 7
    whole = compensated(weights, scales, covariance, 4)
    best = fitted(whole, weights, covariance, scales)
    least = output_error(whole * best[:, :, None] - weights, covariance)
    for factor in (0.99, 1.01):
        other = output_error(whole * (factor * best)[:, :, None] - weights, covariance)
        assert (least < other).all()
    np.testing.assert_array_equal(fitted(0 * whole, weights, covariance, scales), scales)
