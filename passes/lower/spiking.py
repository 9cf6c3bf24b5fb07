"""Spiking parts of a quantized graph: event-driven layers, and neurons on integers.

A layer on spikes whose result only a neuron reads stays in the units of its weights; the neuron adds up such
sums and quantized tensors and has a multiplier for each. ONNX has the sums as float tensors between
DequantizeLinear and a neuron.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx_ir as oir

from ...ir.dtype import SPIKE, DType
from ...kernels.event_pool import SpikeMaxPool
from ...kernels.event_resolve import resolve_current
from ...kernels.integer_neuron import MEMBRANE, Current, resolve_integer
from ...kernels.linear_memory import resolve_integer as resolve_memory
from ...kernels.node import Node, Tensor
from ...kernels.rate_max_pool import resolve as resolve_rate_max_pool
from ...kernels.registry import OPERATORS
from ...kernels.sliding import Sliding
from ..onnx_graph import constant, dequantized_constant, producer, shape_of
from ..spiking.analysis import Spiking, is_neuron, layer_of, spiking_of, state_operands
from ..spiking.encoders import is_encoder
from ..spiking.firing import noted_rates
from ..spiking.linear_memory import is_memory, remembered
from ..spiking.neurons import NEURONS
from ..spiking.rate_pool import counted, is_rate_pool
from .builder import Builder, Origin
from .graph import attributes, element_type, name_of, quantization, sole_consumer
from .layout import channel_last, leading_order, row_major


class SpikingLowering:
    """Takes the nodes of neurons on integers, and of the sums that they read. ``tensor`` gives the operand
    that stands for a value."""

    def __init__(
        self, model: oir.Model, builder: Builder, tensor: Callable[[oir.Value | None], Tensor]
    ) -> None:
        self._values = oir.convenience.create_value_mapping(model.graph)
        self._facts = _facts(model, self._values)
        self._rates = noted_rates(model)
        self._builder, self._tensor = builder, tensor
        self._currents: dict[str, tuple[Tensor, Current]] = {}

    @property
    def spikes(self) -> frozenset[str]:
        """Tensors of 0 and 1 that are stored as integers."""
        return self._facts.spikes

    def lower(self, node: oir.Node, done: set[oir.Node]) -> bool:
        """Appends what computes ``node``, or leaves that to a later node; False where it is none of these."""
        result = node.outputs[0]
        if is_memory(node) and self._remembers_integers(node):
            self._memory(node, done)
        elif is_rate_pool(node) and name_of(result) in self._facts.spikes:
            self._rate_pool(node, done)
        elif name_of(result) in self._facts.terms:
            self._neuron(node, done)
        elif name_of(result) in self._facts.currents:
            self._layer(result)
        elif node.op_type == "MaxPool" and name_of(result) in self._facts.spikes:
            self._pool(node)
        elif is_encoder(node) and name_of(result) in self._facts.spikes:
            self._encoder(node)
        elif name_of(result) not in self._facts.sums:
            return self._adds_bias(node)
        return True

    def _adds_bias(self, node: oir.Node) -> bool:
        """Whether the Add behind ``node`` makes a current of it: the layer is lowered there."""
        following = sole_consumer(node.outputs[0]) if node.op_type == "MatMul" else None
        return following is not None and name_of(following.outputs[0]) in self._facts.currents

    # ---- layers ----

    def _layer(self, result: oir.Value) -> None:
        """The layer that makes a current, with the Add of its bias where that is a node of its own."""
        layer = layer_of(result)
        assert layer is not None
        node, bias = layer
        origin = Origin(node.op_type, node.name or "")
        operands = [self._tensor(v) for v in (*node.inputs[1:], bias) if v is not None]
        order_of = channel_last if node.op_type == "Conv" else row_major
        source, shape = self._tensor(node.inputs[0]), shape_of(result)
        arranged = self._builder.ordered(source, order_of(len(source.shape)), origin)
        spikes = self._builder.bits(arranged, origin)
        name = self._builder.fresh(f"{name_of(result)} in steps of its weights")
        out = Tensor(name, shape, DType.INT32, order_of(len(shape)))
        view = Node(node.op_type, origin.name, attributes(node), (spikes, *operands), (out,))
        kernel, current = resolve_current(view, self._rates.get(source.name))
        out = replace(out, dtype=kernel.dtype)
        self._builder.emit(kernel, origin, [spikes], [out])
        self._currents[name_of(result)] = out, current

    def _pool(self, node: oir.Node) -> None:
        """Whether anything under the kernel spiked."""
        origin, shape = Origin(node.op_type, node.name or ""), shape_of(node.outputs[0])
        order = channel_last(len(shape))
        source = self._builder.ordered(self._tensor(node.inputs[0]), order, origin)
        spikes = self._builder.bits(source, origin)
        out = Tensor(name_of(node.outputs[0]), shape, DType.BIT, order, SPIKE)
        view = Node(node.op_type, origin.name, attributes(node), (spikes,), (out,))
        sliding = Sliding.of(view, tuple(view.attribute("kernel_shape", ())))
        self._builder.emit(SpikeMaxPool(sliding, shape[1]), origin, [spikes], [out])

    def _encoder(self, node: oir.Node) -> None:
        """Values as spikes, in the order in which they lie."""
        origin = Origin(node.op_type, node.name or "")
        values, *others = (self._tensor(value) for value in node.inputs)
        out = replace(values, name=name_of(node.outputs[0]), dtype=DType.BIT, quant=SPIKE)
        view = Node(node.op_type, origin.name, attributes(node), (values, *others), (out,))
        kernel = OPERATORS[node.op_type].resolve(view)
        assert kernel is not None
        self._builder.emit(kernel, origin, [values, others[0]], [out])

    # ---- neurons ----

    def _neuron(self, node: oir.Node, done: set[oir.Node]) -> None:
        """The neuron, and the QuantizeLinear nodes behind it, which it does itself."""
        origin = Origin(node.op_type, node.name or "")
        terms = [self._values[name] for name in self._facts.terms[name_of(node.outputs[0])]]
        driven = [self._term(value, origin) for value in terms]
        driving, currents = [tensor for tensor, _ in driven], [current for _, current in driven]
        held = [self._tensor(before) for before, _ in state_operands(node)]
        neuron = NEURONS[node.op_type]
        parameters = [self._tensor(value) for value in node.inputs[1 + len(held) :]]
        order = leading_order(driving[0], parameters)
        shape = driving[0].shape
        outputs = [Tensor(name_of(v), shape, DType.BIT, order, SPIKE) for v in node.outputs[: neuron.spikes]]
        for _, after in state_operands(node):
            outputs.append(self._kept(after, shape, order, done))
        inputs = (*(replace(t, order=order) for t in (driving[0], *held)), *parameters)
        kernel = resolve_integer(
            Node(node.op_type, origin.name, attributes(node), inputs, tuple(outputs)), currents
        )
        read = [self._builder.ordered(tensor, order, origin) for tensor in (*driving, *held)]
        self._builder.emit(kernel, origin, read, outputs)

    def _kept(
        self, after: oir.Value, shape: tuple[int, ...], order: tuple[int, ...], done: set[oir.Node]
    ) -> Tensor:
        """The new value of a state, as the QuantizeLinear behind it has it."""
        quantizer = sole_consumer(after)
        assert quantizer is not None
        done.add(quantizer)
        return Tensor(name_of(quantizer.outputs[0]), shape, MEMBRANE, order, quantization(quantizer))

    def _rate_pool(self, node: oir.Node, done: set[oir.Node]) -> None:
        """Spikes whose numbers are states: channels last, as for any pool."""
        origin = Origin(node.op_type, node.name or "")
        operands = [self._tensor(value) for value in node.inputs]
        order = channel_last(len(operands[0].shape))
        inputs = [self._builder.ordered(tensor, order, origin) for tensor in operands]
        inputs[0] = self._builder.bits(inputs[0], origin)
        spikes = Tensor(name_of(node.outputs[0]), shape_of(node.outputs[0]), DType.BIT, order, SPIKE)
        kept = [self._kept(after, shape_of(after), order, done) for _, after in counted(node)]
        outputs = [spikes, *kept]
        kernel = resolve_rate_max_pool(
            Node(node.op_type, origin.name, attributes(node), tuple(inputs), tuple(outputs))
        )
        self._builder.emit(kernel, origin, inputs, outputs)

    def _remembers_integers(self, node: oir.Node) -> bool:
        """Whether a memory takes integers, persists as such, and is quantized where the network reads it."""
        source, quantizer = node.inputs[0], sole_consumer(node.outputs[0])
        spikes = source is not None and name_of(source) in self._facts.spikes
        taken = spikes or (source is not None and producer(source, "DequantizeLinear") is not None)
        read = quantizer is not None and quantizer.op_type == "QuantizeLinear"
        return taken and read and _persists(*remembered(node))

    def _memory(self, node: oir.Node, done: set[oir.Node]) -> None:
        """A linear memory, and the QuantizeLinear nodes behind it, which it does itself."""
        origin = Origin(node.op_type, node.name or "")
        operands = [self._builder.wide(self._tensor(value), origin) for value in node.inputs]
        inputs = [self._builder.ordered(t, row_major(len(t.shape)), origin) for t in operands]
        quantizer, shape = sole_consumer(node.outputs[0]), inputs[1].shape
        assert quantizer is not None
        done.add(quantizer)
        result = quantizer.outputs[0]
        read = Tensor(
            name_of(result), shape, element_type(result), row_major(len(shape)), quantization(quantizer)
        )
        whole = self._builder.wide_output(read)
        outputs = [whole, self._kept(remembered(node)[1], shape, read.order, done)]
        kernel = resolve_memory(
            Node(node.op_type, origin.name, attributes(node), tuple(inputs), tuple(outputs))
        )
        self._builder.emit(kernel, origin, inputs[:2], outputs)
        if whole is not read:
            self._builder.convert(whole, read, origin)

    def _term(self, value: oir.Value, origin: Origin) -> tuple[Tensor, Current]:
        """An operand that a neuron adds up, and what it contributes."""
        if name_of(value) in self._currents:
            return self._currents[name_of(value)]
        tensor = self._builder.wide(self._tensor(value), origin)
        quant = tensor.quant
        assert quant is not None
        low, high = (int(bound) - quant.zero_point for bound in (tensor.dtype.lowest, tensor.dtype.highest))
        return tensor, Current(np.array([quant.scale]), max(-low, high), quant.zero_point)


def _facts(model: oir.Model, values: dict[str, oir.Value]) -> Spiking:
    """The facts about neurons whose states and currents are integers; the others stay in float32."""
    holding = {node for node in model.graph if is_neuron(node) and _holds_integers(node)}
    while True:
        facts = spiking_of(model, holding)
        found = {
            node
            for node in model.graph
            for term in facts.terms.get(name_of(node.outputs[0]), ())
            if not _is_integer(values[term], facts)
        }
        if not found:
            return facts
        holding -= found


def _holds_integers(node: oir.Node) -> bool:
    """Whether a neuron's states come from integers, and go to such of the same quantization."""
    if not all(_persists(before, after) for before, after in state_operands(node)):
        return False
    return len(node.outputs) == len(NEURONS[node.op_type].state) + NEURONS[node.op_type].spikes


def _persists(before: oir.Value, after: oir.Value) -> bool:
    """Whether a state comes from integers, and goes to such of the same quantization."""
    source, target = producer(before, "DequantizeLinear"), sole_consumer(after)
    if source is None or source.inputs[0] is None or constant(source.inputs[0]) is not None:
        return False
    if target is None or target.op_type != "QuantizeLinear":
        return False
    types = element_type(source.inputs[0]), element_type(target.outputs[0])
    return types[0] is types[1] and quantization(source) == quantization(target)


def _is_integer(term: oir.Value, facts: Spiking) -> bool:
    """Whether what a neuron adds up is an integer: spikes, a quantized tensor, or a layer on spikes with
    quantized weights."""
    name = name_of(term)
    if name not in facts.currents:
        return name in facts.spikes or producer(term, "DequantizeLinear") is not None
    layer = layer_of(term)
    return layer is not None and dequantized_constant(layer[0].inputs[1]) is not None
