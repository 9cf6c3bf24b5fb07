"""LMUFormer as ONNX in two ways through time: step by step with state, and over a whole sequence.

Over a sequence convolutions are padded, the Legendre memory is a convolution by its impulse response, and
neurons are unrolled: other operators than those of a step, for the same numbers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx_ir as oir

from ..passes.onnx_builder import GraphBuilder
from ..passes.spiking.neurons import Reset
from .lmuformer_layers import EPSILON, LIF, TAPS, Array, Layers, Signal, Size

OPSET = 20


class Graph(Layers[oir.Value]):
    """Nodes and initializers; ``trained`` has parameters by name, others are random."""

    def __init__(self, name: str, size: Size, trained: Mapping[str, Array]) -> None:
        super().__init__(size)
        self.graph = GraphBuilder(name)
        self._trained = trained

    def model(self, logits: oir.Value) -> onnx.ModelProto:
        """The network, whose output is called ``logits``."""
        return self.graph.model({"logits": logits}, OPSET)

    def _parameter(self, name: str, initial: Array) -> oir.Value:
        return self.graph.weight(name, self._trained.get(name, initial))

    def _pointwise(self, scope: str, x: oir.Value, weight: oir.Value, bias: oir.Value) -> oir.Value:
        return self.graph.op("Conv", scope, [x, weight, bias])

    def _norm(self, scope: str, x: oir.Value, parameters: Sequence[oir.Value]) -> oir.Value:
        return self.graph.op("BatchNormalization", scope, [x, *parameters], epsilon=EPSILON)

    def _apply(self, function: str, scope: str, *values: oir.Value) -> oir.Value:
        return self.graph.op(function, scope, values)

    def _join(self, scope: str, x: oir.Value, y: oir.Value) -> oir.Value:
        return self.graph.op("Concat", scope, [x, y], axis=1)

    def _mean(self, x: Signal[oir.Value]) -> oir.Value:
        share = self.graph.weight("head.share", np.array(1 / self.size.steps, np.float32))
        return self.graph.op("Mul", "head.mean", [self._sum(x), share])

    @abstractmethod
    def _sum(self, x: Signal[oir.Value]) -> oir.Value:
        """The sum over the steps so far."""


class Steps(Graph):
    """One time step a call, what it needs of the steps before as state."""

    def input(self) -> Signal[oir.Value]:
        frame = self.graph.input("frame", ["batch", self.size.inputs])
        return Signal(self._column("frame.column", frame), self.size.inputs)

    def _column(self, scope: str, x: oir.Value) -> oir.Value:
        """(batch, channels) as one step, (batch, channels, 1)."""
        return self.graph.op("Unsqueeze", scope, [x, self.graph.weight(f"{scope}.axes", np.array([2]))])

    def _temporal(self, scope: str, x: Signal[oir.Value], weight: oir.Value) -> oir.Value:
        past = self.graph.input(f"{scope}.past", ["batch", x.channels, TAPS - 1])
        seen = self.graph.op("Concat", f"{scope}.seen", [past, x.value], axis=2)
        bounds = {"starts": 1, "ends": TAPS, "axes": 2}
        cut = [self.graph.weight(f"{scope}.{name}", np.array([n])) for name, n in bounds.items()]
        self.graph.keep(past, self.graph.op("Slice", f"{scope}.newest", [seen, *cut]))
        return self.graph.op("Conv", scope, [seen, weight])

    def _remember(self, u: oir.Value) -> oir.Value:
        flat = self.graph.op("Flatten", "memory.flat", [u], axis=1)
        before = self.graph.input("memory.m", ["batch", self.size.order])
        m = self.graph.memory("memory", flat, before, *self.system)
        return self._column("memory.column", m)

    def _fire(self, scope: str, current: Signal[oir.Value]) -> oir.Value:
        shape = ["batch", current.channels, 1]
        return self.graph.neurons("LIF", scope, current.value, shape, LIF, Reset.ZERO, delayed=False)

    def _sum(self, x: Signal[oir.Value]) -> oir.Value:
        before = self.graph.input("head.total", ["batch", x.channels, 1])
        after = self.graph.op("Add", "head.sum", [before, x.value])
        self.graph.keep(before, after)
        return after


class WholeSequence(Graph):
    """All steps of a sequence in one call, without state."""

    def input(self) -> Signal[oir.Value]:
        size = self.size
        return Signal(self.graph.input("frames", ["batch", size.inputs, size.steps]), size.inputs)

    def _temporal(self, scope: str, x: Signal[oir.Value], weight: oir.Value) -> oir.Value:
        return self.graph.op("Conv", scope, [x.value, weight], pads=[TAPS - 1, 0])

    def _remember(self, u: oir.Value) -> oir.Value:
        latest_last = self.impulse()[:, None, ::-1].astype(np.float32)
        kernel = self.graph.weight("memory.impulse", np.ascontiguousarray(latest_last))
        return self.graph.op("Conv", "memory", [u, kernel], pads=[self.size.steps - 1, 0])

    def _fire(self, scope: str, current: Signal[oir.Value]) -> oir.Value:
        parameters = self.graph.parameters("LIF", scope, LIF)
        state = self.graph.weight(f"{scope}.start", np.zeros((1, current.channels, 1), np.float32))
        spikes: list[oir.Value] = []
        for t in range(self.size.steps):
            index = self.graph.weight(f"{scope}.{t}", np.array([t]))
            now = self.graph.op("Gather", f"{scope}.{t}", [current.value, index], axis=2)
            operands = [now, state, *parameters]
            spike, state = self.graph.step("LIF", f"{scope}.{t}", operands, Reset.ZERO, delayed=False)
            spikes.append(spike)
        return self.graph.op("Concat", scope, spikes, axis=2)

    def _sum(self, x: Signal[oir.Value]) -> oir.Value:
        return self.graph.op("CumSum", "head.sum", [x.value, self.graph.weight("head.axis", np.array(2))])
