"""A NIR network as an ONNX model of one time step, its state explicit."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import onnx_ir as oir
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError

from ...ir.errors import ModelError
from ..onnx_builder import GraphBuilder
from ..onnx_graph import quoted
from .file import read_network
from .layers import LAYERS, Shape, Tensor, fitted, require_shape
from .network import INPUT, OUTPUT, Network, NirNode
from .neurons import NEURON_KINDS, NirReset, check_dt, discretize, reset_of
from .order import order

_OPSET = 18


def import_nir(path: str | os.PathLike[str], dt: float | None, reset: NirReset = "zero") -> onnx.ModelProto:
    """The network in a .nir file with time steps of ``dt`` seconds, named as the file.

    Inputs and outputs are the file's, each (1, *shape). A node NAME with state has it as the pairs
    ``NAME.U`` and ``NAME.U_next`` and so on; spikes that feed back are a pair ``NAME.S``.

    Raises UsageError for a missing or wrong ``dt`` and where h5py is missing, ModelError for a file that is
    not a NIR file and for networks that cannot be converted.
    """
    step, file = check_dt(dt), Path(path)
    network = read_network(file)
    _check_kinds(network)
    try:
        return _Conversion(network, step, reset, file.stem or "model").model()
    except (ValidationError, InferenceError, ValueError) as error:
        raise ModelError(
            "The NIR network makes no valid ONNX model",
            where=str(file),
            why=" ".join(str(error).split())[:300],
            remedy="write the file with other names of nodes: they may collide",
        ) from error


def _check_kinds(network: Network) -> None:
    supported = {*LAYERS, *NEURON_KINDS, INPUT, OUTPUT}
    unsupported = [node for node in network.nodes.values() if node.kind not in supported]
    if unsupported:
        names = ", ".join(f"{node.kind} (node {quoted(node.name)})" for node in unsupported[:10])
        raise ModelError(
            "The NIR network has nodes of types that tinyc does not support",
            why=names,
            remedy=f"build the network from {', '.join(sorted(supported - {'pass'}))}",
        )
    for kind in (INPUT, OUTPUT):
        if not any(node.kind == kind for node in network.nodes.values()):
            raise ModelError(
                f"The NIR network has no {kind} node",
                why="nothing says where data enters and leaves",
                remedy="connect the network to an Input and an Output; write the file again",
            )


class _Conversion:
    """Builds the graph node by node."""

    def __init__(self, network: Network, dt: float, reset: NirReset, name: str) -> None:
        self._network = network
        self._dt = dt
        self._reset, self._delayed = reset_of(reset)
        self._graph = GraphBuilder(name)
        neurons = [node.name for node in network.nodes.values() if node.kind in NEURON_KINDS]
        self._order = order(network, neurons)
        self._before = {name: self._step_before(name) for name in self._fed_back()}
        self._results: dict[str, Tensor] = {}

    def model(self) -> onnx.ModelProto:
        outputs: dict[str, oir.Value] = {}
        for name in self._order.names:
            node = self._network.nodes[name]
            if node.kind == INPUT:
                self._results[name] = self._input(node)
            elif node.kind == OUTPUT:
                outputs[name] = self._drive(node).value
            else:
                self._results[name] = self._node(node)
        return self._graph.model(outputs, _OPSET)

    def _fed_back(self) -> list[str]:
        return [name for name in self._network.nodes if any(name == edge[0] for edge in self._order.delayed)]

    def _step_before(self, name: str) -> Tensor:
        """What a neuron gave at the step before; its parameters have its shape."""
        node = self._network.nodes[name]
        shape = node.numbers("r").shape
        require_shape(node, bool(shape), shape, "parameters of its own shape, where it feeds back")
        return Tensor(self._graph.input(f"{name}.S", [1, *shape]), shape)

    def _input(self, node: NirNode) -> Tensor:
        sizes = node.numbers("shape").reshape(-1)
        shape = tuple(node.integers("shape", sizes.size)) if sizes.size else ()
        require_shape(node, min(shape, default=1) > 0, shape, "positive sizes")
        return Tensor(self._graph.input(node.name, [1, *shape]), shape)

    def _node(self, node: NirNode) -> Tensor:
        drive = self._drive(node)
        if node.kind not in NEURON_KINDS:
            return LAYERS[node.kind](self._graph, node, drive)
        result = self._neurons(node, drive)
        if node.name in self._before:
            before = self._before[node.name]
            require_shape(node, before.shape == result.shape, result.shape, f"{before.shape}")
            self._graph.keep(before.value, result.value)
        return result

    def _neurons(self, node: NirNode, drive: Tensor) -> Tensor:
        shape = drive.shape
        neuron = discretize(node, self._dt)
        current = drive.value
        for part, operator, neutral in (("gain", "Mul", 1), ("offset", "Add", 0)):
            constant = fitted(node, getattr(neuron, part), shape)
            if (constant != neutral).any():
                operand = self._graph.weight(f"{node.name}.{part}", constant)
                current = self._graph.op(operator, f"{node.name}.{part}", [current, operand])
        parameters = {name: fitted(node, value, shape) for name, value in neuron.parameters.items()}
        result = self._graph.neurons(
            neuron.operator, node.name, current, [1, *shape], parameters, self._reset, delayed=self._delayed
        )
        return Tensor(result, shape)

    def _drive(self, node: NirNode) -> Tensor:
        """The sum of what a node's edges bring."""
        brought = [
            self._before[source] if (source, target) in self._order.delayed else self._results[source]
            for source, target in self._network.edges
            if target == node.name
        ]
        shapes: set[Shape] = {tensor.shape for tensor in brought}
        if len(shapes) != 1:
            raise ModelError(
                "A node of the NIR network has no input" if not brought else "The inputs of a node differ",
                where=node.where,
                why=f"shapes {sorted(shapes)}" if brought else "no edge leads to it",
                remedy="write the file again with the framework that the network comes from",
            )
        total = brought[0]
        for i, tensor in enumerate(brought[1:]):
            value = self._graph.op("Add", f"{node.name}.sum.{i}", [total.value, tensor.value])
            total = Tensor(value, total.shape)
        return total
