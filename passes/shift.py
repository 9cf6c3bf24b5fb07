"""Windows of frames that are states move up in place, where a Slice and a Concat would copy them twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ..ir.program import Program, Role, State, Step, Task
from ..kernels.concat import Concat
from ..kernels.remap import Remap
from ..kernels.shift import Shift


def shift_states(program: Program) -> Program:
    """``program``, as it was lowered, with a ``Shift`` for each state that becomes what is left of it behind
    its first elements, followed by new ones."""
    for state in program.states:
        pair = _slice_and_concat(program, state)
        if pair is not None:
            program = _shifted(program, *pair)
    return program


def _slice_and_concat(program: Program, state: State) -> tuple[Step, Step] | None:
    """The steps that make ``state.after`` so, where nobody else reads what they read and leave."""
    makers = {name: step for step in program.steps for name in step.outputs}
    joining = makers.get(state.after)
    if joining is None or not isinstance(joining.kernel, Concat) or len(joining.inputs) != 2:
        return None
    cutting, places = makers.get(joining.inputs[0]), joining.kernel.contiguous_at
    if cutting is None or not isinstance(cutting.kernel, Remap) or cutting.inputs != (state.before,):
        return None
    kept, before = program.buffers[joining.inputs[0]], program.buffers[state.before]
    uses = Counter(program.owner(name)[0] for step in program.steps for name in step.inputs)
    left = before.elements - kept.elements
    alone = uses[kept.name] == uses[before.name] == 1 and kept.role is Role.ACTIVATION and kept.alias is None
    fits = places == (0, kept.elements) and cutting.kernel.contiguous_from == left
    return (cutting, joining) if alone and fits and not before.dtype.is_packed else None


def _shifted(program: Program, cutting: Step, joining: Step) -> Program:
    before, new = program.buffers[cutting.inputs[0]], program.buffers[joining.inputs[1]]
    kernel = Shift(before.shape, new.elements)
    made = replace(
        joining, name=joining.name.replace("concat", "shift"), kernel=kernel, inputs=(before.name, new.name),
        operator="Slice + Concat",
    )  # fmt: skip
    steps = tuple(made if step is joining else step for step in program.steps if step is not cutting)
    buffers = {name: buffer for name, buffer in program.buffers.items() if name != joining.inputs[0]}
    return replace(program, buffers=buffers, steps=steps, tasks=tuple(map(Task, range(len(steps)))))
