"""How far each step is from ONNX Runtime when it is given the very same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import onnx_ir as oir

from ..ir.dtype import DType
from ..ir.program import Buffer, Program, Step
from ..ir.values import to_stored
from .distance import relative
from .sessions import Reference


@dataclass(frozen=True)
class Flips:
    """Of ``spikes`` that were compared, ``count`` were on one side only: a membrane within a step or two of
    its threshold lies on either side of it."""

    count: int
    spikes: int

    def __add__(self, other: Flips) -> Flips:
        return Flips(self.count + other.count, self.spikes + other.spikes)

    def to_dict(self) -> dict[str, int]:
        """For report.json."""
        return {"count": self.count, "of": self.spikes}


@dataclass(frozen=True)
class StepError:
    """The largest difference over all samples: in LSB for integers, as a share of the range for floats. Of
    spikes how many ``flipped``; their neurons' states, which lie a threshold apart then, do not count.

    None for steps that stand for no tensor of the model (a change of layout, say).
    """

    step: str
    lsb: int | None = None
    relative: float | None = None
    flipped: Flips | None = None


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
            apart: np.ndarray | None = None
            for name, mine in zip(step.outputs, computed, strict=True):
                buffer = program.buffers[name]
                theirs = _truth(buffer, truth)
                values[name] = mine if theirs is None else theirs
                if theirs is None:
                    continue
                if buffer.dtype is DType.BIT:
                    apart = mine != theirs
                found = _compare(step.name, buffer, mine, theirs, apart)
                worst[step.name] = _worse(worst.get(step.name, StepError(step.name)), found)
    return [worst.get(step.name, StepError(step.name)) for step in program.steps]


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


def _compare(
    step: str, buffer: Buffer, mine: np.ndarray, theirs: np.ndarray, apart: np.ndarray | None
) -> StepError:
    """``apart`` are the spikes of the same step that differ, if it has any."""
    if buffer.dtype is DType.BIT and apart is not None:
        return StepError(step, flipped=Flips(int(apart.sum()), apart.size))
    if buffer.dtype.is_float:
        return StepError(step, relative=relative(mine, theirs))
    difference = np.abs(mine.astype(np.int64) - theirs.astype(np.int64))
    if apart is not None and apart.shape == difference.shape:
        difference = difference[~apart]
    return StepError(step, lsb=int(difference.max(initial=0)))


def _worse(a: StepError, b: StepError) -> StepError:
    """The larger of both differences, and all spikes."""
    flips = [error.flipped for error in (a, b) if error.flipped is not None]
    return StepError(
        a.step,
        max((error.lsb for error in (a, b) if error.lsb is not None), default=None),
        max((error.relative for error in (a, b) if error.relative is not None), default=None),
        reduce(add, flips) if flips else None,
    )
