"""Variants of a model, of which only what differs is computed anew."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.mixed_precision import variants
from tinyc.passes.mixed_precision.guard import outputs_of
from tinyc.passes.mixed_precision.variants import Variants
from tinyc.passes.quantize.pipeline import Quantizer
from tinyc.passes.quantize.running import Runner

from ..onnx_text import build, normal


@pytest.fixture(scope="module")
def quantizer() -> Quantizer:
    """A residual network with a pooled end."""
    weights = {
        "w": normal(6, 3, 3, 3, scale=0.3), "b": normal(6, scale=0.1), "d": normal(6, 1, 3, 3, scale=0.5),
        "v": normal(6, 6, 1, 1, scale=0.4), "u": normal(6, 5, scale=0.8),
    }  # fmt: skip
    body = """
    h = Conv<pads=[1,1,1,1]>(x, w, b) r = Relu(h)
    i = Conv<pads=[1,1,1,1], group=6>(r, d) s = Relu(i) j = Conv(s, v) a = Add(r, j)
    m = GlobalAveragePool(a) f = Flatten(m) y = MatMul(f, u)
    """
    model = canonicalize(import_model(build("float[1,3,7,9] x", body, weights)))
    return Quantizer(model, {"x": normal(20, 1, 3, 7, 9)})


def test_every_variant_gives_the_bits_that_it_gives_alone(
    quantizer: Quantizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = quantizer.samples
    whole = quantizer.quantized({}, {}, samples=samples)
    sizes: dict[str, int] = {}

    class Counting(Runner):
        def __init__(self, model: oir.Model, optimized: bool = True) -> None:
            super().__init__(model, optimized)
            sizes[key] = len(model.graph)

    known = Variants(whole, samples.feeds)
    key = "whole"
    np.testing.assert_array_equal(_rows(known.run(whole, "y")), outputs_of(whole, samples.feeds))
    monkeypatch.setattr(variants, "Runner", Counting)
    moved = 0
    for name, bits, of_weights, make in quantizer.narrowed(samples, {}):
        model, key = make(), f"{name} {bits} {'weights' if of_weights else ''}"
        expected = outputs_of(model, samples.feeds)
        np.testing.assert_array_equal(_rows(known.run(model, "y")), expected, err_msg=key)
        moved += not np.array_equal(expected, outputs_of(whole, samples.feeds))
    assert moved > 12
    assert sizes["y 4 weights"] < sizes["a 4 "] < sizes["j 4 weights"] < sizes["x 4 "] <= len(whole.graph)


def _rows(arrays: list[np.ndarray]) -> np.ndarray:
    return np.stack([array.reshape(-1) for array in arrays])
