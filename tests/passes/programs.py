"""Programs for tests of placement: a kernel that mixes bytes, random programs of it, and their execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import strategies as st

from tinyc.ir.dtype import DType
from tinyc.ir.errors import VerificationError
from tinyc.ir.kernel import Cost, Kernel
from tinyc.ir.program import Alias, Buffer, MemoryPlan, Program, Role, Step, Storage, Task
from tinyc.ir.window import Window
from tinyc.passes.validate import validate


@dataclass(frozen=True)
class Mix(Kernel):
    """Every output byte depends on all input bytes and on where it lies."""

    sizes: tuple[int, ...]
    """Bytes of each output."""
    overwrites: tuple[int, ...] = ()

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        state = 1
        for number, part in enumerate(inputs):
            weights = np.arange(1, len(part) + 1, dtype=np.int64) * 7919 + number
            state = (state * 31 + int((part.astype(np.int64) + 1) @ weights)) % 1_000_003
        return tuple(
            ((np.arange(size, dtype=np.int64) * 101 + state * (number + 3)) % 251).astype(np.uint8)
            for number, size in enumerate(self.sizes)
        )

    def cost(self, window: Window) -> Cost:
        return Cost()

    def in_place(self) -> tuple[int, ...]:
        return self.overwrites


@dataclass(frozen=True)
class Box(Kernel):
    """The sum over the pixels up to ``reach`` away from each pixel: a windowed kernel. Only what it needs
    matters here."""

    windowed = True
    overwrites: tuple[int, ...] = ()
    reach: int = 1

    def needs(self, operand: int, window: Window) -> Window:
        w, r = window, self.reach
        return Window(w.y0 - r, w.y1 + r, w.x0 - r, w.x1 + r)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        raise NotImplementedError

    def cost(self, window: Window) -> Cost:
        return Cost()

    def in_place(self) -> tuple[int, ...]:
        return self.overwrites


@dataclass
class Builder:
    """Collects buffers and steps; tasks follow the steps, whole tensor by whole tensor."""

    buffers: dict[str, Buffer] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def buffer(
        self,
        name: str,
        size: int | tuple[int, ...],
        dtype: DType = DType.INT8,
        view: Alias | None = None,
        storage: Storage | None = None,
        role: Role = Role.ACTIVATION,
    ) -> str:
        """``size`` is a number of elements, or a shape."""
        shape = size if isinstance(size, tuple) else (size,)
        buffer = Buffer(name, shape, dtype, role=role, alias=view)
        self.buffers[name] = replace(buffer, storage=storage) if storage else buffer
        return name

    def step(
        self,
        inputs: Sequence[str],
        outputs: Sequence[str],
        in_place: tuple[int, ...] = (),
        scratch: Sequence[str] = (),
        kernel: Kernel | None = None,
    ) -> None:
        sizes = tuple(self.buffers[name].nbytes for name in outputs)
        name = f"step_{len(self.steps)}"
        kernel = kernel or Mix(sizes, in_place)
        self.steps.append(Step(name, kernel, tuple(inputs), tuple(outputs), tuple(scratch)))

    def program(
        self, inputs: Sequence[str], outputs: Sequence[str], tasks: Sequence[Task] | None = None
    ) -> Program:
        tasks = [Task(index) for index in range(len(self.steps))] if tasks is None else tasks
        return Program("test", self.buffers, tuple(self.steps), tuple(tasks), tuple(inputs), tuple(outputs))


def chain(sizes: Sequence[int], in_place: Sequence[bool] | None = None) -> Program:
    """``t0`` (the input) → ``t1`` → … of so many bytes; step i may overwrite its input where in_place[i]."""
    builder = Builder()
    names = [builder.buffer(f"t{index}", size) for index, size in enumerate(sizes)]
    for index, (source, target) in enumerate(pairwise(names)):
        builder.step([source], [target], (0,) if in_place and in_place[index] else ())
    return builder.program(names[:1], names[-1:])


def planned(program: Program, arena_bytes: int, **offsets: int) -> Program:
    """``program`` with a plan written by hand, which claims nothing about its quality."""
    plan = MemoryPlan(offsets, arena_bytes, lower_bound=0, proved_optimal=arena_bytes == 0, alignment=8)
    return replace(program, plan=plan)


def moved(program: Program, name: str, offset: int) -> Program:
    """The placed ``program`` with another offset for one buffer."""
    assert program.plan is not None
    return replace(program, plan=replace(program.plan, offsets={**program.plan.offsets, name: offset}))


def complaint(program: Program) -> str:
    """What the validator says, in one line."""
    with pytest.raises(VerificationError) as caught:
        validate(program)
    assert caught.value.exit_code == 5
    return " ".join(str(caught.value).split())


def given_bytes(program: Program) -> dict[str, np.ndarray]:
    """What the caller writes into each input."""
    rng = np.random.default_rng(5)
    return {name: rng.integers(0, 256, program.buffers[name].nbytes, np.uint8) for name in program.inputs}


def evaluate(program: Program) -> list[bytes]:
    """The outputs, each buffer in memory of its own: what any plan must compute."""
    memory = {
        name: np.zeros(buffer.nbytes, np.uint8)
        for name, buffer in program.buffers.items()
        if buffer.alias is None
    }

    def view(name: str) -> np.ndarray:
        owner, begin = program.owner(name)
        return memory[owner][begin : begin + program.buffers[name].nbytes]

    for name, values in given_bytes(program).items():
        view(name)[:] = values
    for task in program.tasks:
        step = program.steps[task.step]
        computed = step.kernel.compute([view(name) for name in step.inputs], Window(0, 1, 0, 1))
        for name, values in zip(step.outputs, computed, strict=True):
            view(name)[:] = values
    return [view(name).tobytes() for name in program.outputs]


def execute(program: Program) -> list[bytes]:
    """The outputs, run in one arena by kernels that are as careless as their contracts allow.

    Scratch is filled with rubbish before, during and after a task, and an output before its inputs are
    read, unless it begins at the very input that the kernel may overwrite.
    """
    assert program.plan is not None
    arena = np.random.default_rng(9).integers(0, 256, program.plan.arena_bytes, np.uint8)

    def view(name: str) -> np.ndarray:
        begin = program.offset(name)
        return arena[begin : begin + program.buffers[name].nbytes]

    for name, values in given_bytes(program).items():
        view(name)[:] = values
    for task in program.tasks:
        step = program.steps[task.step]
        for name in step.scratch:
            view(name)[:] = 0xAA
        for name in step.outputs:
            if not _over_an_input(program, step, name):
                view(name)[:] = 0xBB
        computed = step.kernel.compute([view(name).copy() for name in step.inputs], Window(0, 1, 0, 1))
        for name, values in zip(step.outputs, computed, strict=True):
            view(name)[:] = values
        for name in step.scratch:
            view(name)[:] = 0xCC
    return [view(name).tobytes() for name in program.outputs]


def _over_an_input(program: Program, step: Step, output: str) -> bool:
    sources = (step.inputs[operand] for operand in step.kernel.in_place() if operand < len(step.inputs))
    return any(program.offset(source) == program.offset(output) for source in sources)


DTYPES = (DType.INT8, DType.INT16, DType.FLOAT32, DType.INT64)


@st.composite
def programs(draw: st.DrawFn, max_steps: int = 7, max_bytes: int = 40, views: bool = True) -> Program:
    """Random programs: branches, several outputs, scratch, in-place kernels, empty tensors; with ``views``
    also slices, and concatenations written part by part."""
    builder = Builder()
    ready: list[str] = []

    def tensor(name: str) -> str:
        dtype = draw(st.sampled_from(DTYPES))
        return builder.buffer(name, draw(st.integers(0, max_bytes // dtype.size)), dtype)

    def operands() -> list[str]:
        return draw(st.lists(st.sampled_from(ready), min_size=1, max_size=3))

    def compute(outputs: list[str]) -> None:
        sources = operands()
        in_place = draw(st.lists(st.integers(0, 2), unique=True, max_size=2))
        scratch = []
        if draw(st.integers(0, 3)) == 0:
            size = draw(st.integers(1, max_bytes))
            scratch = [builder.buffer(f"work_{len(builder.steps)}", size, role=Role.SCRATCH)]
        builder.step(sources, outputs, tuple(in_place), scratch)

    ready += [tensor(f"in_{index}") for index in range(draw(st.integers(1, 2)))]
    inputs = tuple(ready)
    for number in range(draw(st.integers(1, max_steps))):
        match draw(st.sampled_from(["tensor", "tensor", "tensor", "pair", "slice", "concat"])):
            case "pair":
                outputs = [tensor(f"t_{number}_a"), tensor(f"t_{number}_b")]
                compute(outputs)
                ready += outputs
            case "slice" if views:
                ready.append(_slice(draw, builder, draw(st.sampled_from(ready)), f"slice_{number}"))
            case "concat" if views:
                sizes = draw(st.lists(st.integers(0, max_bytes // 2), min_size=2, max_size=3))
                whole = builder.buffer(f"concat_{number}", sum(sizes))
                begins = np.cumsum([0, *sizes]).tolist()
                for part, (begin, size) in enumerate(zip(begins, sizes, strict=False)):
                    compute([builder.buffer(f"part_{number}_{part}", size, view=Alias(whole, begin))])
                ready.append(whole)
            case _:
                outputs = [tensor(f"t_{number}")]
                compute(outputs)
                ready += outputs
    outputs = draw(st.lists(st.sampled_from(ready), min_size=1, max_size=2, unique=True))
    return builder.program(inputs, outputs)


def _slice(draw: st.DrawFn, builder: Builder, parent: str, name: str) -> str:
    """A view of some elements of ``parent``."""
    source = builder.buffers[parent]
    begin = draw(st.integers(0, source.elements))
    length = draw(st.integers(0, source.elements - begin))
    return builder.buffer(name, length, source.dtype, view=Alias(parent, begin * source.dtype.size))


def plan_of(program: Program) -> MemoryPlan:
    assert program.plan is not None
    return program.plan


def offsets_of(program: Program) -> Mapping[str, int]:
    return plan_of(program).offsets
