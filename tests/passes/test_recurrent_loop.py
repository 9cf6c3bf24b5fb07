"""Loops that count for themselves, and those that are a GRU: Keras' networks as tf2onnx writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.import_onnx import import_model

from .onnx_text import assert_same, operators
from .test_unroll import model

GRU = Path(__file__).parents[1] / "interop" / "keras" / "gru.onnx"
COUNTING = """
agraph (float[2] x) => (float[2] y)
<int64 trips = {{ {trips} }}, bool always = {{1}}, int32 zero = {{0}}, int32 two = {{2}}, int32 limit = {{5}}>
{{
    n, y = Loop (trips, always, zero, x) <body = step
        (int64 number, bool going, int32 count, float[2] before) => (bool on, int32 next, float[2] after) {{
            next = Add (count, two)
            less = Less (next, limit)
            on = And (less, going)
            after = Exp (before)
        }}>
}}
"""


@pytest.mark.parametrize(("trips", "runs"), [(99, 3), (2, 2), (10**12, 3)])
def test_a_condition_on_counters(trips: int, runs: int) -> None:
    """Of count = 2, 4, 6 the last one ends the loop."""
    proto = model(COUNTING.format(trips=trips))
    imported = import_model(proto)
    assert operators(imported).split().count("Exp") == runs
    assert_same(imported, proto)


def test_without_a_trip_count() -> None:
    proto = model(COUNTING.format(trips=1).replace("Loop (trips,", "Loop (,"))
    assert operators(import_model(proto)).split().count("Exp") == 3


def test_a_condition_that_never_ends() -> None:
    text = COUNTING.format(trips=1).replace("Loop (trips,", "Loop (,").replace("{5}", "{1000000}")
    with pytest.raises(ModelError, match="cannot be unrolled"):
        import_model(model(text))


def gru() -> onnx.ModelProto:
    """The network of a batch of 1: ONNX Runtime takes no other dimension for the Loop's state."""
    proto = onnx.load(GRU)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return proto


def body(proto: onnx.ModelProto) -> onnx.GraphProto:
    (loop,) = (node for node in proto.graph.node if node.op_type == "Loop")
    return next(attribute.g for attribute in loop.attribute if attribute.name == "body")


def test_a_loop_that_is_a_gru() -> None:
    proto = gru()
    imported = import_model(proto)
    (layer,) = (node for node in imported.graph if node.op_type == "GRU")
    assert "Loop" not in operators(imported)
    assert layer.attributes.get_int("linear_before_reset", 0) == 1
    assert_same(imported, proto)


def _sigmoid_for_tanh(proto: onnx.ModelProto) -> None:
    next(node for node in body(proto).node if node.op_type == "Tanh").op_type = "Sigmoid"


def _other_gate(proto: onnx.ModelProto) -> None:
    """1 − z taken of another number than 1."""
    for tensor in body(proto).initializer:
        if tensor.name.endswith("sub/x:0"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32(0.9), tensor.name))


def _every_step_the_first(proto: onnx.ModelProto) -> None:
    """The Gather takes what stays the same."""
    gather = next(node for node in body(proto).node if node.op_type == "Gather")
    body(proto).initializer.append(onnx.numpy_helper.from_array(np.array(0, np.int32), "first"))
    gather.input[1] = "first"


@pytest.mark.parametrize("change", [_sigmoid_for_tanh, _other_gate, _every_step_the_first])
def test_a_loop_that_is_almost_a_gru(change: Callable[[onnx.ModelProto], None]) -> None:
    proto = gru()
    before = proto.SerializeToString()
    change(proto)
    assert proto.SerializeToString() != before
    imported = import_model(proto)
    assert "GRU" not in operators(imported)
    assert operators(imported).split().count("Sigmoid") == (36 if change is _sigmoid_for_tanh else 24)
    assert_same(imported, proto)
