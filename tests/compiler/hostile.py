"""Small models, and what somebody who means no good would put into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 21


def graph_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int]],
    constants: Mapping[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    """A float32 model that nothing has checked."""

    def info(tensors: Mapping[str, Sequence[int | str]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in tensors.items()]

    held = [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "graph", info(inputs), info(outputs), held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


def two_headed() -> onnx.ModelProto:
    """Two inputs, two outputs, and five layers in between."""
    rng = np.random.default_rng(0)
    constants = {
        "w0": rng.normal(size=(3, 2, 3, 3)), "b0": rng.normal(size=3), "w1": rng.normal(size=(3, 1, 2, 2)),
        "shape": np.array([1, 24]), "w2": rng.normal(size=(24, 4)), "b2": rng.normal(size=4),
        "w3": rng.normal(size=(6, 3)), "b3": rng.normal(size=3),
    }  # fmt: skip
    constants = {n: a if a.dtype.kind == "i" else a.astype(np.float32) for n, a in constants.items()}
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["t0"], "n0", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["t0"], ["t1"], "n1"),
        helper.make_node("MaxPool", ["t1"], ["t2"], "n2", kernel_shape=[2, 2], strides=[2, 1]),
        helper.make_node("Conv", ["t2", "w1"], ["t3"], "n3", group=3),
        helper.make_node("Reshape", ["t3", "shape"], ["t4"], "n4"),
        helper.make_node("Gemm", ["t4", "w2", "b2"], ["scores"], "n5"),
        helper.make_node("Gemm", ["vector", "w3", "b3"], ["t5"], "n6"),
        helper.make_node("Softmax", ["t5"], ["shares"], "n7"),
    ]
    return graph_model(
        nodes, {"image": [1, 2, 6, 6], "vector": [1, 6]}, {"scores": [1, 4], "shares": [1, 3]}, constants
    )


def renamed(model: onnx.ModelProto, name: Callable[[str], str]) -> onnx.ModelProto:
    """The model with every tensor, node and graph called ``name(old name)``."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    graph.name, graph.doc_string, made.producer_name = (name(part) for part in ("graph", "note", "producer"))
    for value in [*graph.input, *graph.output, *graph.initializer]:
        value.name = name(value.name)
    for node in graph.node:
        node.name = name(node.name)
        node.input[:] = [part and name(part) for part in node.input]
        node.output[:] = [name(part) for part in node.output]
    return made
