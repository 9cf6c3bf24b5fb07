"""Builds ONNX models node by node, named the way PyTorch's exporter names things.

A model of one time step has its state as pairs of an input and an output: see ``state_pairs.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
from onnx_ir.tape import Tape

from .onnx_graph import SPIKING_DOMAIN
from .spiking.linear_memory import LINEAR_MEMORY, add_memory
from .spiking.neurons import NEURONS, Reset, add_neurons
from .state_pairs import STATES_KEY

Parameters = Mapping[str, float | np.ndarray[Any, Any]]


class GraphBuilder:
    """Collects inputs, weights and nodes, and hands out a checked ``ModelProto``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tape = Tape()
        self._inputs: list[oir.Value] = []
        self._weights: list[oir.Value] = []
        self._kept: dict[str, oir.Value] = {}
        self._outputs: set[str] = set()

    def input(
        self, name: str, shape: Sequence[int | str], dtype: oir.DataType = oir.DataType.FLOAT
    ) -> oir.Value:
        """A graph input; a dimension given as text is symbolic."""
        value = oir.Value(name=name, shape=oir.Shape(shape), type=oir.TensorType(dtype))
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

    def keep(self, state: oir.Value, value: oir.Value) -> None:
        """Makes ``value`` what the input ``state`` is at the next time step: the output ``STATE_next``."""
        self._kept[str(state.name)] = value

    def neurons(
        self, operator: str, scope: str, current: oir.Value, shape: Sequence[int | str],
        parameters: Parameters, reset: Reset = Reset.SUBTRACT, *, delayed: bool = True,
    ) -> oir.Value:  # fmt: skip
        """Neurons of ``shape`` driven by ``current``, whose state is kept: ``scope.U``, ``scope.U_next``, ….

        ``operator`` and ``parameters`` are those of ``passes/spiking/neurons.py``. Returns the spikes, or the
        membrane potential of neurons that have none.
        """
        state = [self.input(f"{scope}.{part}", shape) for part in NEURONS[operator].state]
        constants = self.parameters(operator, scope, parameters)
        results = self.step(operator, scope, [current, *state, *constants], reset, delayed=delayed)
        for before, after in zip(reversed(state), reversed(results), strict=False):
            self.keep(before, after)
        return results[0]

    def memory(
        self, scope: str, u: oir.Value, before: oir.Value, a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]
    ) -> oir.Value:
        """A linear memory driven by ``u`` (…, inputs); its state is the input ``before`` (…, order), and the
        result its new value. ``a`` is (order, order), ``b`` (order, inputs)."""
        matrices = [
            self.weight(f"{scope}.{name}", part.astype(np.float32))
            for name, part in zip("AB", (a, b), strict=True)
        ]
        name = "/" + "/".join([*scope.split("."), LINEAR_MEMORY])
        outputs = [oir.Value(name=f"{name}_output_{i}") for i in range(2)]
        made = self._tape.op_multi_out(
            LINEAR_MEMORY, [u, before, *matrices], domain=SPIKING_DOMAIN, name=name, outputs=outputs
        )
        self.keep(before, made[1])
        return made[0]

    def parameters(self, operator: str, scope: str, parameters: Parameters) -> list[oir.Value]:
        """The last operands of a neuron, initializers ``scope.threshold`` and so on."""
        return [
            self.weight(f"{scope}.{part}", np.asarray(parameters[part], np.float32))
            for part in NEURONS[operator].parameters
        ]

    def step(
        self, operator: str, scope: str, operands: Sequence[oir.Value], reset: Reset, *, delayed: bool
    ) -> Sequence[oir.Value]:
        """One time step of neurons, a node ``/scope/operator``; results as ``spiking/neurons`` has them."""
        neuron = NEURONS[operator]
        name = "/" + "/".join([*scope.split("."), operator])
        return self._tape.op_multi_out(
            operator,
            operands,
            {"reset": int(reset), "delayed": int(delayed)} if neuron.spikes else {},
            domain=SPIKING_DOMAIN,
            name=name,
            outputs=[oir.Value(name=f"{name}_output_{i}") for i in range(len(neuron.outputs))],
        )

    def model(self, outputs: dict[str, oir.Value], opset: int) -> onnx.ModelProto:
        """The model, with ``outputs`` under their new names and the state behind them.

        Raises ``onnx.checker.ValidationError`` or ``InferenceError`` where a node is not valid ONNX.
        """
        kept = [self._output(f"{state}_next", value) for state, value in self._kept.items()]
        given = [self._output(name, value) for name, value in outputs.items()]
        graph = oir.Graph(
            self._inputs,
            [*given, *kept],
            nodes=self._tape.nodes,
            initializers=self._weights,
            opset_imports={"": opset},
            name=self._name,
        )
        model = oir.Model(graph, ir_version=8, producer_name="tinyc.models")
        add_neurons(model)
        add_memory(model)
        if self._kept:
            model.metadata_props[STATES_KEY] = ",".join(f"{state}:{state}_next" for state in self._kept)
        return _with_output_types(oir.to_proto(model))

    def _output(self, name: str, value: oir.Value) -> oir.Value:
        """``value`` under that name; a copy of it where it is an input, or an output of another name."""
        if value.producer() is None or value.name in self._outputs:
            value = self.op("Identity", name, [value])
        value.name = name
        self._outputs.add(name)
        return value


def _with_output_types(proto: onnx.ModelProto) -> onnx.ModelProto:
    inferred = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True)
    del inferred.graph.value_info[:]
    onnx.checker.check_model(inferred, full_check=True)
    return inferred
