"""Splits a graph into units: the nodes that one integer kernel runs, between quantized tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import onnx_ir as oir

from ..spiking.analysis import Spiking, is_neuron, spiking_of, state_operands
from ..spiking.linear_memory import is_memory, remembered
from ..spiking.rate_pool import counted, is_rate_pool
from ..state_pairs import StatePair, state_pairs
from .affine import Affine
from .graphs import name_of
from .operators import (
    FIXED,
    Rule,
    array_of,
    fuses_activation,
    is_bias,
    is_bounds,
    is_constant,
    is_float,
    is_function,
    rule_of,
)

_BLIND = frozenset(("Shape", "Size", "Constant"))
"""Operators that read no element of their float operands, or have none."""


@dataclass(frozen=True, eq=False)
class Unit:
    """An operator with the bias Add and the bounds that its kernel takes in, or a chain of functions of
    one element.

    ``inputs`` names the float activations it reads (each once), ``outputs`` the float tensors it makes;
    currents of spiking neurons, which are not quantized, are none of them.
    """

    nodes: tuple[oir.Node, ...]
    rule: Rule
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def operator(self) -> oir.Node:
        return self.nodes[0]

    @property
    def name(self) -> str:
        """The tensor that the operator makes: nodes may share a name, or have none."""
        return name_of(self.operator.outputs[0])

    @property
    def fixed(self) -> Affine | None:
        """The quantization of the result where its range is known."""
        return FIXED.get(self.nodes[-1].op_type)

    @property
    def weight(self) -> oir.Value | None:
        """Input 1 of an operator with weights."""
        return self.operator.inputs[1] if self.rule.weight_axis is not None else None

    @property
    def bias(self) -> oir.Value | None:
        """The constant bias: the operator's third input, or the operand of the Add behind a MatMul."""
        if self.rule.weight_axis is None:
            return None
        if self.bias_add is not None:
            return self.bias_add.inputs[constant_side(self.bias_add)]
        return self.operator.inputs[2] if len(self.operator.inputs) > 2 else None

    @property
    def bias_add(self) -> oir.Node | None:
        """The Add behind a MatMul."""
        followers = self.nodes[1:] if self.rule.weight_axis is not None else ()
        return next((node for node in followers if node.op_type == "Add"), None)

    @property
    def sum(self) -> oir.Value:
        """What the operator makes, with its bias, before the activation."""
        return (self.bias_add or self.operator).outputs[0]

    @property
    def channels(self) -> int:
        """Output channels of an operator with weights."""
        axis = self.rule.weight_axis
        assert axis is not None
        transposed = self.operator.op_type == "ConvTranspose"
        groups = self.operator.attributes.get_int("group", 1) if transposed else 1
        return array_of(self.weight).shape[axis] * groups


@dataclass(frozen=True, eq=False)
class Partition:
    """The units in topological order, the float nodes that remain, and what is neither: spiking neurons,
    pools over their rates, and linear memories."""

    units: tuple[Unit, ...]
    islands: tuple[oir.Node, ...]
    neurons: tuple[oir.Node, ...]
    rate_pools: tuple[oir.Node, ...]
    memories: tuple[oir.Node, ...]
    spiking: Spiking

    @property
    def states(self) -> tuple[tuple[str, str], ...]:
        """Membranes, synaptic currents, numbers of spikes and memories before and after a time step."""
        pairs = [pair for node in self.neurons for pair in state_operands(node)]
        pairs += [pair for node in self.rate_pools for pair in counted(node)]
        pairs += [remembered(node) for node in self.memories]
        return tuple((name_of(before), name_of(after)) for before, after in pairs)

    @property
    def drives(self) -> tuple[str, ...]:
        """Tensors that neurons add up as their currents, but for sums of spikes."""
        terms = (name for names in self.spiking.terms.values() for name in names)
        return tuple(name for name in terms if name not in self.spiking.currents)

    @property
    def remembering(self) -> tuple[str, ...]:
        """Tensors that memories take in, and what networks read of them."""
        return tuple(name_of(v) for node in self.memories for v in (node.inputs[0], node.outputs[0]))

    @property
    def leaving(self) -> frozenset[str]:
        """Tensors that are read outside of all units."""
        read = (name_of(v) for node in self.islands for v in node.inputs if v is not None)
        return frozenset((*read, *self.drives, *self.remembering))

    @property
    def tensors(self) -> tuple[str, ...]:
        """Every tensor that is to be quantized, in the order in which they are made."""
        names = [name for unit in self.units for name in (*unit.inputs, *unit.outputs)]
        kept = (name for pair in self.states for name in pair)
        return tuple(dict.fromkeys([*names, *self.drives, *self.remembering, *kept]))


