"""Neurons in models that come in: each stays one node, and its function is tinyc's own."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.onnx_builder import GraphBuilder
from tinyc.passes.onnx_graph import SPIKING_DOMAIN
from tinyc.passes.spiking.neurons import with_neurons

from ..onnx_text import assert_same, build, normal, operators

BODY = """
    a = Gemm <transB = 1> (x, w1)
    h = other.Doubled (a)
    {neurons}
    b = MatMul (S, w2)
    y, u2_next = tinyc.spiking.IF <reset = 1, delayed = 0> (b, u2, threshold)
"""
LIF = "S, u_next = tinyc.spiking.LIF <reset = 0, delayed = 1> (h, u, beta, threshold)"
OTHER = """
    <domain: "other", opset_import: ["" : OPSET]> Doubled (x) => (y) { y = Add (x, x) }
"""
WEIGHTS = {
    "w1": normal(6, 5),
    "w2": normal(6, 3),
    "beta": np.float32([0.9]),
    "threshold": np.float32(0.4),
}


def two_layers(neurons: str = LIF, opset: int = 17) -> onnx.ModelProto:
    """Two layers of neurons, and a function that is none."""
    return with_neurons(
        build(
            "float[1,5] x, float[1,6] u, float[1,3] u2", BODY.format(neurons=neurons), WEIGHTS,
            outputs="y, u_next, u2_next", opset=opset, imports=', "tinyc.spiking" : 1, "other" : 1',
            functions=OTHER.replace("OPSET", str(opset)),
        )
    )  # fmt: skip


@pytest.mark.parametrize("opset", [13, 17, 25])
def test_neurons_stay_and_other_functions_are_inlined(opset: int) -> None:
    proto = two_layers(opset=opset)
    model = canonicalize(import_model(proto))
    kept = [node.op_type for node in model.graph if node.domain == SPIKING_DOMAIN]
    assert kept == ["LIF", "IF"]
    assert "Doubled" not in operators(model)
    assert {name for _, name, _ in model.functions} == {"LIF", "IF"}
    assert [list(map(int, value.shape or ())) for value in model.graph.outputs] == [[1, 3], [1, 6], [1, 3]]
    assert_same(model, proto)


def test_a_function_that_only_has_the_name_is_refused() -> None:
    proto = two_layers()
    (lif,) = (function for function in proto.functions if function.name == "LIF")
    (node,) = (node for node in lif.node if node.output == ["driven"])
    node.op_type = "Sub"
    with pytest.raises(ModelError) as error:
        import_model(proto)
    assert "'LIF'" in str(error.value) and "differs" in str(error.value)


def test_a_memory_that_only_has_the_name_is_refused() -> None:
    graph = GraphBuilder("memory")
    u, before = graph.input("u", [1, 2]), graph.input("M", [1, 3])
    model = graph.model({"m": graph.memory("lmu", u, before, np.eye(3), np.ones((3, 2)))}, 17)
    assert [node.op_type for node in import_model(model).graph] == ["LinearMemory"]
    (node,) = (node for node in model.functions[0].node if node.output == ["m"])
    node.op_type = "Sub"
    with pytest.raises(ModelError, match=r"'LinearMemory'.*\n.*differs"):
        import_model(model)


def test_values_of_the_function_may_have_other_names() -> None:
    proto = two_layers()
    for function in proto.functions:
        for node in function.node:
            node.output[:] = [f"{name}_" if name not in function.output else name for name in node.output]
            inner = {*function.input, *function.output}
            node.input[:] = [name if name in inner else f"{name}_" for name in node.input]
    assert_same(import_model(proto), proto)


def test_an_operator_that_is_no_neuron_is_refused_by_name() -> None:
    from tinyc.passes.lower import lower

    proto = two_layers("S, u_next = tinyc.spiking.Izhikevich (h, u)")
    model = canonicalize(import_model(proto))
    with pytest.raises(ModelError) as error:
        lower(model, "model")
    assert "tinyc.spiking.Izhikevich" in str(error.value)
