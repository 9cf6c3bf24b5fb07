"""What widths do to time: the cycles of the kernels that would run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property

import onnx_ir as oir

from ...ir.program import Program
from ...targets import Target
from ..dead_channels import remove_dead_channels
from ..quantize.pipeline import Quantizer
from ..quantize.units import Unit
from ..schedule.cost import cycles
from ..tailor import tailor
from .widths import Step, Widths

Lower = Callable[[oir.Model], Program]
"""Makes the layer-by-layer program of a quantized model, as the compile will schedule it."""


_WORTH = 0.05
"""Share of a layer's cycles that fewer bits must spare to count: as they round some more weights to zero,
channels without any disappear, and a little is spared everywhere."""


class Timing:
    """Modelled cycles, one whole layer after the other, with the kernels of ``target``, with portable ones
    where it is None."""

    def __init__(self, quantizer: Quantizer, lower: Lower, target: Target | None) -> None:
        self._quantizer, self._lower, self._target = quantizer, lower, target
        self._known: dict[tuple[frozenset[tuple[str, int]], ...], Mapping[str, float]] = {}

    def total(self, widths: Widths) -> float:
        """Of one inference."""
        return sum(self.by_node(widths).values())

    def by_node(self, widths: Widths) -> Mapping[str, float]:
        """By the name of the node that a kernel runs."""
        key = frozenset(widths.activations.items()), frozenset(widths.weights.items())
        if key not in self._known:
            self._known[key] = self._measured(widths)
        return self._known[key]

    def no_faster(self, widths: Widths, steps: Iterable[Step]) -> list[Step]:
        """Those of ``steps`` whose layers are not clearly faster once all are taken from ``widths`` on."""
        before, after = self.by_node(widths), self.by_node(widths.after(steps))

        def gains(step: Step) -> bool:
            touched = self._touched[step.name, step.of_weights]
            spared = sum(before.get(node, 0.0) - after.get(node, 0.0) for node in touched)
            return spared > _WORTH * sum(before.get(node, 0.0) for node in touched)

        return [step for step in steps if not gains(step)]

    def growth(self, widths: Widths) -> dict[str, float]:
        """Of nodes that take longer than in 8 bits: by which share."""
        before, after = self.by_node(Widths()), self.by_node(widths)
        longer = (node for node, count in after.items() if count > before.get(node, count))
        return {node: after[node] / before[node] - 1 for node in longer}

    def _measured(self, widths: Widths) -> Mapping[str, float]:
        model = self._quantizer.sketched(widths.activations, widths.weights)
        program = self._lower(remove_dead_channels(model))
        program = program if self._target is None else tailor(program, self._target)
        found: dict[str, float] = {}
        for step in program.steps:
            work = step.kernel.cost(program.buffers[step.outputs[0]].whole)
            found[step.source] = found.get(step.source, 0.0) + cycles(work, 1)
        return found

    @cached_property
    def _touched(self) -> Mapping[tuple[str, bool], Collection[str]]:
        """Nodes whose kernels a step's bits decide: of its layer, or of all that touch its map."""
        found: dict[tuple[str, bool], set[str]] = {}
        groups = {name: group.members[0] for group in self._quantizer.groups for name in group.members}
        for unit in self._quantizer.parts.units:
            found[unit.name, True] = {node_of(unit)}
            for name in (*unit.inputs, *unit.outputs):
                found.setdefault((groups[name], False), set()).add(node_of(unit))
        return found


def node_of(unit: Unit) -> str:
    """The source of the steps that run ``unit``."""
    return unit.operator.name or unit.name
