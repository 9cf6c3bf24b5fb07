"""Whole blocks, as exporters write them, against their float form on samples that were not calibrated."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize import QuantizeOptions, quantize

from ..onnx_text import build, normal, positive
from .nets import draws, noise, outputs, quantized

ATTENTION = (
    "float[1,9,16] x",
    """
    n = LayerNormalization(x, g, h)
    q0 = MatMul(n, wq) q = Add(q0, bq) k = MatMul(n, wk) v = MatMul(n, wv)
    kt = Transpose<perm=[0,2,1]>(k) s = MatMul(q, kt) u = Div(s, root) p = Softmax(u)
    a = MatMul(p, v) o = MatMul(a, wo) r = Add(x, o)
    e = MatMul(r, wu) f = Add(e, bu) i = Gelu(f) d = MatMul(i, wd) y = Add(d, r)
    """,
    {
        "g": positive(16),
        "h": normal(16),
        "root": np.array(4, np.float32),
        **{name: normal(16, 16, seed=seed, scale=0.3) for seed, name in enumerate(("wq", "wk", "wv", "wo"))},
        "bq": normal(16),
        "wu": normal(16, 32, scale=0.3),
        "bu": normal(32),
        "wd": normal(32, 16, scale=0.2),
    },
)

INVERTED_RESIDUAL = (
    "float[1,4,12,12] x",
    """
    a = Conv(x, w1, b1) b = Clip(a, lo, hi)
    c = Conv<group=12, pads=[1,1,1,1]>(b, w2, b1) d = HardSwish(c)
    p = GlobalAveragePool(d) s = Conv(p, w5, b5) t = HardSigmoid(s) e = Mul(d, t)
    f = Conv(e, w3, b3) y = Add(f, x)
    """,
    {
        "w1": normal(12, 4, 1, 1, scale=0.5),
        "b1": normal(12),
        "w2": normal(12, 1, 3, 3, scale=0.5),
        "w5": normal(12, 12, 1, 1, seed=3, scale=0.5),
        "b5": normal(12, seed=2),
        "w3": normal(4, 12, 1, 1, scale=0.5),
        "b3": normal(4),
        "lo": np.array(0, np.float32),
        "hi": np.array(6, np.float32),
    },
)

UPSAMPLING = (
    "float[1,3,8,8] x",
    """
    a = Conv<pads=[1,1,1,1]>(x, w1, b1) b = LeakyRelu<alpha=0.2>(a)
    c = MaxPool<kernel_shape=[2,2], strides=[2,2]>(b)
    d = ConvTranspose<strides=[2,2], kernel_shape=[2,2]>(c, w2, b2) e = Relu(d)
    f = Concat<axis=1>(b, e) g = Conv(f, w3, b3) y = Sigmoid(g)
    """,
    {
        "w1": normal(6, 3, 3, 3, scale=0.4),
        "b1": normal(6),
        "w2": normal(6, 5, 2, 2, scale=0.4),
        "b2": normal(5),
        "w3": normal(2, 11, 1, 1, scale=0.3),
        "b3": normal(2),
    },
)

NETWORKS = {"attention": ATTENTION, "inverted residual": INVERTED_RESIDUAL, "upsampling": UPSAMPLING}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_block_stays_close(name: str) -> None:
    inputs, body, weights = NETWORKS[name]
    proto = build(inputs, body, weights, opset=20)
    model = quantized(proto)
    assert json.loads(model.metadata_props["tinyc.quantize.float_islands"]) == []
    fresh = draws(model, seed=77)
    exact, found = outputs(proto, fresh)[0], outputs(model, fresh)[0]
    assert noise(exact, found) < 0.04


@pytest.mark.parametrize("name", NETWORKS)
def test_progress_runs_from_start_to_end_and_options_bound_the_work(name: str) -> None:
    inputs, body, weights = NETWORKS[name]
    model = canonicalize(import_model(build(inputs, body, weights, opset=20)))
    told: list[tuple[str, float]] = []
    options = QuantizeOptions(samples=3)
    quantize(model, draws(model), options, lambda stage, share: told.append((stage, share)))
    assert told[0] == ("calibrate", 0.0) and told[-1] == ("round weights", 1.0)
    assert all(0 <= share <= 1 for _, share in told)
    assert len([share for stage, share in told if stage == "choose ranges"]) == 3
    small = quantize(model, draws(model), QuantizeOptions(memory=1))
    assert small.metadata_props["tinyc.quantize.float_islands"] == "[]"
