"""What a stream shows that the whole model does not.

Behind the choice of the last step, and behind a window of all frames, the whole model has one value for a
sequence. Its stream has one at every step, so calibration looks at all of them there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import onnx_ir as oir

from ..samples import Samples, sequences_of
from ..state_pairs import initial_values, state_pairs, stepped
from ..streaming import Streamed, stream, timelines
from .affine import Affine
from .calibration import Calibration
from .graphs import excerpt, exposing, name_of
from .groups import Group
from .operators import is_constant
from .running import Feeds, Runner
from .units import Partition, partition

_CALLS = 2048
"""At most about so many are looked at: each holds a whole window, where there is one."""


@dataclass(frozen=True, eq=False)
class Steps:
    """``model`` is that part of the float model's stream which has no time in the whole model, and
    ``samples`` what it reads in each call. Its tensors have the names of the whole model; its inputs, which
    are what the stream keeps, stand for the ``border``, by name."""

    model: oir.Model
    parts: Partition
    samples: Calibration
    border: Mapping[str, str]

    @property
    def tensors(self) -> tuple[str, ...]:
        """Those that are quantized."""
        return tuple(name for name in self.parts.tensors if name not in self.border)

    def part(self, group: Group) -> Group:
        """The members that have no time."""
        return Group(tuple(name for name in group.members if name in self.tensors))

    def hold(self, group: Group) -> bool:
        """Whether no member has time."""
        return self.part(group).members == group.members

    def known(self, quants: Mapping[str, Affine]) -> dict[str, Affine]:
        """``quants`` of the whole model, with those of the border."""
        return {**quants, **{mine: quants[name] for mine, name in self.border.items() if name in quants}}


def steps_of(model: oir.Model, axis: int, samples: Calibration) -> Steps | None:
    """The part of the canonical float ``model`` that has no time, in calls along ``axis`` of its inputs over
    ``samples``; None where everything has time."""
    whole = oir.convenience.create_value_mapping(model.graph)
    timed = {value.name for value in timelines(model.graph, axis)}
    streamed = stream(model.clone(), axis)
    late = [n for n in streamed.model.graph if n.outputs[0].name in whole and n.outputs[0].name not in timed]
    if not late:
        return None
    made = {value for node in late for value in node.outputs}
    border: dict[str, str] = {}
    for node in late:
        theirs = whole[name_of(node.outputs[0])].producer()
        assert theirs is not None
        for mine, other in zip(node.inputs, theirs.inputs, strict=False):
            if mine is not None and mine not in made and not is_constant(mine):
                border[name_of(mine)] = name_of(other)
    results = [name_of(value) for value in streamed.model.graph.outputs if value in made]
    part = excerpt(streamed.model, late, list(border), results)
    calls = Calibration(tuple(_calls(streamed, list(border), samples)))
    return Steps(part, partition(part), calls, border)


def _calls(streamed: Streamed, tensors: list[str], samples: Calibration) -> Iterator[Feeds]:
    """``tensors`` in each call of each sequence."""
    pairs, initial = state_pairs(streamed.model), initial_values(streamed.model)
    kept = [*tensors, *(pair.output for pair in pairs)]
    runner = Runner(exposing(streamed.model, list(dict.fromkeys(kept))))
    arrays = {name: np.stack([feeds[name] for feeds in samples.feeds]) for name in samples.feeds[0]}
    sequences = sequences_of(Samples(arrays), streamed.axes, streamed.frames)
    for sequence in islice(sequences, -(-_CALLS // sequences.steps)):
        for _, found in stepped(runner.run, pairs, initial, sequence):
            yield {name: found[name] for name in tensors}
