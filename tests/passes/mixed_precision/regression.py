"""A regression that 8 bits are not enough for: a small network that has learned a smooth function."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import onnx_ir as oir

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

from ..onnx_text import build

WIDTH = 24


def points(count: int = 128, seed: int = 0) -> np.ndarray:
    """float32 [count, 1, 2], even in [−1, 1]²."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, 1, 2)).astype(np.float32)


def _wanted(x: np.ndarray) -> np.ndarray:
    return np.sin(3 * x[:, :1]) * x[:, 1:] + 0.5 * x[:, :1]


@cache
def parameters() -> dict[str, np.ndarray]:
    """Weights of tanh, tanh and a linear output, trained by Adam on ``points``."""
    rng = np.random.default_rng(1)
    sizes = (2, WIDTH, WIDTH, 1)
    shapes = list(enumerate(pairwise(sizes)))
    found = {f"w{i}": rng.normal(size=shape) / np.sqrt(shape[0]) for i, shape in shapes}
    found |= {f"b{i}": np.zeros(size) for i, size in enumerate(sizes[1:])}
    first, second = ({name: np.zeros_like(v) for name, v in found.items()} for _ in range(2))
    x = points(512, seed=2)[:, 0].astype(np.float64)
    for step in range(1, 1501):
        slopes = _gradients(found, x, _wanted(x))
        for name, slope in slopes.items():
            first[name] += 0.1 * (slope - first[name])
            second[name] += 0.001 * (slope**2 - second[name])
            scaled = first[name] / (1 - 0.9**step) / (np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8)
            found[name] = found[name] - 0.01 * (1 - step / 1501) * scaled
    return {name: value.astype(np.float32) for name, value in found.items()}


def _gradients(p: dict[str, np.ndarray], x: np.ndarray, wanted: np.ndarray) -> dict[str, np.ndarray]:
    """Of half the mean squared error."""
    h = np.tanh(x @ p["w0"] + p["b0"])
    g = np.tanh(h @ p["w1"] + p["b1"])
    error = (g @ p["w2"] + p["b2"] - wanted) / len(x)
    dg = error @ p["w2"].T * (1 - g**2)
    dh = dg @ p["w1"].T * (1 - h**2)
    return {
        "w2": g.T @ error, "b2": error.sum(0), "w1": h.T @ dg, "b1": dg.sum(0),
        "w0": x.T @ dh, "b0": dh.sum(0),
    }  # fmt: skip


@cache
def network() -> oir.Model:
    """float[1, 2] → float[1, 1]."""
    body = """
    a = Gemm(x, w0, b0) h = Tanh(a) c = Gemm(h, w1, b1) g = Tanh(c) y = Gemm(g, w2, b2)
    """
    return canonicalize(import_model(build("float[1,2] x", body, parameters())))
