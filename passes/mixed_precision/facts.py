"""What the search knows of a model before it tries anything: layers, memory, entropies, noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

import onnx_ir as oir

from ...ir.program import Program
from ..dead_channels import remove_dead_channels
from ..macs import node_macs
from ..quantize.calibration import Calibration
from ..quantize.membranes import usual_bits
from ..quantize.options import Progress
from ..quantize.pipeline import Quantizer
from ..quantize.units import Unit
from .bitops import Layer, bitops, weight_bytes
from .branches import Branches
from .entropy import entropy_lost
from .front import Point
from .guard import Guard, Judgement
from .memory import Memory, maps_of
from .options import MixedOptions
from .timing import Lower, Timing, node_of
from .widths import Step, Widths


class Facts:
    """Of the model in 8 bits, ``whole``, that ``quantizer`` makes."""

    def __init__(
        self, quantizer: Quantizer, whole: oir.Model, lower: Lower, options: MixedOptions, progress: Progress,
        branches: Branches,
    ) -> None:  # fmt: skip
        self._quantizer, self._progress = quantizer, progress
        self.timing = Timing(quantizer, lower, options.target)
        slim = remove_dead_channels(whole.clone())
        program = lower(slim)
        groups = {name: group.members[0] for group in quantizer.groups for name in group.members}
        self.layers = layers_of(slim, quantizer, branches)
        self.narrowable = [one for one in self.layers if one.name not in quantizer.parts.spiking.currents]
        """Layers whose weights may be narrowed: not event-driven ones, which store them in 8 bits."""
        self.memory = Memory(program, maps_of(slim, groups), options.goal, options.sram_budget)
        self.other_flash = constant_bytes(program) - weight_bytes(self.layers, Widths())
        """Bytes of constants that are no weights: biases, multipliers, tables."""
        shown = {str(value.name) for value in (*slim.graph.inputs, *slim.graph.outputs)}
        kept = shown | quantizer.parts.spiking.spikes | branches.kept
        of_8_bits = (g for g in quantizer.groups if usual_bits(quantizer.parts, g) == 8)
        self.maps = [g.members[0] for g in of_8_bits if kept.isdisjoint(g.members)]
        """Feature maps that may be narrowed: not those that the caller sees, those with outliers, spikes and
        membranes."""

    @cached_property
    def loss(self) -> Mapping[tuple[str, int], float]:
        """Ω of each feature map at each width."""
        found: dict[tuple[str, int], float] = {}
        groups = self._quantizer.groups
        for bits in (16, 8, 4, 2):
            quants = self._quantizer.choose([bits] * len(groups))
            for group, histogram, quant in zip(groups, self._quantizer.histograms, quants, strict=True):
                found[group.members[0], bits] = entropy_lost(histogram, quant)
        return found

    def noise(self, guard: Guard, whole: oir.Model, samples: Calibration, limit: float) -> dict[Step, float]:
        """What each step to 4 and to 2 bits alone adds to the noise of ``whole``, the model in 8 bits that
        was rounded on ``samples``; infinite for 2 bits, unmeasured, where 4 add more than ``limit``."""
        noise, found = guard.noise_of(whole), dict[Step, float]()
        level = noise(whole)
        layers = {layer.name for layer in self.narrowable}
        count = 2 * (len(self._quantizer.groups) + len(self._quantizer.layers))
        made = self._quantizer.narrowed(samples, self._progress)
        for done, (name, bits, of_weights, make) in enumerate(made, start=1):
            step = Step(name, bits, of_weights)
            if found.get(replace(step, bits=2 * bits), 0.0) > limit:
                found[step] = math.inf
            elif name in (layers if of_weights else self.maps):
                found[step] = max(noise(make()) - level, 0.0)
            self._progress("measure noise", done / count)
        return found

    def point(self, widths: Widths, judgement: Judgement) -> Point:
        """What a model with ``widths`` costs, and how it was judged."""
        best = self.memory.best(widths)
        return Point(
            widths,
            sram=best.nbytes + self.memory.kept,
            flash=weight_bytes(self.layers, widths),
            bitops=bitops(self.layers, widths),
            cycles=self.timing.total(widths),
            accuracy=judgement.value,
            drop=judgement.drop,
        )


def constant_bytes(program: Program) -> int:
    """Bytes of all constants of a program."""
    return sum(a.nbytes for step in program.steps for a in step.kernel.constants().values())


def layers_of(slim: oir.Model, quantizer: Quantizer, branches: Branches) -> tuple[Layer, ...]:
    """Layers with weights; their work and weights are of ``slim``, a QDQ model without dead channels."""
    return tuple(_layers(slim, quantizer, branches))


def _layers(slim: oir.Model, quantizer: Quantizer, branches: Branches) -> Iterator[Layer]:
    groups = {name: group.members[0] for group in quantizer.groups for name in group.members}
    left = {node.name: node for node in slim.graph}
    for unit in quantizer.parts.units:
        if unit.rule.weight_axis is not None and (node := left.get(unit.operator.name)) is not None:
            yield _layer(unit, node, groups, branches)


def _layer(unit: Unit, node: oir.Node, groups: Mapping[str, str], branches: Branches) -> Layer:
    weight = node.inputs[1]
    assert weight is not None and weight.shape is not None
    size = 1
    for length in weight.shape.numpy():
        size *= length
    macs = round(node_macs(node) * branches.shares.get(node_of(unit), 1))
    return Layer(unit.name, node_of(unit), groups[unit.inputs[0]], macs, size)