def partition(model: oir.Model) -> Partition:
    """Splits the graph of ``model``, whose nodes are in topological order and whose types are known."""
    spiking = spiking_of(model)
    units: list[Unit] = []
    islands: list[oir.Node] = []
    taken: set[oir.Node] = set()
    for node in model.graph:
        if node in taken or _is_neither(node) or name_of(node.outputs[0]) in spiking.sums:
            continue
        rule = rule_of(node)
        unit = None if rule is None else _unit_of(node, rule)
        if unit is not None:
            taken.update(unit.nodes)
            if not spiking.spikes.issuperset((*unit.inputs, *unit.outputs)):
                kept = tuple(name for name in unit.outputs if name not in spiking.currents)
                units.append(replace(unit, outputs=kept))
        elif _computes_floats(node):
            islands.append(node)
    neurons, rate_pools, memories = (
        tuple(filter(of, model.graph)) for of in (is_neuron, is_rate_pool, is_memory)
    )
    found = Partition((), tuple(islands), neurons, rate_pools, memories, spiking)
    return replace(found, units=_anchored(units, found.states, state_pairs(model)))


def _is_neither(node: oir.Node) -> bool:
    """Whether ``node`` is what a Partition has beside units and islands."""
    return is_neuron(node) or is_rate_pool(node) or is_memory(node)


def _unit_of(node: oir.Node, rule: Rule) -> Unit | None:
    """The unit that starts at ``node``; None where no float activation goes in or out."""
    operands = node.inputs if rule.operands is None else [node.inputs[i] for i in rule.operands]
    if any(operand is None or not is_float(operand) for operand in operands):
        return None
    inputs = tuple(dict.fromkeys(name_of(v) for v in operands if not is_constant(v)))
    nodes = [node]
    if is_function(node):
        _extend(nodes, is_function)
    elif not rule.shared:
        if node.op_type == "MatMul" and rule.weight_axis is not None:
            _extend(nodes, partial(_adds_bias, node), most=1)
        if fuses_activation(node):
            _extend(nodes, is_bounds)
    outputs = tuple(name_of(value) for value in nodes[-1].outputs if value.name and is_float(value))
    return Unit(tuple(nodes), rule, inputs, outputs) if inputs or outputs else None


def _extend(nodes: list[oir.Node], accepts: Callable[[oir.Node], bool], most: int | None = None) -> None:
    """Appends up to ``most`` nodes, each the only reader of the one before, while ``accepts`` says so."""
    while most is None or most > 0:
        result = nodes[-1].outputs[0]
        readers = {use.node for use in result.uses()}
        if len(readers) != 1 or result.is_graph_output() or not accepts(*readers):
            return
        nodes.extend(readers)
        most = None if most is None else most - 1


def _adds_bias(matmul: oir.Node, follower: oir.Node) -> bool:
    if follower.op_type != "Add":
        return False
    channels = array_of(matmul.inputs[1]).shape[1]
    return any(is_bias(value, channels) for value in follower.inputs)


def constant_side(add: oir.Node) -> int:
    """Which input of a bias Add is the bias."""
    return next(index for index, value in enumerate(add.inputs) if is_constant(value))


def _computes_floats(node: oir.Node) -> bool:
    if node.op_type in _BLIND:
        return False
    operands = (value for value in node.inputs if value is not None and not is_constant(value))
    return any(is_float(value) for value in (*operands, *node.outputs))


def _anchored(
    units: Iterable[Unit], neurons: Iterable[tuple[str, str]], pairs: Iterable[StatePair]
) -> tuple[Unit, ...]:
    """Drops chains of data movement that no computing unit touches, on neither side of a state: they may as
    well move floats. Those that a state of ``neurons``, (before, after) each, goes through first stay."""
    states = [(pair.input, pair.output) for pair in pairs]
    units = list(units)
    touched = {n for u in units if not u.rule.shared for n in (*u.inputs, *u.outputs)}
    touched.update({before for before, _ in neurons} - {before for before, _ in states})
    moving = [unit for unit in units if unit.rule.shared]
    growing = True
    while growing:
        near = [u for u in moving if touched.intersection((*u.inputs, *u.outputs))]
        before = len(touched)
        touched.update(name for unit in near for name in (*unit.inputs, *unit.outputs))
        touched.update(name for state in states if touched.intersection(state) for name in state)
        growing = len(touched) > before
    return tuple(u for u in units if not u.rule.shared or touched.intersection((*u.inputs, *u.outputs)))
