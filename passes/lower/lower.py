"""The walk over the graph that turns nodes into steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import onnx_ir as oir

from ...ir.dtype import SPIKE, DType
from ...ir.errors import ModelError
from ...ir.program import Program
from ...kernels.convert import Quantize
from ...kernels.node import UNBOUNDED, Activation, Constant, Node, Tensor
from ...kernels.packed import packed_form
from ...kernels.registry import OPERATORS, Operator
from ...kernels.table import RealFunction
from ..onnx_graph import constant, shape_of
from ..state_pairs import given_inputs, given_outputs, initial_values, state_pairs
from . import boundary, states
from .builder import Builder, Origin
from .functions import function_kernel
from .graph import (
    attributes,
    dequantized_constant,
    element_type,
    fusable_activation,
    name_of,
    names_in,
    notes,
    quantization,
    sole_consumer,
)
from .layout import arranged_for, reshaped, row_major, same_bytes, same_runs, transposed
from .spiking import SpikingLowering
from .unsupported import refuse_unsupported


@dataclass(frozen=True)
class LowerOptions:
    """How the caller wants to hand over inputs. ``channel_last`` False keeps the model's own axis order;
    ``input_dtype`` is int8, uint8 or float32 and matters where the model quantizes its input itself."""

    channel_last: bool = True
    input_dtype: DType = DType.INT8


DEFAULTS = LowerOptions()


def lower(model: oir.Model, name: str, options: LowerOptions = DEFAULTS) -> Program:
    """The layer-by-layer program of a canonical model. ``name`` is a C identifier.

    Raises ModelError: operators without a kernel (all of them at once), or a node whose attributes or
    types no kernel takes.
    """
    refuse_unsupported(model)
    return _Lowering(model, name, options).run()


class _Lowering:
    def __init__(self, model: oir.Model, name: str, options: LowerOptions) -> None:
        self.model = model
        self.graph = model.graph
        self.opset = model.opset_imports.get("", 0)
        self.options = options
        self.builder = Builder(name, reserved=names_in(model.graph))
        self.done: set[oir.Node] = set()
        self.spiking = SpikingLowering(model, self.builder, self.tensor)

    def run(self) -> Program:
        given, wanted = given_inputs(self.model), given_outputs(self.model)
        held = states.declare_before(self._pairs(), self.builder, self.done, self.spiking.spikes)
        inputs = boundary.declare_inputs(
            given, self.builder, self.options.channel_last, self.options.input_dtype, self.done
        )
        for node in self.graph:  # first, so that constants are known wherever their nodes stand
            if node.op_type == "DequantizeLinear" and constant(node.inputs[0]) is not None:
                self._lower_node(node)
        for node in self.graph:
            if node not in self.done:
                self._lower_node(node)
        kept = states.declare_after(held, initial_values(self.model), self.builder, self.tensor)
        taken = [*inputs, *(name for state in kept for name in (state.before, state.after))]
        outputs = boundary.declare_outputs(
            wanted, self.builder, self.options.channel_last, self.tensor, taken
        )
        return self.builder.program(inputs, outputs, kept)

    def _pairs(self) -> dict[oir.Value, oir.Value]:
        inputs, outputs = ({name_of(v): v for v in side} for side in (self.graph.inputs, self.graph.outputs))
        return {inputs[pair.input]: outputs[pair.output] for pair in state_pairs(self.model)}

    # ---- operands ----

    def tensor(self, value: oir.Value | None) -> Tensor:
        """The operand that stands for ``value``: computed before, or constant."""
        assert value is not None and value.name is not None
        known = self.builder.tensors.get(value.name)
        if known is not None:
            return known
        array = constant(value)
        if array is None:
            raise ModelError(
                "A tensor is read before it is computed",
                where=f"tensor {value.name!r}",
                why="no node that comes before makes it, and it is neither input nor initializer",
                remedy="export the model again, with its nodes in topological order",
            )
        return self._constant(value.name, Constant(array))

    def _constant(self, name: str, constant: Constant) -> Tensor:
        values = constant.values
        known = values.dtype.name in {d.value[0] for d in DType}
        dtype = DType.of(values.dtype) if known else DType.FLOAT32
        return Tensor(name, values.shape, dtype, row_major(values.ndim), constant=constant)

    def _lower_node(self, node: oir.Node) -> None:
        self.done.add(node)
        if self.spiking.lower(node, self.done):
            return
        match node.op_type:
            case "DequantizeLinear":
                self._dequantize(node)
            case "Reshape":
                self._reshape(node)
            case "Transpose":
                self._transpose(node)
            case "Identity":
                source = self._in_memory(node)
                self.builder.view(source, replace(source, name=name_of(node.outputs[0])))
            case _:
                if not self._table(node):
                    self._compute(node)

    # ---- nodes that cost nothing ----

    def _dequantize(self, node: oir.Node) -> None:
        source, out = node.inputs[0], node.outputs[0]
        stored = constant(source)
        if stored is not None:
            self.builder.tensors[name_of(out)] = self._constant(
                name_of(out), dequantized_constant(node, stored)
            )
            return
        quant, tensor = quantization(node), self.tensor(source)
        self.builder.note_quant(tensor.name, quant)
        self.builder.view(tensor, replace(tensor, name=name_of(out), quant=quant))

    def _reshape(self, node: oir.Node) -> None:
        out = node.outputs[0]
        source, origin, shape = self._in_memory(node), self._origin(node), shape_of(out)
        order = reshaped(source.shape, source.order, shape)
        target = replace(source, name=name_of(out), shape=shape, order=order or row_major(len(shape)))
        if order is None or not same_runs(source, target):
            rows = row_major(len(source.shape))
            source = self.builder.ordered(self.builder.wide(source, origin), rows, origin)
            target = replace(target, order=row_major(len(shape)), dtype=source.dtype)
        self.builder.view(source, target)

    def _transpose(self, node: oir.Node) -> None:
        out = node.outputs[0]
        source = self._in_memory(node)
        perm = tuple(attributes(node).get("perm") or reversed(range(len(source.shape))))
        moved = replace(source, name=name_of(out), shape=shape_of(out), order=transposed(source.order, perm))
        self.builder.view(source, moved)

    # ---- functions of one element ----

    def _table(self, node: oir.Node) -> bool:
        """Lowers ``node`` and the functions that follow it, up to QuantizeLinear, as one kernel: a table, for
        16 bits one with lines between its points, or what requantizes."""
        functions: list[RealFunction] = []
        last, current = node, node
        carried = self._activation_operand(node)
        if carried is None:
            return False
        source = self.tensor(carried)
        if source.quant is None or source.dtype.size > 2:
            return False
        chain: list[oir.Node] = []
        while current.op_type != "QuantizeLinear":
            function = self._function(current, carried)
            following = sole_consumer(current.outputs[0])
            if function is None or following is None:
                return False
            functions.append(function)
            chain.append(current)
            last, current, carried = current, following, current.outputs[0]
        result, quant = current.outputs[0], quantization(current)
        if element_type(result).size > 1:
            source = self.builder.wide(source, self._origin(current))
        made = replace(source, name=name_of(result), dtype=element_type(result), quant=quant)
        if not functions and source.quant == quant and source.dtype is made.dtype:
            self.builder.view(source, replace(made, quant=None))
        else:
            kernel = function_kernel(source, made, chain, functions)
            if kernel is None:
                return False
            origin = self._origin(chain[0] if chain else last, chain[1:])
            self.builder.emit(kernel, origin, [source], [replace(made, quant=None)])
            self.builder.note_quant(made.name, quant)
        self.done.update([*chain, current])
        return True

    def _activation_operand(self, node: oir.Node) -> oir.Value | None:
        """The only tensor computed at run time that ``node`` reads; None where there are several."""
        computed = {v for v in node.inputs if v is not None and self._known_constant(v) is None}
        return computed.pop() if len(computed) == 1 else None

    def _known_constant(self, value: oir.Value) -> Tensor | None:
        """The operand that stands for ``value`` where it is constant, else None."""
        known = self.builder.tensors.get(name_of(value))
        if known is None and constant(value) is not None:
            known = self.tensor(value)
        return None if known is None or known.constant is None else known

    def _function(self, node: oir.Node, carried: oir.Value) -> RealFunction | None:
        """The function that ``node`` is of each element of ``carried``; None where it reads other tensors."""
        operator = OPERATORS.get(node.op_type)
        if operator is None or operator.function is None or self._activation_operand(node) is not carried:
            return None
        if shape_of(node.outputs[0]) != shape_of(carried):
            return None
        operands = [
            None if v is None else self._known_constant(v) or replace(self._stored(v), dtype=DType.FLOAT32)
            for v in node.inputs
        ]
        return operator.function(self._view(node, operands, [self._stored(node.outputs[0])], UNBOUNDED))

    # ---- everything else ----

    def _compute(self, node: oir.Node) -> None:
        if node.op_type == "QuantizeLinear":
            self._quantize(node)
            return
        operator = OPERATORS[node.op_type]
        absorbed, activation = self._absorb(node, operator)
        final = absorbed[-1].outputs[0] if absorbed else next(v for v in node.outputs if v.name)
        origin = self._origin(node, absorbed)
        operands = self._operands(node)
        if absorbed and (bias := self._bias(node, operator, absorbed[0])) is not None:
            operands = [*operands, bias]
        if self._integer(node, operator, operands, activation, final, origin):
            self.done.update(absorbed)
            return
        operands = [None if t is None else self.builder.real(t, origin) for t in operands]
        outputs = [self._stored(v) for v in node.outputs if v.name]
        outputs[0] = self._stored(final)
        if not self._emit(node, operator, operands, outputs, activation, origin):
            raise self._view(node, operands, outputs, activation).refuse(
                "no kernel takes these element types", "cast its operands to float32"
            )
        self.done.update(absorbed)

    def _integer(
        self, node: oir.Node, operator: Operator, operands: list[Tensor | None], activation: Activation,
        final: oir.Value, origin: Origin,
    ) -> bool:  # fmt: skip
        """Tries the integer form: quantized operands in, a quantized (or non-float) result out."""
        if not any(t is not None and _is_quantized(t) for t in operands):
            return False
        if any(
            t is not None and t.constant is None and t.quant is None and t.dtype.is_float for t in operands
        ):
            return False
        if final.name in self.spiking.spikes:
            made = replace(self._stored(final), dtype=DType.INT8, quant=SPIKE)
            return self._emit(node, operator, operands, [made], activation, origin)
        if element_type(final) is not DType.FLOAT32:
            outputs = [self._stored(v) for v in node.outputs if v.name]
            return self._emit(node, operator, operands, outputs, activation, origin)
        finals = [final] if len(node.outputs) == 1 else [v for v in node.outputs if v.name]
        quantizers = [sole_consumer(value) for value in finals]
        if len(finals) > 1 and not operator.several:
            return False
        results: list[Tensor] = []
        for quantizer in quantizers:
            if quantizer is None or quantizer.op_type != "QuantizeLinear":
                return False
            results.append(replace(self._stored(quantizer.outputs[0]), quant=quantization(quantizer)))
        if not self._emit(node, operator, operands, results, activation, origin):
            if not operator.moves or results[0].dtype.is_packed:
                return False
            alike = [None if t is None else self.builder.requantized(t, results[0], origin) for t in operands]
            if not self._emit(node, operator, alike, results, activation, origin):
                return False
        for tensor in results:
            self.builder.tensors[tensor.name] = replace(self.builder.tensors[tensor.name], quant=None)
        self.done.update(quantizer for quantizer in quantizers if quantizer is not None)
        return True

    def _absorb(self, node: oir.Node, operator: Operator) -> tuple[list[oir.Node], Activation]:
        """The nodes behind ``node`` that its kernel does itself: an Add of a bias, then Relu and Clip."""
        absorbed: list[oir.Node] = []
        activation = UNBOUNDED
        current = node
        adding = sole_consumer(node.outputs[0])
        if adding is not None and self._bias(node, operator, adding) is not None:
            absorbed.append(adding)
            current = adding
        fuses = operator.fuses_activation and element_type(node.outputs[0]).is_float
        while fuses and len(node.outputs) == 1:
            following = sole_consumer(current.outputs[0])
            bounds = fusable_activation(following)
            if following is None or bounds is None:
                break
            activation = activation.then(bounds)
            absorbed.append(following)
            current = following
        return absorbed, activation

    def _bias(self, node: oir.Node, operator: Operator, following: oir.Node) -> Tensor | None:
        """What ``following`` adds, where ``node``'s kernel can do so as its input 2: a constant number, or
        one for each index of the last axis."""
        if not operator.fuses_bias or len(node.inputs) > 2 or following.op_type != "Add":
            return None
        result = node.outputs[0]
        value = next((v for v in following.inputs if v is not None and v is not result), None)
        bias = None if value is None else self._known_constant(value)
        if bias is None or shape_of(following.outputs[0]) != shape_of(result):
            return None
        per_column = bias.shape[-1:] == shape_of(result)[-1:] == (bias.elements,)
        return bias if per_column or bias.elements == 1 else None

    def _emit(
        self, node: oir.Node, operator: Operator, operands: list[Tensor | None], outputs: list[Tensor],
        activation: Activation, origin: Origin,
    ) -> bool:  # fmt: skip
        """Appends the step that computes ``outputs``, and what converts packed operands where their kernel
        does not take them; False where there is no such kernel."""
        if not any(t is not None and t.dtype.is_packed for t in (*operands, *outputs)):
            return self._emit_kernel(node, operator, operands, outputs, activation, origin)
        if self._emit_kernel(node, operator, operands, outputs, activation, origin, packed=True):
            return True
        wide = [None if t is None else self.builder.wide(t, origin) for t in operands]
        made = [self.builder.wide_output(t) for t in outputs]
        if not self._emit_kernel(node, operator, wide, made, activation, origin):
            return False
        for mine, output in zip(made, outputs, strict=True):
            if mine is not output:
                mine = self.builder.tensors[mine.name]
                self.builder.convert(mine, replace(output, order=mine.order), origin)
        return True

    def _kept(self, operand: Tensor | None, wanted: Tensor | None, origin: Origin) -> Tensor | None:
        """A packed operand that needs no other order than it has; others in whole bytes."""
        if operand is None or wanted is None or operand.constant is not None:
            return operand
        moves = not same_bytes(operand.shape, operand.order, wanted.order)
        return self.builder.wide(operand, origin) if moves or not same_runs(operand, wanted) else operand

    def _emit_kernel(
        self, node: oir.Node, operator: Operator, operands: list[Tensor | None], outputs: list[Tensor],
        activation: Activation, origin: Origin, packed: bool = False,
    ) -> bool:  # fmt: skip
        """Arranges layouts, resolves the kernel, or its form for packed operands, and appends its step; False
        where there is no such kernel."""
        arranged, placed = arranged_for(operator, self._view(node, operands, outputs, UNBOUNDED))
        if packed:
            operands = [self._kept(t, wanted, origin) for t, wanted in zip(operands, arranged, strict=True)]
            arranged, placed = arranged_for(operator, self._view(node, operands, outputs, UNBOUNDED))
        kernel = operator.resolve(self._view(node, arranged, placed, activation))
        if kernel is not None and packed:
            sources = [t.dtype for t in arranged if t is not None and t.constant is None]
            kernel = packed_form(kernel, sources)
        if kernel is None:
            return False
        computed = [
            self.builder.ordered(operand, wanted.order, origin)
            for operand, wanted in zip(operands, arranged, strict=True)
            if operand is not None and wanted is not None and operand.constant is None
        ]
        self.builder.emit(kernel, origin, computed, placed)
        return True

    def _quantize(self, node: oir.Node) -> None:
        origin, quant = self._origin(node), quantization(node)
        source = self.builder.real(self._in_memory(node), origin)
        made = replace(self._stored(node.outputs[0]), order=source.order)
        wide = self.builder.wide_output(made)
        self.builder.emit(Quantize(source.elements, quant, wide.dtype), origin, [source], [wide])
        self.builder.note_quant(wide.name, quant)
        if wide is not made:
            self.builder.convert(wide, made, origin)
            self.builder.note_quant(made.name, quant)

    # ---- views of nodes ----

    def _in_memory(self, node: oir.Node) -> Tensor:
        """The first operand, computed at run time or copied to the arena."""
        return self.builder.in_memory(self.tensor(node.inputs[0]), self._origin(node))

    def _operands(self, node: oir.Node) -> list[Tensor | None]:
        """What ``node`` reads; something of it lies in the arena."""
        operands = [None if v is None else self.tensor(v) for v in node.inputs]
        if all(t is None or t.constant is not None for t in operands):
            operands[0] = self._in_memory(node)
        return operands

    def _stored(self, value: oir.Value) -> Tensor:
        shape = shape_of(value)
        return Tensor(name_of(value), shape, element_type(value), row_major(len(shape)))

    def _view(
        self, node: oir.Node, operands: list[Tensor | None], outputs: list[Tensor], activation: Activation
    ) -> Node:
        results = tuple(index for index, value in enumerate(node.outputs) if value.name)
        return Node(
            node.op_type, node.name or "", attributes(node) | notes(node), tuple(operands), tuple(outputs),
            activation, results,
        )  # fmt: skip

    def _origin(self, node: oir.Node, following: list[oir.Node] | None = None) -> Origin:
        operators = [node.op_type, *(n.op_type for n in following or [])]
        return Origin(" + ".join(operators), node.name or "")


def _is_quantized(tensor: Tensor) -> bool:
    """True for integers that stand for real numbers, computed or constant (the data of an embedding)."""
    return tensor.quant is not None or (tensor.constant is not None and tensor.constant.scale is not None)
