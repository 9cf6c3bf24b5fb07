"""Small spiking networks, each a step of time, and what their sequences of inputs look like."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from ...kernels.neurons import neuron_node, spiking_model

_PARAMETERS = {"beta": np.float32(0.9), "alpha": np.float32(0.5), "theta": np.float32(0.4)}
STEPS, SEQUENCES = 6, 8


def normal(*shape: int, gain: float = 1.2) -> np.ndarray:
    """Seeded weights [outputs, inputs, …] that make their neurons spike."""
    random = np.random.default_rng(shape)
    return (random.normal(size=shape) * gain / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def lif(number: int, current: str, operator: str = "LIF", reset: int = 0, delayed: int = 1) -> onnx.NodeProto:
    """Layer ``number`` of neurons: u → un, s."""
    n = str(number)
    names = {"U": f"u{n}", "S": f"s{n}", "U_next": f"un{n}", "Isyn": f"i{n}", "Isyn_next": f"in{n}"}
    return neuron_node(operator, reset, delayed, f"neuron{n}", I=current, threshold="theta", **names)


def _model(
    nodes: list[onnx.NodeProto], x: tuple[int, ...], states: dict[str, tuple[str, tuple[int, ...]]],
    outputs: list[str], constants: dict[str, np.ndarray],
) -> onnx.ModelProto:  # fmt: skip
    """``states`` maps inputs to the outputs that are their next values, and shapes."""
    used = {name for node in nodes for name in node.input}
    values = {name: value for name, value in {**_PARAMETERS, **constants}.items() if name in used}
    inputs = {"x": x} | {name: shape for name, (_, shape) in states.items()}
    model = spiking_model(nodes, inputs, [*(after for after, _ in states.values()), *outputs], values)
    pairs = ",".join(f"{before}:{after}" for before, (after, _) in states.items())
    model.metadata_props.add(key="tinyc.states", value=pairs)
    return model


def dense() -> onnx.ModelProto:
    """An encoder, a recurrent layer with synapses whose spikes persist, and a readout."""
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["c1"], "encoder", transB=1),
        lif(1, "c1"),
        helper.make_node("Gemm", ["s1", "w2", "b2"], ["c2"], "forward", transB=1),
        helper.make_node("MatMul", ["before", "wr"], ["cr"], "recurrent"),
        helper.make_node("Add", ["c2", "cr"], ["c"], "both"),
        lif(2, "c", "CubaLIF", reset=1, delayed=0),
        helper.make_node("Gemm", ["s2", "w3", "b3"], ["c3"], "readout", transB=1),
        lif(3, "c3", "LI"),
        helper.make_node("Identity", ["un3"], ["y"], "result"),
    ]
    constants = {
        "w1": normal(33, 12), "b1": normal(33), "w2": normal(17, 33), "b2": normal(17),
        "wr": normal(17, 17), "w3": normal(5, 17), "b3": normal(5) / 3,
    }  # fmt: skip
    states = {
        "u1": ("un1", (1, 33)), "i2": ("in2", (1, 17)), "u2": ("un2", (1, 17)), "before": ("s2", (1, 17)),
        "u3": ("un3", (1, 5)),
    }  # fmt: skip
    return _model(nodes, (1, 12), states, ["y"], constants)


def biased() -> onnx.ModelProto:
    """A MatMul with a bias behind it, thresholds per neuron, and spikes for the caller."""
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["m1"], "first"),
        lif(1, "m1", "IF", delayed=0),
        helper.make_node("MatMul", ["s1", "w2"], ["m2"], "second"),
        helper.make_node("Add", ["m2", "b2"], ["c2"], "bias"),
        lif(2, "c2", delayed=0),
    ]
    constants = {"w1": normal(7, 9), "w2": normal(9, 33), "b2": normal(33), "theta": np.float32(0.5)}
    nodes[-1].input[3] = "thetas"
    constants["thetas"] = np.linspace(0.3, 0.9, 33, dtype=np.float32)
    return _model(nodes, (1, 7), {"u1": ("un1", (1, 9)), "u2": ("un2", (1, 33))}, ["s2"], constants)


def convolutional() -> onnx.ModelProto:
    """Convolutions, one of them depthwise, a pool of spikes, and a dense layer behind a Reshape."""
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], "first", pads=[1, 1, 1, 1]),
        lif(1, "c1"),
        helper.make_node("MaxPool", ["s1"], ["p1"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], "depthwise", pads=[1, 1, 1, 1], group=9),
        lif(2, "c2", delayed=0),
        helper.make_node("Reshape", ["s2", "flat"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["c3"], "readout", transB=1),
        lif(3, "c3", "LI"),
        helper.make_node("Identity", ["un3"], ["y"], "result"),
    ]
    constants = {
        "w1": normal(9, 2, 3, 3, gain=2), "b1": normal(9), "w2": normal(9, 1, 3, 3), "b2": normal(9),
        "w3": normal(4, 9 * 3 * 4), "b3": normal(4), "flat": np.array([1, -1]),
    }  # fmt: skip
    states = {"u1": ("un1", (1, 9, 6, 8)), "u2": ("un2", (1, 9, 3, 4)), "u3": ("un3", (1, 4))}
    return _model(nodes, (1, 2, 6, 8), states, ["y"], constants)


def mixed() -> onnx.ModelProto:
    """The input itself is a current, spikes meet in a Concat, are averaged, and leave through int8 layers."""
    nodes = [
        lif(1, "x"),
        helper.make_node("Add", ["x", "x2"], ["c"], "shifted"),
        lif(2, "c", delayed=0),
        helper.make_node("Concat", ["s1", "s2"], ["both"], "concat", axis=1),
        helper.make_node("Gemm", ["both", "w", "b"], ["d"], "dense", transB=1),
        helper.make_node("Relu", ["d"], ["y"], "relu"),
    ]
    constants = {"x2": normal(1, 10), "w": normal(6, 20), "b": normal(6)}
    return _model(nodes, (1, 10), {"u1": ("un1", (1, 10)), "u2": ("un2", (1, 10))}, ["y"], constants)


NETWORKS = {"dense": dense, "biased": biased, "convolutional": convolutional, "mixed": mixed}


def sequences(model: onnx.ModelProto) -> np.ndarray:
    """Inputs [sequences, steps, *shape of x]."""
    (x,) = (value for value in model.graph.input if value.name == "x")
    shape = [d.dim_value for d in x.type.tensor_type.shape.dim]
    return np.random.default_rng(0).normal(0.3, 1, (SEQUENCES, STEPS, *shape)).astype(np.float32)
