"""A ReLU network becomes a spiking one that codes each activation by a rate of spikes.

A neuron that integrates I = W·x + b and gives a spike, less a threshold Θ, whenever its membrane passes Θ,
fires at the rate min(max(I, 0), Θ) / Θ: a ReLU that is cut off at Θ (Y. Cao, Y. Chen and D. Khosla, "Spiking
deep convolutional neural networks for energy-efficient object recognition", 2015). Membranes begin at half
of the threshold, which rounds rates to the nearest. Spikes are 0 or 1: the level that one stands for goes
into the weights that read it. The result is the graph of one time step; what a step leaves to the next are
pairs of inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import onnx_ir as oir
import onnx_ir.passes.common as common

from ...ir.errors import ModelError
from ..onnx_edit import add_constant, bypass, emit, name_nodes, unique_name
from ..onnx_graph import SPIKING_DOMAIN, Array, attributes_of, constant, describe, input_at, scalar, shape_of
from ..quantize.calibration import Calibration
from ..quantize.graphs import name_of
from .encoders import add_encoders
from .flatten import flatten_as_they_lie
from .inputs import Coded, SpikeCoding, code_inputs
from .neurons import add_neurons
from .rate_pool import RATE_MAX_POOL, add_rate_pool
from .rates import STEPS_KEY
from .signals import Coding, Signal, summed
from .states import States
from .thresholds import balanced_thresholds

PERCENTILE = 99.0
"""Of a channel's activations: the threshold."""


def convert(
    model: oir.Model, calibration: Calibration, steps: int, percentile: float = PERCENTILE,
    coding: SpikeCoding = "analog",
) -> oir.Model:  # fmt: skip
    """The canonical float ``model`` as a spiking network of ``steps`` time steps for an inference.

    Raises ModelError that names every node which has no spiking form, and inputs that have no ``coding``.
    """
    found = model.clone()
    _strip_ends(found.graph)
    conversion = _Conversion(found)
    conversion.refuse_others()
    activations = [node.outputs[0] for node in found.graph if node.op_type in _ACTIVATIONS]
    thresholds = balanced_thresholds(found, activations, calibration, percentile)
    conversion.run(thresholds, code_inputs(found, conversion.states, coding, steps, calibration))
    common.RemoveUnusedNodesPass()(found)
    name_nodes(found.graph)
    add_encoders(found)
    add_neurons(found)
    add_rate_pool(found)
    conversion.states.note(found)
    flatten_as_they_lie(found)
    found.metadata_props[STEPS_KEY] = str(steps)
    return found


_ACTIVATIONS = ("Relu", "Clip")
_ENDS = ("Softmax", "LogSoftmax")


def _strip_ends(graph: oir.Graph) -> None:
    """Outputs are what a Softmax at the end reads: the greatest stays the greatest."""
    for output in tuple(graph.outputs):
        node = output.producer()
        if node is not None and node.op_type in _ENDS and node.inputs[0] is not None:
            bypass(node, node.inputs[0])


