"""Small models with states, and sequences for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model

from ..passes.onnx_text import build, normal

Step = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Stateful:
    """A model whose input is ``x``, its states as ``--state`` names them, and how many of their new values
    are copied to their place (the others are computed there). ``integers``: they are int8 when it is
    quantized."""

    proto: onnx.ModelProto
    states: tuple[str, ...]
    copied: int
    integers: bool = True

    def sequences(self, count: int, steps: int, seed: int = 0) -> np.ndarray:
        """[count, steps, *shape of x]"""
        value = next(v for v in self.proto.graph.input if v.name == "x")
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        return normal(count, steps, *shape, seed=seed, scale=0.5)


def _model(
    inputs: str, outputs: str, body: str, states: Sequence[str], copied: int, integers: bool = True,
    **weights: np.ndarray,
) -> Stateful:  # fmt: skip
    return Stateful(build(inputs, body, weights, outputs=outputs), tuple(states), copied, integers)


MODELS: dict[str, Stateful] = {
    "accumulator": _model(
        "float[1,5] x, float[1,5] h", "float[1,5] y, float[1,5] hn",
        "hn = Add(h, x) y = Relu(hn)", ["h:hn"], 0,
    ),
    "average": _model(
        "float[1,7] x, float[1,7] h", "float[1,7] y, float[1,7] hn",
        "a = Mul(h, keep) b = Mul(x, take) hn = Add(a, b) y = Sub(x, hn)", ["h:hn"], 0,
        keep=np.float32(0.875).reshape(1), take=np.float32(0.125).reshape(1),
    ),
    "cell": _model(
        "float[1,4] x, float[1,6] h", "float[1,3] y, float[1,6] hn",
        """a = Gemm<transB=1>(x, wx) b = Gemm<transB=1>(h, wh) s = Add(a, b) n = Tanh(s)
           c = Gemm<transB=1>(x, ux) d = Gemm<transB=1>(h, uh) e = Add(c, d) z = Sigmoid(e)
           k = Sub(one, z) l = Mul(k, n) r = Mul(z, h) hn = Add(l, r) y = Gemm<transB=1>(hn, wy)""",
        ["h:hn"], 0,
        wx=normal(6, 4), wh=normal(6, 6, scale=0.4), ux=normal(6, 4, seed=1), uh=normal(6, 6, seed=1),
        wy=normal(3, 6), one=np.ones(1, np.float32),
    ),
    "window": _model(
        "float[1,2,1] x, float[1,2,3] h", "float[1,3,1] y, float[1,2,3] hn",
        """all = Concat<axis=2>(h, x) hn = Slice(all, begin, end, axis) y = Conv(all, taps)""",
        ["h:hn"], 0,
        begin=np.array([1]), end=np.array([4]), axis=np.array([2]), taps=normal(3, 2, 4),
    ),
    "delay": _model(
        "float[1,5] x, float[1,5] h", "float[1,5] y, float[1,5] hn",
        "hn = Identity(x) y = Identity(h)", ["h:hn"], 1, False,
    ),
    "difference": _model(
        "float[1,5] x, float[1,5] h", "float[1,5] y, float[1,5] hn",
        "hn = Identity(x) y = Sub(x, h)", ["h:hn"], 0,
    ),
    "late": _model(
        "float[1,5] x, float[1,5] h", "float[1,5] y, float[1,5] hn",
        "hn = Add(h, x) s = Sigmoid(hn) y = Mul(s, h)", ["h:hn"], 1,
    ),
    "swap": _model(
        "float[1,5] x, float[1,5] g, float[1,5] h", "float[1,5] y, float[1,5] gn, float[1,5] hn",
        "gn = Add(h, x) hn = Identity(g) y = Sub(gn, hn)", ["g:gn", "h:hn"], 1,
    ),
    "reshaped": _model(
        "float[1,6] x, float[1,2,3] h", "float[1,6] y, float[1,2,3] hn",
        "flat = Reshape(h, row) s = Add(flat, x) hn = Reshape(s, block) y = Relu(s)", ["h:hn"], 0,
        row=np.array([1, 6]), block=np.array([1, 2, 3]),
    ),
    "image": _model(
        "float[1,2,9,7] x, float[1,3,9,7] h", "float[1,2,9,7] y, float[1,3,9,7] hn",
        """a = Conv<pads=[1,1,1,1]>(x, wa) s = Add(a, h) hn = Tanh(s)
           b = Conv<pads=[1,1,1,1]>(h, wb) y = Relu(b)""",
        ["h:hn"], 1,
        wa=normal(3, 2, 3, 3, scale=0.3), wb=normal(2, 3, 3, 3, scale=0.3),
    ),
    "stream": _model(
        "float[1,2,14,7] x, float[1,3,14,7] h", "float[1,2,7,4] y, float[1,3,14,7] hn",
        """a = Conv<pads=[1,1,1,1]>(x, wa) b = Relu(a) c = Conv<pads=[1,1,1,1]>(b, wb) d = Tanh(c)
           hn = Add(d, h) y = Conv<pads=[1,1,1,1], strides=[2,2]>(hn, wc)""",
        ["h:hn"], 0,
        wa=normal(8, 2, 3, 3, scale=0.3), wb=normal(3, 8, 3, 3, scale=0.3), wc=normal(2, 3, 3, 3, scale=0.3),
    ),
}  # fmt: skip


def saved(array: np.ndarray, folder: Path, **more: np.ndarray) -> Path:
    """A sample file for ``x``."""
    np.savez(folder / "samples.npz", x=array, **more)
    return folder / "samples.npz"


def compiled(name: str, folder: Path, int8: bool, target: str = "host", **options: Any) -> Compiled:
    """The model as C, verified; int8 is calibrated on eight sequences of five steps."""
    model = MODELS[name]
    if int8:
        options["calibration"] = saved(model.sequences(8, 5), folder)
    precision = "int8" if int8 else "float32"
    given = CompileOptions(target, precision=precision, states=model.states, name="net", **options)
    return compile_model(model.proto, given)
