"""Where the model meets its caller: which element type and axis order inputs and outputs have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import onnx_ir as oir

from ...ir.dtype import DType, Quant
from ...ir.errors import ModelError, UsageError
from ...ir.names import Names
from ...ir.program import Buffer, Role
from ...kernels.node import Tensor
from ...kernels.table import Table
from ..onnx_graph import quoted, shape_of
from .builder import Builder, Origin
from .graph import element_type, name_of, quantization
from .layout import channel_last, row_major, wants_channel_last


def declare_inputs(
    values: Sequence[oir.Value], builder: Builder, want_channel_last: bool, dtype: DType, done: set[oir.Node]
) -> list[str]:
    """Makes a buffer for each of these graph inputs and returns their names.

    A float input which only QuantizeLinear reads takes integers directly (unless ``dtype`` is float32).
    """
    names, made = Names(), []
    for value in values:
        shape = shape_of(value)
        last = want_channel_last and wants_channel_last(value)
        order = channel_last(len(shape)) if last else row_major(len(shape))
        tensor = Tensor(name_of(value), shape, element_type(value), order)
        quantizers = quantizers_of(value)
        name = names.unique(name_of(value), "input")
        if not quantizers or dtype is DType.FLOAT32:
            buffer = Buffer(
                name, tensor.physical, tensor.dtype, role=Role.INPUT, source=name_of(value), order=order
            )
            builder.bind(tensor, builder.add_buffer(buffer))
        else:
            _declare_quantized(builder, name, tensor, quantizers, dtype)
            done.update(quantizers)
        made.append(builder.stored[name_of(value)])
    return made


def quantizers_of(value: oir.Value) -> list[oir.Node]:
    """The QuantizeLinear nodes that read ``value``, where nothing else does and all agree."""
    nodes = [use.node for use in value.uses()]
    if not nodes or value.is_graph_output() or any(node.op_type != "QuantizeLinear" for node in nodes):
        return []
    same = {(quantization(node), element_type(node.outputs[0])) for node in nodes}
    return nodes if len(same) == 1 else []


def _declare_quantized(
    builder: Builder, name: str, tensor: Tensor, quantizers: list[oir.Node], dtype: DType
) -> None:
    quant, wanted = quantization(quantizers[0]), element_type(quantizers[0].outputs[0])
    stored, quantized = wanted, name_of(quantizers[0].outputs[0])
    if wanted.is_packed:  # the caller has whole bytes
        stored, quantized = DType.INT8, builder.fresh(f"{quantized} in int8")
    if dtype is DType.UINT8 and stored is DType.INT8:
        raw = replace(tensor, dtype=DType.UINT8)
        offered = _pixel_quant(tensor.name, quant)
        buffer = Buffer(
            name,
            raw.physical,
            DType.UINT8,
            quant=offered,
            role=Role.INPUT,
            source=tensor.name,
            order=tensor.order,
        )
        builder.bind(raw, builder.add_buffer(buffer))
        kernel = Table.of(raw.physical, (offered, DType.UINT8), (quant, stored), lambda real: real)
        inner = replace(tensor, name=quantized, dtype=stored)
        builder.emit(kernel, Origin("QuantizeLinear", quantizers[0].name or ""), [raw], [inner])
        builder.note_quant(inner.name, quant)
    else:
        inner = replace(tensor, name=quantized, dtype=stored)
        buffer = Buffer(
            name, inner.physical, stored, quant=quant, role=Role.INPUT, source=tensor.name, order=tensor.order
        )
        builder.bind(inner, builder.add_buffer(buffer))
        builder.stored[tensor.name] = builder.stored[inner.name]
    if wanted.is_packed:
        packed = replace(tensor, name=name_of(quantizers[0].outputs[0]), dtype=wanted)
        builder.convert(inner, packed, Origin("QuantizeLinear", quantizers[0].name or ""))
        builder.note_quant(packed.name, quant)
        inner = packed
    for other in quantizers[1:]:
        builder.view(inner, replace(inner, name=name_of(other.outputs[0])))


def _pixel_quant(name: str, quant: Quant) -> Quant:
    """The quantization in which a raw byte p means what q = p - 128 means to the model."""
    if quant.zero_point != -128:
        raise UsageError(
            "--input-dtype uint8 does not fit this model",
            where=f"input {name!r}",
            why=f"its quantization has zero point {quant.zero_point}: q + 128 is not a raw pixel",
            remedy="use --input-dtype int8 and quantize with the helper in the generated header",
        )
    return Quant(quant.scale, 0)


def declare_outputs(
    values: Sequence[oir.Value], builder: Builder, want_channel_last: bool,
    tensor_of: Callable[[oir.Value], Tensor], taken: Iterable[str],
) -> list[str]:  # fmt: skip
    """Gives each of these graph outputs a buffer of its own, in an order of axes that a caller expects; the
    inputs' and states' buffers are ``taken``.

    An output that DequantizeLinear gives is handed out as integers.
    """
    names, taken = Names(), set(taken)
    made: list[str] = []
    for value in values:
        if 0 in shape_of(value):
            raise ModelError(
                "An output of the model has no elements",
                where=f"graph output {quoted(value.name)}",
                why=f"its shape is {list(shape_of(value))}",
                remedy="leave that output out, or correct the shapes in the model or in --input-shape",
            )
        origin = Origin("Identity", name_of(value))
        tensor = builder.wide(builder.in_memory(tensor_of(value), origin), origin)
        expected = {row_major(len(tensor.shape))} | (
            {channel_last(len(tensor.shape))} if want_channel_last else set()
        )
        if tensor.order not in expected:
            tensor = builder.ordered(tensor, row_major(len(tensor.shape)), origin)
        if builder.owner(builder.stored[tensor.name]) in {builder.owner(name) for name in taken}:
            tensor = builder.copied(tensor, f"{tensor.name} for the caller", origin)
        made.append(_hand_out(builder, tensor, names.unique(name_of(value), "output"), name_of(value)))
        taken.add(made[-1])
    return made


def _hand_out(builder: Builder, tensor: Tensor, wanted: str, source: str) -> str:
    """Turns the buffer of ``tensor`` into the graph output ``source`` under the name ``wanted``.

    The buffer may have been made for another tensor with the same bytes: the model's axes lie in it as they
    do in ``tensor``.
    """
    old = builder.stored[tensor.name]
    held = builder.buffers[old]
    quant = tensor.quant or held.quant
    fresh = replace(held, name=wanted, role=Role.OUTPUT, source=source, quant=quant, order=tensor.order)
    return builder.renamed(old, fresh)
