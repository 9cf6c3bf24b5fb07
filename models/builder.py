"""Builds ONNX models node by node, named the way PyTorch's exporter names things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
from onnx_ir.tape import Tape


class GraphBuilder:
    """Collects inputs, weights and nodes, and hands out a checked ``ModelProto``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tape = Tape()
        self._inputs: list[oir.Value] = []
        self._weights: list[oir.Value] = []

    def input(self, name: str, shape: Sequence[int | str]) -> oir.Value:
        """A float32 graph input; a dimension given as text is symbolic."""
        value = oir.Value(name=name, shape=oir.Shape(shape), type=oir.TensorType(oir.DataType.FLOAT))
        self._inputs.append(value)
        return value

    def weight(self, name: str, array: np.ndarray[Any, Any]) -> oir.Value:
        """An initializer of that name with the array's dtype and shape."""
        tensor = oir.Tensor(array, name=name)
        dtype = oir.TensorType(tensor.dtype)
        value = oir.Value(name=name, shape=tensor.shape, type=dtype, const_value=tensor)
        self._weights.append(value)
        return value

    def op(self, op_type: str, scope: str, inputs: Sequence[oir.Value], **attributes: Any) -> oir.Value:
        """A node ``/scope/op_type`` of the default domain; returns its one output."""
        name = "/" + "/".join([*scope.split("."), op_type])
        output = oir.Value(name=f"{name}_output_0")
        return self._tape.op(op_type, inputs, attributes, name=name, output=output)

    def model(self, outputs: dict[str, oir.Value], opset: int) -> onnx.ModelProto:
        """The model, with ``outputs`` under their new names.

        Raises ``onnx.checker.ValidationError`` or ``InferenceError`` where a node is not valid ONNX.
        """
        for name, value in outputs.items():
            value.name = name
        graph = oir.Graph(
            self._inputs,
            list(outputs.values()),
            nodes=self._tape.nodes,
            initializers=self._weights,
            opset_imports={"": opset},
            name=self._name,
        )
        proto = oir.to_proto(oir.Model(graph, ir_version=8, producer_name="tinyc.models"))
        return _with_output_types(proto)


def _with_output_types(proto: onnx.ModelProto) -> onnx.ModelProto:
    inferred = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True)
    del inferred.graph.value_info[:]
    onnx.checker.check_model(inferred, full_check=True)
    return inferred