class _Conversion:
    """The network on its way, node by node; ``signals`` are of the tensors that are through."""

    def __init__(self, model: oir.Model) -> None:
        self._model, self.states = model, States(model.graph)
        self._nodes, self._shown = tuple(model.graph), len(model.graph.outputs)
        self._thresholds: Mapping[str, Array] = {}
        self._signals: dict[oir.Value, Signal] = {}
        self._begins: oir.Value | None = None
        self._rules: Mapping[str, Callable[[oir.Node], None]] = {
            **dict.fromkeys(("Conv", "Gemm", "MatMul"), self._linear),
            **dict.fromkeys(_ACTIVATIONS, self._activation),
            **dict.fromkeys(("Reshape", "Transpose", "Identity"), self._moved),
            "Add": self._sum, "Concat": self._joined, "AveragePool": self._average, "MaxPool": self._maximum,
        }  # fmt: skip

    def refuse_others(self) -> None:
        """Raises ModelError where a node has no spiking form, or none has neurons."""
        others = [node for node in self._model.graph if node.op_type not in self._rules or node.domain]
        if others:
            raise ModelError(
                "The network cannot become a spiking one",
                where=", ".join(map(describe, others)),
                why="only sums, products with constant weights, pools and ReLU have one in rates of spikes",
                remedy="train the network with ReLU in place of these, or compile it without --spiking",
            )
        if not any(node.op_type in _ACTIVATIONS for node in self._model.graph):
            raise ModelError(
                "The network cannot become a spiking one",
                why="it has no ReLU, so nothing in it would spike",
                remedy="compile it without --spiking",
            )

    def run(self, thresholds: Mapping[str, Array], coded: Coded) -> None:
        """Rewrites the graph, which reads what is ``coded``; ``thresholds`` are [channels] of each
        activation, by its name."""
        self._thresholds, self._signals, self._begins = thresholds, dict(coded.signals), coded.begins
        for node in self._nodes:
            self._rules[node.op_type](node)
        for index in range(self._shown):
            self._read_out(index)

    def _operand(self, node: oir.Node, index: int = 0) -> tuple[oir.Value, Signal]:
        value = node.inputs[index]
        assert value is not None
        return value, self._signals.get(value, Signal(Coding.ANALOG))  # a constant is analog

    def _linear(self, node: oir.Node) -> None:
        """A product with weights: of spikes, with weights that have the spikes' levels in them."""
        _, signal = self._operand(node)
        weights = constant(node.inputs[1])
        if weights is None:
            raise _refusal(node, "its weights are computed", "keep them constant")
        if signal.levels is not None:
            levels = signal.along(1 if node.op_type == "Conv" else -1)
            if levels is None:
                raise _refusal(node, "of one channel it reads spikes that stand for different levels")
            scaled = add_constant(
                self._model.graph, _scaled(node, weights, levels), f"{name_of(node.inputs[1])}_levels"
            )
            node.replace_input_with(1, scaled)
        self._signals[node.outputs[0]] = summed(signal)
        if signal.coding is Coding.TIMES:
            self._last(node)

    def _last(self, node: oir.Node) -> None:
        """What a spike of a time adds to the current of ``node`` lasts, so that it counts in all steps that
        are left of the period: the current is the sum of those so far, which begins as the bias."""
        graph, current, name = self._model.graph, node.outputs[0], node.name or "layer"
        readers, rank = tuple(current.uses()), len(shape_of(current))
        bias = np.zeros(1, np.float32)
        if len(node.inputs) > 2 and node.inputs[2] is not None:
            known = constant(node.inputs[2])
            if known is None:
                raise _refusal(node, "its bias is computed", "keep it constant")
            bias = known.astype(np.float32)
            node.resize_inputs(2)
        bias = bias.reshape(1, -1, *[1] * (rank - 2))
        total = self.states.add(f"{name}_lasting", np.broadcast_to(bias, shape_of(current)))
        sums = self._sum_over_steps(node, current, total)
        first = add_constant(graph, bias, f"{name}_first")
        begun = emit(sums, "Where", [self._begins, first, total], name=f"{name}_begins")
        sums.replace_input_with(1, begun)
        for reader, index in readers:
            reader.replace_input_with(index, sums.outputs[0])
        self._signals[sums.outputs[0]] = self._signals[current]

    def _activation(self, node: oir.Node) -> None:
        """A ReLU becomes neurons; of spikes it changes nothing."""
        source, signal = self._operand(node)
        output = node.outputs[0]
        if signal.levels is not None:
            bypass(node, source)
            return
        thresholds = np.minimum(self._thresholds[name_of(output)], _most(node))
        thresholds = thresholds.reshape(-1, *[1] * (len(shape_of(source)) - 2)).astype(np.float32)
        spikes = self._neurons(node, source, thresholds, Signal.spikes(thresholds, shape_of(source)))
        bypass(node, spikes)

    def _moved(self, node: oir.Node) -> None:
        _, signal = self._operand(node)
        output = node.outputs[0]
        if signal.levels is None:
            self._signals[output] = signal
        elif node.op_type == "Transpose":
            levels = signal.levels.transpose(node.attributes["perm"].as_ints())
            self._signals[output] = signal.moved(levels, shape_of(output))
        else:
            self._signals[output] = signal.moved(signal.levels.reshape(shape_of(output)), shape_of(output))

    def _sum(self, node: oir.Node) -> None:
        """Currents add up; spikes become a current first."""
        for index in range(2):
            source, signal = self._operand(node, index)
            self._refuse_times(node, signal)
            if signal.coding is Coding.SPIKES:
                node.replace_input_with(index, self._current(node, source, signal))
        self._signals[node.outputs[0]] = summed(*(self._operand(node, index)[1] for index in range(2)))

    def _joined(self, node: oir.Node) -> None:
        signals = [self._operand(node, index)[1] for index in range(len(node.inputs))]
        output = node.outputs[0]
        levels = [signal.levels for signal in signals if signal.levels is not None]
        if not levels:
            self._signals[output] = summed(*signals)
        elif len(levels) == len(signals) and len({signal.coding for signal in signals}) == 1:
            joined = np.concatenate(levels, axis=node.attributes["axis"].as_int())
            self._signals[output] = signals[0].moved(joined, shape_of(output))
        else:
            raise _refusal(
                node, "it joins tensors of different codings", "put a ReLU behind each of its operands"
            )

    def _average(self, node: oir.Node) -> None:
        """The mean of spikes drives neurons that give as many on average, at the same levels."""
        _, signal = self._operand(node)
        output = node.outputs[0]
        self._refuse_times(node, signal)
        if signal.levels is None:
            self._signals[output] = signal
            return
        readers = [*output.uses()]
        one = np.ones(1, np.float32)
        spikes = self._neurons(node, output, one, self._pooled(node, signal))
        for reader, index in readers:
            reader.replace_input_with(index, spikes)

    def _maximum(self, node: oir.Node) -> None:
        """The greatest of several rates: a spike in each step in which the greatest number of spikes that an
        element of the window has given so far grows. It grows by one at most. Of times it is the first."""
        source, signal = self._operand(node)
        if signal.levels is None:
            raise _refusal(node, "it is in front of the ReLU", "put the pooling behind the ReLU")
        output = node.outputs[0]
        graph, name = self._model.graph, node.name or "pool"
        counts = self.states.add(f"{name}_counts", np.zeros(shape_of(source), np.float32))
        peaks = self.states.add(f"{name}_peaks", np.zeros(shape_of(output), np.float32))
        pool = oir.Node(
            SPIKING_DOMAIN, RATE_MAX_POOL, [source, counts, peaks], [*node.attributes.values()],
            num_outputs=3, name=name,
        )  # fmt: skip
        pool.outputs[0].name = unique_name(graph, f"{name}_spikes")
        for value, like in zip(pool.outputs, (output, counts, peaks), strict=True):
            value.shape, value.type = like.shape, like.type
        graph.insert_before(node, pool)
        self.states.keep(counts, pool.outputs[1])
        self.states.keep(peaks, pool.outputs[2])
        self._signals[pool.outputs[0]] = self._pooled(node, signal)
        bypass(node, pool.outputs[0])

    def _pooled(self, node: oir.Node, signal: Signal) -> Signal:
        """The signal of ``node``, a pool over spikes of ``signal``."""
        levels, shape = signal.along(1), shape_of(node.outputs[0])
        if levels is None:
            raise _refusal(node, "of one channel it reads spikes that stand for different levels")
        return signal.moved(levels.reshape(-1, *[1] * (len(shape) - 2)), shape)

    def _current(self, node: oir.Node, source: oir.Value, signal: Signal) -> oir.Value:
        """The current that ``node`` gets of spikes, each by itself."""
        channels = signal.along(1)
        if channels is None or len(shape_of(source)) != 4:
            raise _refusal(node, "it adds spikes that no weights come before")
        weights = add_constant(
            self._model.graph, channels.reshape(-1, 1, 1, 1).astype(np.float32), f"{source.name}_levels"
        )
        attributes = {
            "group": len(channels), "kernel_shape": [1, 1], "pads": [0] * 4, "strides": [1, 1],
            "dilations": [1, 1],
        }  # fmt: skip
        current = emit(node, "Conv", [source, weights], attributes, name=f"{node.name}_current")
        self._signals[current] = Signal(Coding.CURRENT)
        return current

    def _neurons(self, node: oir.Node, current: oir.Value, thresholds: Array, signal: Signal) -> oir.Value:
        """Spikes of neurons that ``current`` drives, in place of ``node``'s activation."""
        graph, name = self._model.graph, node.name or "neurons"
        shape = shape_of(current)
        initial = np.broadcast_to(thresholds / 2, shape).astype(np.float32)
        membrane = self.states.add(f"{name}_membrane", initial)
        threshold = add_constant(graph, thresholds, f"{name}_threshold")
        attributes = [oir.AttrInt64("reset", 0), oir.AttrInt64("delayed", 0)]
        neurons = oir.Node(
            SPIKING_DOMAIN, "IF", [current, membrane, threshold], attributes, num_outputs=2,
            name=f"{name}_neurons",
        )  # fmt: skip
        neurons.outputs[0].name = unique_name(graph, f"{name}_spikes")
        for value in neurons.outputs:
            value.shape, value.type = current.shape, current.type
        insert = graph.insert_after if current is node.outputs[0] else graph.insert_before
        insert(node, neurons)
        self.states.keep(membrane, neurons.outputs[1])
        self._signals[neurons.outputs[0]] = signal
        return neurons.outputs[0]

    def _refuse_times(self, node: oir.Node, signal: Signal) -> None:
        if signal.coding is Coding.TIMES:
            raise _refusal(
                node, "it reads times of spikes that no weights come before", "choose --spike-coding poisson"
            )

    def _sum_over_steps(self, node: oir.Node, current: oir.Value, total: oir.Value) -> oir.Node:
        """What adds ``current``, which ``node`` makes, to the state ``total``."""
        graph, name = self._model.graph, name_of(total)
        decay = add_constant(graph, np.ones(1, np.float32), f"{name}_decay")
        sums = oir.Node(SPIKING_DOMAIN, "LI", [current, total, decay], name=f"{name}_neurons")
        sums.outputs[0].shape, sums.outputs[0].type = current.shape, current.type
        graph.insert_after(node, sums)
        self.states.keep(total, sums.outputs[0])
        return sums

    def _read_out(self, index: int) -> None:
        """An output is the sum of its current over all time steps so far."""
        graph = self._model.graph
        value = graph.outputs[index]
        node, signal, name = value.producer(), self._signals[value], name_of(value)
        assert node is not None
        if signal.coding is Coding.SPIKES:
            value.name = unique_name(graph, f"{name}_spikes")
            follower = oir.Node("", "Identity", [value], name=f"{name}_spikes")
            graph.insert_after(node, follower)
            value, node = self._current(follower, value, signal), follower
        self._refuse_times(node, signal)
        value.name = unique_name(graph, f"{name}_current")
        total = self.states.add(f"{name}_sum", np.zeros(shape_of(value), np.float32))
        sums = self._sum_over_steps(node, value, total)
        shown = oir.Node("", "Identity", [sums.outputs[0]], name=f"{name}_shown")
        shown.outputs[0].shape, shown.outputs[0].type = value.shape, value.type
        shown.outputs[0].name = name
        graph.insert_after(sums, shown)
        graph.outputs[index] = shown.outputs[0]


def _scaled(node: oir.Node, weights: Array, levels: Array) -> Array:
    """``weights`` with the factor ``levels`` [input channels] in them."""
    if node.op_type == "Conv":
        groups = node.attributes["group"].as_int()
        by_group = levels.reshape(groups, 1, -1)
        shape = (groups, -1, weights.shape[1], int(np.prod(weights.shape[2:])))
        return (weights.reshape(shape) * by_group[..., None]).reshape(weights.shape).astype(np.float32)
    transposed = node.op_type == "Gemm" and bool(attributes_of(node).get("transB", 0))
    return (weights * (levels if transposed else levels[:, None])).astype(np.float32)


def _most(node: oir.Node) -> float:
    """Where a Clip from 0 cuts its operand off; infinity for a ReLU."""
    if node.op_type == "Relu":
        return float("inf")
    low, high = (scalar(input_at(node, index)) for index in (1, 2))
    if low != 0:
        raise _refusal(node, f"it clips at {low}, not at 0")
    return float("inf") if high is None else high


def _refusal(node: oir.Node, why: str, remedy: str = "compile the network without --spiking") -> ModelError:
    return ModelError("A node has no form in rates of spikes", where=describe(node), why=why, remedy=remedy)
