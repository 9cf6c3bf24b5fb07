"""Flattened spikes: dense layers take them as they lie, and compute the same."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.onnx_graph import shape_of
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.running import Runner
from tinyc.passes.spiking.flatten import flatten_as_they_lie
from tinyc.passes.spiking.neurons import with_neurons
from tinyc.passes.state_pairs import state_pairs

from ..onnx_text import build, normal

_IF = "tinyc.spiking.IF <reset=0, delayed=0>"
_SPIKES = f"a = Conv (x, w) s, un = {_IF} (a, u, theta) "
_MOVING = "Remap", "Threshold", "PackedTable"
_STATES = {"u": (1, 8, 3, 5), "v": (1, 6)}
_DENSE = {
    "Gemm": (f"f = Flatten (s) c = Gemm <transB=1> (f, d, b) y, vn = {_IF} (c, v, theta)", (6, 120)),
    "MatMul": (f"f = Flatten (s) c = MatMul (f, d) y, vn = {_IF} (c, v, theta)", (120, 6)),
}


def _model(text: str, dense: tuple[int, ...], channels: int = 8) -> oir.Model:
    """The canonical model of spikes [1, channels, 3, 5] of a convolution, and ``text`` behind it."""
    weights = {
        "w": normal(channels, 2, 2, 2, scale=0.5), "d": normal(*dense, scale=0.3), "b": normal(6),
        "theta": np.ones(1, np.float32),
    }  # fmt: skip
    shapes = {**_STATES, "u": (1, channels, 3, 5)}
    given = ", ".join(f"float[{','.join(map(str, shape))}] {name}" for name, shape in shapes.items())
    outputs = "float[n] y, float[a] un, float[b] vn"
    proto = build(f"float[1,2,4,6] x, {given}", _SPIKES + text, weights, outputs=outputs)
    return canonicalize(import_model(with_neurons(proto), states=("u:un", "v:vn")))


def _operators(model: oir.Model) -> list[str]:
    return [node.op_type for node in model.graph]


@pytest.mark.parametrize(("name", "channels"), [("Gemm", 8), ("MatMul", 8), ("Gemm", 5)])
def test_weights_take_the_order_of_pixels(name: str, channels: int) -> None:
    text, dense = _DENSE[name]
    size = tuple(15 * channels if n == 120 else n for n in dense)
    model = _model(text, size, channels)
    flat = model.clone()
    flatten_as_they_lie(flat)
    assert "Transpose" in _operators(flat) and "Transpose" not in _operators(model)
    again = flat.clone()
    flatten_as_they_lie(again)
    assert _operators(again) == _operators(flat)
    sample = {str(v.name): normal(*shape_of(v), seed=4) for v in model.graph.inputs}
    wanted, found = Runner(model).run(sample), Runner(flat).run(sample)
    for output, value in wanted.items():
        np.testing.assert_allclose(found[output], value, atol=1e-5)


@pytest.mark.parametrize("name", _DENSE)
def test_no_bit_moves(name: str) -> None:
    model = _model(*_DENSE[name])
    flatten_as_they_lie(model)
    assert len(state_pairs(model)) == 2
    samples = {str(v.name): normal(4, *shape_of(v), seed=4) for v in model.graph.inputs}
    program = lower(quantize(model, samples), "m")
    names = [type(step.kernel).__name__ for step in program.steps]
    assert names.count("IntegerNeuron") == 2 and "EventDense" in names
    moving = [step for step in program.steps if type(step.kernel).__name__ in _MOVING]
    assert not [step for step in moving if step.outputs[0] not in program.outputs]
    plain = lower(quantize(_model(*_DENSE[name]), samples), "m")
    assert len(plain.steps) == len(program.steps) + 3  # to bytes, in the other order, to bits


@pytest.mark.parametrize(
    "text",
    [
        "f = Flatten (s) c = Gemm <transB=1> (f, d, b) y = Relu (f) vn = Identity (v)",
        "p = Transpose <perm=[0,2,3,1]> (s) f = Flatten (p) c = Gemm <transB=1> (f, d, b) "
        f"y, vn = {_IF} (c, v, theta)",
    ],
)
def test_others_stay_as_they_are(text: str) -> None:
    """Other readers of the flattened spikes, and spikes that were moved already."""
    model = _model(text, (6, 120))
    before = _operators(model)
    flatten_as_they_lie(model)
    assert _operators(model) == before
