"""Random graphs through the whole compiler: what comes out is what ONNX Runtime computes."""

from __future__ import annotations

import onnx
import onnx.printer
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from . import agreement
from .random_graphs import float_graphs, spatial_graphs
from .random_qdq import qdq_graphs, spatial_qdq_graphs

_UNCHECKED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
_FIXED = settings(derandomize=True, database=None, deadline=None, suppress_health_check=_UNCHECKED)
"""The same graphs in every run."""

few = settings(_FIXED, max_examples=75)
batches = settings(_FIXED, max_examples=6)
many = settings(_FIXED, max_examples=1500)
many_batches = settings(_FIXED, max_examples=80)


def show(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Prints the graph where the test fails."""
    note(onnx.printer.to_text(proto.graph))
    return proto


@few
@given(float_graphs())
def test_float_graphs(proto: onnx.ModelProto):
    agreement.float_graph_agrees(show(proto))


@few
@given(spatial_graphs())
def test_float_graphs_window_by_window(proto: onnx.ModelProto):
    agreement.float_graph_agrees(show(proto))


@few
@given(qdq_graphs())
def test_quantized_graphs(proto: onnx.ModelProto):
    agreement.quantized_graph_agrees(show(proto))


@few
@given(spatial_qdq_graphs())
def test_quantized_graphs_window_by_window(proto: onnx.ModelProto):
    agreement.quantized_graph_agrees(show(proto))


@few
@given(float_graphs())
def test_graphs_that_tinyc_quantizes(proto: onnx.ModelProto):
    agreement.own_quantization_agrees(show(proto))


@batches
@given(st.lists(float_graphs(4), min_size=6, max_size=6))
def test_float_graphs_as_c(protos: list[onnx.ModelProto]):
    agreement.merged_host_agrees([show(proto) for proto in protos])


@batches
@given(st.lists(qdq_graphs(4), min_size=6, max_size=6))
def test_quantized_graphs_as_c(protos: list[onnx.ModelProto]):
    agreement.merged_host_agrees([show(proto) for proto in protos])


@pytest.mark.slow
class TestMany:
    """The same properties of more graphs."""

    @many
    @given(st.one_of(float_graphs(), spatial_graphs()))
    def test_float_graphs(self, proto: onnx.ModelProto):
        agreement.float_graph_agrees(show(proto))

    @many
    @given(st.one_of(qdq_graphs(), spatial_qdq_graphs()))
    def test_quantized_graphs(self, proto: onnx.ModelProto):
        agreement.quantized_graph_agrees(show(proto))

    @many
    @given(st.one_of(float_graphs(), spatial_graphs()))
    def test_graphs_that_tinyc_quantizes(self, proto: onnx.ModelProto):
        agreement.own_quantization_agrees(show(proto))

    @many_batches
    @given(st.lists(st.one_of(float_graphs(4), qdq_graphs(4)), min_size=6, max_size=6))
    def test_as_c(self, protos: list[onnx.ModelProto]):
        agreement.merged_host_agrees([show(proto) for proto in protos])
