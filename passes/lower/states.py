"""Graph inputs and outputs that are states: one buffer before a run, one after it, on the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as oir

from ...ir.dtype import SPIKE, DType
from ...ir.names import Names
from ...ir.program import Buffer, Role, State
from ...ir.values import to_stored
from ...kernels.node import Tensor
from ..onnx_graph import shape_of
from .boundary import quantizers_of
from .builder import Builder, Origin
from .graph import element_type, name_of, quantization
from .layout import channel_last, row_major, wants_channel_last

_DEPTH = 12
"""Nodes within which somebody may want a state channel-last: a window of frames is cut, joined and read, each
behind a pair of conversions."""


@dataclass(frozen=True)
class Held:
    """A state under construction: the graph's values, and the buffer of what a run finds."""

    input: oir.Value
    output: oir.Value
    before: str


def declare_before(
    pairs: Mapping[oir.Value, oir.Value], builder: Builder, done: set[oir.Node], spikes: Set[str]
) -> list[Held]:
    """Makes a buffer for the input of each pair (graph input, graph output).

    Where both sides are quantized alike the integers persist, of tensors that are ``spikes`` the bits, else
    the model's own elements.
    """
    names, held = Names(), list[Held]()
    for value, following in pairs.items():
        shape = shape_of(value)
        last = wants_channel_last(value, _DEPTH)
        order = channel_last(len(shape)) if last else row_major(len(shape))
        tensor = Tensor(name_of(value), shape, element_type(value), order)
        quantizers, quant = quantizers_of(value), None
        if quantizers and _quantized_alike(quantizers[0], following):
            quant = quantization(quantizers[0])
            stored = name_of(quantizers[0].outputs[0])
            tensor = replace(tensor, name=stored, dtype=element_type(quantizers[0].outputs[0]))
        elif name_of(value) in spikes:
            tensor = replace(tensor, dtype=DType.BIT, quant=SPIKE)
        name = names.unique(name_of(value), "state")
        buffer = Buffer(
            name, tensor.physical, tensor.dtype,
            quant=quant or tensor.quant, role=Role.STATE, source=name_of(value), order=order,
        )  # fmt: skip
        builder.bind(tensor, builder.add_buffer(buffer))
        builder.stored[name_of(value)] = builder.stored[tensor.name]
        if quant is not None:
            done.update(quantizers)
            for other in quantizers[1:]:
                builder.view(tensor, replace(tensor, name=name_of(other.outputs[0])))
        held.append(Held(value, following, builder.stored[tensor.name]))
    return held


def _quantized_alike(quantizer: oir.Node, following: oir.Value) -> bool:
    """Whether ``following`` is the dequantized form of integers such as ``quantizer`` makes."""
    maker = following.producer()
    if maker is None or maker.op_type != "DequantizeLinear" or maker.inputs[0] is None:
        return False
    same_type = element_type(maker.inputs[0]) is element_type(quantizer.outputs[0])
    return same_type and quantization(maker) == quantization(quantizer)


def declare_after(
    held: list[Held],
    initial: Mapping[str, np.ndarray],
    builder: Builder,
    tensor_of: Callable[[oir.Value], Tensor],
) -> list[State]:
    """Gives each state's next value a buffer of its own, of the same bytes as that of the value before.

    ``initial`` maps graph inputs to their values after a reset.
    """
    made: list[State] = []
    for state in held:
        before = builder.buffers[state.before]
        origin = Origin("Identity", name_of(state.output))
        tensor = builder.in_memory(tensor_of(state.output), origin)
        if before.dtype.is_float:
            tensor = builder.real(tensor, origin)
        elif before.dtype is DType.BIT:
            tensor = builder.bits(tensor, origin)
        tensor = builder.ordered(tensor, before.order, origin)
        owner = builder.buffers[builder.owner(builder.stored[tensor.name])]
        if owner.role is not Role.ACTIVATION or (owner.nbytes, owner.dtype) != (before.nbytes, before.dtype):
            tensor = builder.copied(tensor, f"{tensor.name} kept", origin)
            owner = builder.buffers[builder.stored[tensor.name]]
        quant = owner.quant or before.quant
        fresh = replace(owner, name=f"{state.before}_next", role=Role.STATE, quant=quant)
        after = builder.renamed(owner.name, fresh)
        reset = before.to_bytes(to_stored(initial[name_of(state.input)], before))
        made.append(State(state.before, after, reset.tobytes()))
    return made
