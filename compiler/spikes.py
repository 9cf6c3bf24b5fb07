"""What spikes cost in a compiled network: how many there are, what they add, what neurons keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..ir.program import Program, Step
from ..kernels.event import EventLayer
from ..kernels.neuron import NeuronKernel
from ..kernels.rate_max_pool import RateMaxPool


@dataclass(frozen=True)
class Spikes:
    """Of one layer in one time step. ``rate`` is the share of inputs that spike, on the calibration samples;
    ``additions`` are the synaptic operations (ACs) that this makes, None where it is unknown, in place of
    ``macs`` of a layer that multiplies. ``state_bytes`` persist from step to step."""

    rate: float | None
    additions: int | None
    macs: int
    state_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """A layer's ``spikes`` in report.json."""
        return {
            "firing_rate": self.rate,
            "synaptic_operations": self.additions,
            "dense_macs": self.macs,
            "state_bytes": self.state_bytes,
        }


def spikes_of(program: Program, step: Step) -> Spikes | None:
    """None for a layer that neither reads nor makes spikes."""
    kernel = step.kernel
    if isinstance(kernel, EventLayer):
        fan = kernel.fan(program.buffers[step.outputs[0]].whole)
        macs = round(fan.vectors * fan.taps * fan.reach)
        return Spikes(kernel.rate, None if kernel.rate is None else fan.additions, macs, 0)
    if isinstance(kernel, (NeuronKernel, RateMaxPool)):
        kept = [program.buffers[name] for name in step.outputs if program.persists(name)]
        return Spikes(None, None, 0, sum(buffer.nbytes for buffer in kept))
    return None


def described(program: Program) -> str | None:
    """One line for people; None for a network without spikes."""
    found = [spikes for step in program.steps if (spikes := spikes_of(program, step)) is not None]
    if not found:
        return None
    macs, kept = sum(s.macs for s in found), sum(s.state_bytes for s in found)
    additions = [s.additions for s in found if s.macs]
    known = sum(a for a in additions if a is not None)
    made = f"{known:,} additions for" if None not in additions else "additions instead of"
    return f"{made} {macs:,} multiply-accumulates a time step; neurons keep {kept:,} B"
