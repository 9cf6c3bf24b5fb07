"""The program under construction: buffers, steps, and where each tensor of the model lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from ...ir.dtype import DType, Quant
from ...ir.kernel import Kernel
from ...ir.program import Alias, Buffer, Program, Role, State, Step, Task
from ...kernels.constant import Fixed
from ...kernels.convert import Dequantize
from ...kernels.copy import Copy
from ...kernels.node import Tensor
from ...kernels.packed_table import PackedTable
from ...kernels.threshold import Threshold
from ...kernels.transpose import Transpose
from .layout import Order, row_major, same_bytes, same_runs


@dataclass(frozen=True)
class Origin:
    """The ONNX node that a step stands for."""

    operator: str
    name: str


@dataclass
class Builder:
    """Grows a program step by step. Tensors are known by their ONNX name; ``stored`` maps it to a buffer."""

    name: str
    buffers: dict[str, Buffer] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()
    """Names of the model's tensors, computed yet or not."""
    _converted: dict[tuple[str, object], Tensor] = field(default_factory=dict)

    def add_buffer(self, buffer: Buffer) -> str:
        """Adds the buffer under a name of its own, and returns that name."""
        name, count = buffer.name, 1
        while name in self.buffers:
            count += 1
            name = f"{buffer.name}_{count}"
        self.buffers[name] = replace(buffer, name=name)
        return name

    def renamed(self, old: str, fresh: Buffer) -> str:
        """Puts ``fresh`` in the place of the buffer ``old`` wherever that is used, and returns its name."""
        del self.buffers[old]
        new = self.add_buffer(fresh)
        for key, name in self.stored.items():
            if name == old:
                self.stored[key] = new
        for name, buffer in self.buffers.items():
            if buffer.alias is not None and buffer.alias.parent == old:
                self.buffers[name] = replace(buffer, alias=replace(buffer.alias, parent=new))
        for index, step in enumerate(self.steps):
            inputs, outputs = (
                tuple(new if n == old else n for n in names) for names in (step.inputs, step.outputs)
            )
            self.steps[index] = replace(step, inputs=inputs, outputs=outputs)
        return new

    def owner(self, name: str) -> str:
        """The buffer that owns the bytes of the buffer ``name``."""
        while (alias := self.buffers[name].alias) is not None:
            name = alias.parent
        return name

    def copied(self, tensor: Tensor, wanted: str, origin: Origin) -> Tensor:
        """The same tensor in bytes of its own, by a step, under a name like ``wanted``."""
        made = replace(tensor, name=self.fresh(wanted))
        self.emit(Copy(self.buffers[self.stored[tensor.name]].nbytes), origin, [tensor], [made])
        return made

    def bind(self, tensor: Tensor, buffer: str) -> Tensor:
        """Says that ``tensor``'s bytes are ``buffer``'s."""
        self.tensors[tensor.name] = tensor
        self.stored[tensor.name] = buffer
        return tensor

    def emit(self, kernel: Kernel, origin: Origin, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Appends a step that computes ``outputs`` from ``inputs``."""
        name = f"{kernel.template}_{len(self.steps) + 1}"
        made: list[str] = []
        for tensor in outputs:
            buffer = Buffer(
                f"{name}_out",
                tensor.physical,
                tensor.dtype,
                quant=tensor.quant,
                source=tensor.name,
                order=tensor.order,
            )
            made.append(self.add_buffer(buffer))
            self.bind(tensor, made[-1])
        scratch: tuple[str, ...] = ()
        if kernel.scratch():
            buffer = Buffer(f"{name}_scratch", (kernel.scratch(),), DType.UINT8, role=Role.SCRATCH)
            scratch = (self.add_buffer(buffer),)
        sources = tuple(self.stored[t.name] for t in inputs)
        self.steps.append(Step(name, kernel, sources, tuple(made), scratch, origin.operator, origin.name))

    def view(self, of: Tensor, tensor: Tensor, offset: int = 0) -> Tensor:
        """Binds ``tensor`` to the bytes of ``of``, starting ``offset`` bytes into them."""
        parent = self.stored[of.name]
        held = self.buffers[parent]
        if offset == 0 and held.shape == tensor.physical and held.dtype is tensor.dtype:
            return self.bind(tensor, parent)
        buffer = Buffer(
            f"{parent}_view", tensor.physical, tensor.dtype,
            quant=tensor.quant or held.quant, alias=Alias(parent, offset),
            source=tensor.name, order=tensor.order,
        )  # fmt: skip
        return self.bind(tensor, self.add_buffer(buffer))

    def ordered(self, tensor: Tensor, order: Order, origin: Origin) -> Tensor:
        """``tensor`` with its axes in ``order``: a view where that costs nothing, else a copy."""
        if tensor.order == order:
            return tensor
        if tensor.constant is not None:
            return replace(tensor, order=order)
        key = (tensor.name, order)
        if key in self._converted:
            return self._converted[key]
        moved = replace(tensor, order=order, name=self.fresh(f"{tensor.name} in order {order}"))
        self._converted[key] = moved
        if same_bytes(tensor.shape, tensor.order, order) and same_runs(tensor, moved):
            return self.view(tensor, moved)
        tensor = self.wide(tensor, origin)
        moved = self._converted[key] = replace(moved, dtype=tensor.dtype)
        if same_bytes(tensor.shape, tensor.order, order):
            return self.view(tensor, moved)
        perm = tuple(tensor.order.index(axis) for axis in order)
        self.emit(Transpose(tensor.physical, perm), Origin("Transpose", origin.name), [tensor], [moved])
        return moved

    def real(self, tensor: Tensor, origin: Origin) -> Tensor:
        """``tensor`` as float32: dequantized by a step of its own where it is quantized."""
        if tensor.quant is None or tensor.constant is not None:
            return tensor
        key = (tensor.name, "float32")
        if key not in self._converted:
            name = self.fresh(f"{tensor.name} as float32")
            self._converted[key] = replace(tensor, name=name, dtype=DType.FLOAT32, quant=None)
            kernel = Dequantize(prod(tensor.shape), tensor.quant)
            stored = self.wide(tensor, origin)
            self.emit(kernel, Origin("DequantizeLinear", origin.name), [stored], [self._converted[key]])
        return self._converted[key]

    def wide(self, tensor: Tensor, origin: Origin) -> Tensor:
        """``tensor`` in whole bytes: packed elements become int8 by a step of their own."""
        if not tensor.dtype.is_packed:
            return tensor
        if tensor.constant is not None:
            return replace(tensor, dtype=DType.INT8, constant=tensor.constant.wide)
        key = (tensor.name, "int8")
        if key not in self._converted:
            name = self.fresh(f"{tensor.name} as int8")
            self._converted[key] = replace(tensor, name=name, dtype=DType.INT8)
            self.convert(tensor, self._converted[key], origin)
        return self._converted[key]

    def wide_output(self, tensor: Tensor) -> Tensor:
        """What is computed in the place of a packed tensor."""
        if not tensor.dtype.is_packed:
            return tensor
        return replace(tensor, name=self.fresh(f"{tensor.name} in int8"), dtype=DType.INT8)

    def bits(self, tensor: Tensor, origin: Origin) -> Tensor:
        """Spikes, 0 and 1 in whole bytes, as bits, by a step of their own."""
        if tensor.dtype is DType.BIT:
            return tensor
        key = (tensor.name, "bits")
        if key not in self._converted:
            name = self.fresh(f"{tensor.name} as bits")
            self._converted[key] = replace(tensor, name=name, dtype=DType.BIT)
            kernel = Threshold(tensor.physical, 0)
            self.emit(kernel, Origin("int8 to bit", origin.name), [tensor], [self._converted[key]])
        return self._converted[key]

    def convert(self, source: Tensor, target: Tensor, origin: Origin) -> None:
        """Appends the step that makes of ``source`` the same integers in the width of ``target``."""
        kernel = PackedTable.conversion(source.physical, source.dtype, target.dtype)
        operator = f"{source.dtype.value[0]} to {target.dtype.value[0]}"
        self.emit(kernel, Origin(operator, origin.name), [source], [target])

    def in_memory(self, tensor: Tensor, origin: Origin) -> Tensor:
        """``tensor`` itself where it is computed; a constant is copied to the arena, as real numbers."""
        if tensor.constant is None:
            return tensor
        tensor = self.wide(tensor, origin)
        assert tensor.constant is not None
        key = (tensor.name, "memory")
        if key not in self._converted:
            dtype = tensor.dtype if tensor.constant.scale is None else DType.FLOAT32
            # NumPy makes a scalar one-dimensional when it makes it contiguous
            values = np.ascontiguousarray(tensor.constant.real, dtype.numpy).reshape(tensor.shape)
            name = self.fresh(f"{tensor.name} in memory")
            made = Tensor(name, tensor.shape, dtype, row_major(values.ndim))
            self._converted[key] = made
            self.emit(Fixed(values), Origin("Constant", origin.name), [], [made])
        return self._converted[key]

    def fresh(self, wanted: str) -> str:
        """A name for a tensor that the model does not have: ``wanted``, or one like it."""
        while wanted in self.reserved or wanted in self.tensors:
            wanted += "'"
        return wanted

    def note_quant(self, tensor_name: str, quant: Quant) -> None:
        """Remembers the quantization of a stored integer tensor, for the header and the report."""
        name: str | None = self.stored[tensor_name]
        while name is not None:
            held = self.buffers[name]
            if held.quant is None and held.dtype is not DType.FLOAT32:
                self.buffers[name] = replace(held, quant=quant)
            name = held.alias.parent if held.alias is not None else None

    def program(self, inputs: Sequence[str], outputs: Sequence[str], states: Sequence[State]) -> Program:
        """The finished program, layer by layer: one task per step."""
        tasks = tuple(Task(index) for index in range(len(self.steps)))
        return Program(
            self.name, dict(self.buffers), tuple(self.steps), tasks, tuple(inputs), tuple(outputs),
            states=tuple(states),
        )  # fmt: skip
