"""How far each step is from ONNX Runtime when it is given the very same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..ir.program import Buffer, Program, Step
from ..ir.values import to_stored
from .distance import relative
from .sessions import Reference


@dataclass(frozen=True)
class StepError:
    """The largest difference over all samples: in LSB for integers, as a share of the range for floats.

    None for steps that stand for no tensor of the model (a change of layout, say).
    """

    step: str
    lsb: int | None
    relative: float | None


def step_errors(
    program: Program, model: oir.Model, samples: Sequence[Mapping[str, np.ndarray]]
) -> list[StepError]:
    """Each step of a layer-by-layer program against the tensors that ONNX Runtime computes."""
    named = {program.buffers[name].source for step in program.steps for name in step.outputs}
    reference = Reference(model, observe=sorted(named))
    worst: dict[str, StepError] = {}
    for sample in samples:
        truth = reference.run(sample) | dict(sample)
        values: dict[str, np.ndarray] = {}
        for step in program.steps:
            computed = _compute(program, step, [_value(program, name, truth, values) for name in step.inputs])
            for name, mine in zip(step.outputs, computed, strict=True):
                buffer = program.buffers[name]
                theirs = _truth(buffer, truth)
                values[name] = mine if theirs is None else theirs
                if theirs is not None:
                    worst[step.name] = _worse(worst.get(step.name), _compare(step.name, buffer, mine, theirs))
    return [worst.get(step.name, StepError(step.name, None, None)) for step in program.steps]


def _compute(program: Program, step: Step, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The whole outputs of ``step`` from whole inputs."""
    whole = program.buffers[step.outputs[0]].whole
    parts = [
        program.buffers[name].part(array, program.needed(step, operand, whole))
        for operand, (name, array) in enumerate(zip(step.inputs, inputs, strict=True))
    ]
    return step.kernel.compute(parts, whole)


def _truth(buffer: Buffer, truth: Mapping[str, np.ndarray]) -> np.ndarray | None:
    return to_stored(truth[buffer.source], buffer) if buffer.source in truth else None


def _value(
    program: Program, name: str, truth: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]
) -> np.ndarray:
    """What ONNX Runtime has in buffer ``name``; our own value where the model has no such tensor."""
    owner, offset = program.owner(name)
    held, wanted = program.buffers[owner], program.buffers[name]
    known = _truth(held, truth) if owner not in values else values[owner]
    assert known is not None, f"{owner} was not computed"
    return wanted.from_bytes(held.to_bytes(known)[offset : offset + wanted.nbytes])


def _compare(step: str, buffer: Buffer, mine: np.ndarray, theirs: np.ndarray) -> StepError:
    if buffer.dtype.is_float:
        return StepError(step, None, relative(mine, theirs))
    difference = np.abs(mine.astype(np.int64) - theirs.astype(np.int64))
    return StepError(step, int(difference.max(initial=0)), None)


def _worse(a: StepError | None, b: StepError) -> StepError:
    if a is None:
        return b
    return b if (b.lsb or 0, b.relative or 0.0) > (a.lsb or 0, a.relative or 0.0) else a
