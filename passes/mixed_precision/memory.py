"""What widths do to the arena: the model in 8 bits, lowered, with elements of other sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import onnx_ir as oir

from ...ir.accesses import accesses
from ...ir.dtype import DType
from ...ir.lifetime import liveness
from ...ir.program import Program
from ..schedule.build import build
from ..schedule.search import Candidate, candidates, whole_layers
from .widths import Widths

Goal = Literal["fit", "min-sram", "fast"]
"""Which schedule the estimate is for, as ``--schedule`` has it."""

_DTYPES = {2: DType.INT2, 4: DType.INT4, 8: DType.INT8, 16: DType.INT16}


class Memory:
    """Estimates for ``program``, the model in 8 bits layer by layer, ready to be scheduled; ``maps`` gives
    the feature map (a group's first tensor) that each tensor of the QDQ graph belongs to. The ``budget`` is
    for all that persists too."""

    def __init__(self, program: Program, maps: Mapping[str, str], goal: Goal, budget: int) -> None:
        self._program = program
        self._maps = maps
        self.kept = sum(program.buffers[state.after].nbytes for state in program.states)
        """Bytes that persist: they are no part of a schedule's memory."""
        self._goal, self.budget = goal, budget - self.kept
        self._known: dict[tuple[tuple[str, int], ...], Candidate] = {}

    def best(self, widths: Widths) -> Candidate:
        """The schedule that a compile would take: the fastest that holds the budget, or the one asked for."""
        key = tuple(sorted((name, bits) for name, bits in widths.activations.items() if bits != 8))
        if key not in self._known:
            self._known[key] = self._best(self._resized(widths))
        return self._known[key]

    def _best(self, program: Program) -> Candidate:
        if self._goal == "fast":
            return whole_layers(program)
        found = candidates(program)
        if self._goal == "min-sram":
            return found[-1]
        return next((one for one in found if one.nbytes <= self.budget), found[-1])

    def _resized(self, widths: Widths) -> Program:
        buffers = {
            name: replace(buffer, dtype=_DTYPES[widths.of(self._maps[buffer.source])])
            if buffer.dtype is DType.INT8 and buffer.source in self._maps
            else buffer
            for name, buffer in self._program.buffers.items()
        }
        return replace(self._program, buffers=buffers)

    def at_the_peak(self, widths: Widths) -> list[str]:
        """Feature maps that are in use at the busiest task of the best schedule, the largest first."""
        best = self.best(widths)
        program = build(best.program, best.segments)
        live = liveness(accesses(program))
        sizes = live.end - live.begin
        moment = int(live.in_use(sizes)[1:-1].argmax()) + 1
        lines = live.line[(live.first <= moment) & (moment < live.last)]
        held = np.bincount(live.owner[lines], sizes[lines], len(live.names))
        bytes_of: dict[str, float] = {}
        for name, nbytes in zip(live.names, held.tolist(), strict=True):
            tensor = self._maps.get(program.buffers[name].source)
            if nbytes and tensor is not None:
                bytes_of[tensor] = bytes_of.get(tensor, 0) + nbytes
        return sorted(bytes_of, key=lambda tensor: (-bytes_of[tensor], tensor))


def maps_of(model: oir.Model, groups: Mapping[str, str]) -> dict[str, str]:
    """The feature map of each integer tensor of a QDQ graph and of the float tensors around it; ``groups``
    gives the one of each float tensor that was quantized."""
    found: dict[str, str] = {}
    for node in model.graph:
        if node.op_type == "QuantizeLinear" and node.inputs[0] is not None:
            before, after = node.inputs[0], node.outputs[0]
            results = [out for use in after.uses() for out in use.node.outputs if use.node.op_type[0] == "D"]
            names = [str(value.name) for value in (before, *results)]
            tensor = next((groups[name] for name in names if name in groups), None)
            if tensor is not None:
                found.update(dict.fromkeys((*names, str(after.name)), tensor))
    return found
