"""Nodes with states: values that persist from one time step to the next, neurons and memories among them."""

from __future__ import annotations

import numpy as np

from tinyc.passes.onnx_graph import SPIKING_DOMAIN
from tinyc.passes.spiking.linear_memory import LINEAR_MEMORY
from tinyc.passes.spiking.neurons import NEURONS

from .sketch import Sketch


def delay(s: Sketch, x: str) -> str:
    """What ``x`` was at the step before."""
    before = s.state(s.shape(x))
    s.keep(before, s.one("Identity", x))
    return before


def average(s: Sketch, x: str) -> str:
    before = s.state(s.shape(x))
    after = s.one("Add", s.one("Mul", before, s.constant(0.75)), s.one("Mul", x, s.constant(0.25)))
    s.keep(before, after)
    return after


def neurons(s: Sketch, x: str) -> str:
    """One of the neurons, with parameters for all or for each channel; the result is its spikes."""
    neuron, shape = NEURONS[s.pick(*NEURONS)], s.shape(x)
    before = [s.state(shape) for _ in neuron.state]
    low = {"alpha": 0.2, "beta": 0.3, "threshold": 0.3}
    along = (shape[1], *[1] * (len(shape) - 2))
    parameters = [
        s.constant(s.pick(0.5, 0.875) if s.chance(2) else s.rng.uniform(low[name], 1, s.pick((), along)))
        for name in neuron.parameters
    ]
    flags = {"reset": s.whole(0, 1), "delayed": s.whole(0, 1)} if neuron.spikes else {}
    results = s.call(
        SPIKING_DOMAIN, neuron.operator, [x, *before, *parameters], [shape] * len(neuron.outputs), **flags
    )
    for old, new in zip(before, results[neuron.spikes :], strict=True):
        s.keep(old, new)
    return results[0]


def spiking_layer(s: Sketch, x: str) -> str:
    """Neurons behind a layer, whose inputs may be spikes."""
    outputs = s.pick(1, 3, 8, 11)
    if len(s.shape(x)) == 2:
        weights = s.weights(outputs, s.shape(x)[1], scale=0.7)
        return neurons(s, s.one("Gemm", x, weights, s.weights(outputs), transB=1))
    taps = [s.pick(1, 3)] * (len(s.shape(x)) - 2)
    weights = s.weights(outputs, s.shape(x)[1], *taps, scale=0.5)
    pads = [tap // 2 for tap in taps] * 2
    return neurons(s, s.one("Conv", x, weights, s.weights(outputs), kernel_shape=taps, pads=pads))


def memory(s: Sketch, x: str) -> str:
    """A linear memory for each run of the last axis; its matrix is a contraction."""
    *units, inputs = s.shape(x)
    order = s.whole(1, 6)
    a, _ = np.linalg.qr(s.rng.normal(size=(order, order)))
    before = s.state((*units, order))
    matrices = [s.constant(0.9 * a), s.constant(0.3 * s.rng.normal(size=(order, inputs)))]
    read, after = s.call(SPIKING_DOMAIN, LINEAR_MEMORY, [x, before, *matrices], [(*units, order)] * 2)
    s.keep(before, after)
    return read
