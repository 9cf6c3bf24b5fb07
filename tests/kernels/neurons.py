"""Models of one spiking neuron for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tinyc.ir.program import Program
from tinyc.passes.spiking.neurons import NEURONS, SPIKING_DOMAIN, with_neurons

from .schedules import rows_alone

VARIANTS = [
    (operator, reset, delayed)
    for operator in NEURONS
    for reset, delayed in ([(0, 0), (0, 1), (1, 0), (1, 1)] if NEURONS[operator].spikes else [(0, 0)])
]
"""Operator, and the attributes reset and delayed."""

DECAYS = {"alpha": 0.6, "beta": 0.875, "threshold": 0.5}
"""Parameters that are the same for all neurons."""


def per_channel(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Parameters that each channel has its own of."""
    random = np.random.default_rng([seed, count])
    low = {"alpha": 0.0, "beta": 0.3, "threshold": 0.2}
    return {name: random.uniform(low[name], 1, count).astype(np.float32) for name in DECAYS}


def neuron_node(
    operator: str, reset: int, delayed: int, name: str = "neuron", **renamed: str
) -> onnx.NodeProto:
    """The node, with its function's own names for operands and results but for those ``renamed``."""
    neuron = NEURONS[operator]
    attributes = {"reset": reset, "delayed": delayed} if neuron.spikes else {}
    inputs, outputs = ([renamed.get(n, n) for n in names] for names in (neuron.inputs, neuron.outputs))
    return helper.make_node(operator, inputs, outputs, name, domain=SPIKING_DOMAIN, **attributes)


def neuron_model(
    operator: str, reset: int, delayed: int, shape: Sequence[int], parameters: Mapping[str, object],
    opset: int = 25,
) -> onnx.ModelProto:  # fmt: skip
    """A float model of the neuron alone; ``parameters`` that it does not have are left out."""
    neuron = NEURONS[operator]
    values = {name: np.asarray(parameters[name], np.float32) for name in neuron.parameters}
    inputs = dict.fromkeys(("I", *neuron.state), shape)
    return spiking_model([neuron_node(operator, reset, delayed)], inputs, neuron.outputs, values, opset)


def spiking_model(
    nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, Sequence[int]], outputs: Sequence[str],
    constants: Mapping[str, np.ndarray], opset: int = 25,
) -> onnx.ModelProto:  # fmt: skip
    """A float model of nodes among which are neurons."""
    graph = helper.make_graph(
        list(nodes), "spiking",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(array, n) for n, array in constants.items()],
    )  # fmt: skip
    version = helper.OP_SET_ID_VERSION_MAP[("ai.onnx", opset)]
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=version)
    return onnx.shape_inference.infer_shapes(with_neurons(model), strict_mode=True)


def in_windows(program: Program) -> Iterator[Program]:
    """The program layer by layer, and, where tensors are images or series, row by row."""
    yield program
    if all(len(b.shape) in (3, 4) and b.shape[0] == 1 for b in program.buffers.values()):
        yield rows_alone(program)
        yield rows_alone(program, upward=True)
