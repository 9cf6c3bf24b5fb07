"""tinyc's own post-training quantization, from calibration to QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import onnx_ir as oir

from ...ir.errors import UsageError
from ..onnx_graph import quoted
from ..spiking.firing import note_rates
from ..state_pairs import given_outputs, state_pairs
from .affine import WIDTHS, Affine, quant_of, resized
from .calibration import Calibration, calibration_of, count, histograms_of, observe_means, observe_ranges
from .calibration_only import remove_marked
from .choice import choose_ranges
from .equalization import equalize
from .graphs import name_of
from .groups import Group, Range, groups_of
from .insertion import insert
from .membranes import known_quants, usual_bits
from .observers import MIN_MAX, candidate_ranges, distinct, with_room
from .operators import array_of, is_constant, is_float
from .options import DEFAULTS, Progress, QuantizeOptions, silent
from .preparation import prepared
from .propagation import quantize_weights
from .recurrent import note_cells, state_range, tied_states, wide_states
from .steps import Steps, steps_of
from .units import Partition, partition
from .weights import Weights, to_nearest

_NARROW_SAMPLES = 24
"""Samples on which ranges are chosen where no feature map has 8 bits: when widths are only tried."""


def quantize(
    model: oir.Model,
    calibration: Mapping[str, np.ndarray],
    options: QuantizeOptions = DEFAULTS,
    progress: Progress = silent,
) -> oir.Model:
    """A copy of the canonical float ``model`` in 8 bits, or in those of ``options``, as standard QDQ ONNX.

    ``calibration`` maps graph inputs to arrays [samples, *shape of the input], where a leading 1 of the
    shape may be left out. Activations are integers per tensor, asymmetric; weights integers per output
    channel, symmetric; biases int32. Graph inputs and outputs stay float; the two sides of a state have one
    quantization, so that its integers persist. Operators that have no integer
    form stay in float; ``tinyc.quantize.float_islands`` in the result's metadata lists their nodes, and
    ``tinyc.quantize.observers`` tells which observer each tensor's range comes from.

    Raises UsageError where the calibration data or the widths do not fit the model, ModelError where the
    model cannot be run, is quantized already, or takes values that are not finite.
    """
    return Quantizer(model, calibration, options, progress).quantized(
        options.activation_bits, options.weight_bits, progress
    )


class Quantizer:
    """A float model and what its calibration showed: makes QDQ models of any widths.

    ``parts`` and ``groups`` are of ``model``, the equalized float model; ``samples`` are those that choices
    are judged on. Raises what ``quantize`` does.
    """

    def __init__(
        self,
        model: oir.Model,
        calibration: Mapping[str, np.ndarray],
        options: QuantizeOptions = DEFAULTS,
        progress: Progress = silent,
    ) -> None:
        work = prepared(model)
        samples = calibration_of(work.graph, calibration)
        progress("calibrate", 0.0)
        self.samples = samples.thinned(min(options.samples, _fitting(work, samples, options.memory)))
        self.model = equalize(work, self.samples, progress)
        self.parts = partition(self.model)
        note_cells(self.model, self.samples)
        axis = options.time_axis
        self._steps = None if axis is None else steps_of(self.model, axis, self.samples)
        self.groups: tuple[Group, ...] = ()
        if self.parts.tensors:
            ranges = self._ranges(samples)
            states = ((pair.input, pair.output) for pair in state_pairs(self.model))
            tied = (*options.tied, *states, *tied_states(self.model.graph))
            known = known_quants(self.parts, ranges) | wide_states(self.model.graph)
            self.groups = groups_of(self.parts, ranges, tied, known)
            graph = self.model.graph
            self.state_ranges = [state_range(graph, group, ranges) for group in self.groups]
            self.histograms = histograms_of(self.groups, ranges)
            count(self.histograms, self.model, self.groups, samples)
            if self._steps is not None:
                late = [self._steps.part(group) for group in self.groups]
                count(self.histograms, self._steps.model, late, self._steps.samples)
            spikes = [name for name in self.parts.tensors if name in self.parts.spiking.spikes]
            note_rates(self.model, observe_means(self.model, spikes, samples))
        self._chosen: dict[tuple[Group, int], tuple[str, Affine]] = {}
        progress("calibrate", 1.0)

    def _ranges(self, samples: Calibration) -> dict[str, Range]:
        """Of each tensor, those of the constants that it may hold among them."""
        ranges = observe_ranges(self.model, self.parts.tensors, samples)
        if self._steps is not None:
            found = observe_ranges(self._steps.model, self._steps.tensors, self._steps.samples)
            for name, (low, high) in found.items():
                ranges[name] = min(low, ranges[name][0]), max(high, ranges[name][1])
        return _with_constants(self.parts, ranges)

    def quantized(
        self,
        activation_bits: Mapping[str, int],
        weight_bits: Mapping[str, int],
        progress: Progress = silent,
        samples: Calibration | None = None,
    ) -> oir.Model:
        """The model with these widths (see ``QuantizeOptions``), its weights rounded on ``samples``."""
        quants, observers = self._quants(activation_bits, weight_bits, progress)
        asked = {name: (bits,) for name, bits in weight_bits.items()}
        found = self._rounded(quants, asked, samples or self.samples, progress)
        weights = {name: next(iter(made.values())) for name, made in found.items()}
        return self._made(quants, weights, observers)

    def _rounded(
        self, quants: Mapping[str, Affine], asked: Mapping[str, Sequence[int]], samples: Calibration,
        progress: Progress,
    ) -> dict[str, dict[int, Weights]]:  # fmt: skip
        """Weights by layer and bits; those of layers without time rounded on calls of the stream."""
        found = quantize_weights(self.model, self.parts, quants, asked, samples, progress)
        steps = self._steps
        if steps is None:
            return found
        calls, known = steps.samples.thinned(len(samples.feeds)), steps.known(quants)
        return found | quantize_weights(steps.model, steps.parts, known, asked, calls, silent)

    def sketched(self, activation_bits: Mapping[str, int], weight_bits: Mapping[str, int]) -> oir.Model:
        """The same with weights rounded to nearest, which is quick: it costs what that model costs."""
        quants, observers = self._quants(activation_bits, weight_bits, silent)
        weights = {
            unit.name: to_nearest(unit, weight_bits.get(unit.name, 8), quants)
            for unit in self.parts.units
            if unit.rule.weight_axis is not None
        }
        return self._made(quants, weights, observers)

    def _quants(
        self, activation_bits: Mapping[str, int], weight_bits: Mapping[str, int], progress: Progress
    ) -> tuple[dict[str, Affine], list[str]]:
        """The quantization of each tensor, and the observer that each group's range comes from."""
        self._check(activation_bits, weight_bits)
        widths = [self._width(group, activation_bits) for group in self.groups]
        self.choose(widths, progress)
        chosen = [self._chosen[key] for key in zip(self.groups, widths, strict=True)]
        quants = {
            name: quant
            for group, (_, quant) in zip(self.groups, chosen, strict=True)
            for name in group.members
        }
        return quants, [observer for observer, _ in chosen]

    def narrowed(
        self, samples: Calibration, activation_bits: Mapping[str, int], progress: Progress = silent
    ) -> Iterator[tuple[str, int, bool, Callable[[], oir.Model]]]:
        """For each group and then each layer with weights, and for 4 and 2 bits: its first tensor or name,
        the bits, whether they are of weights, and what makes the model with ``activation_bits`` with that
        alone narrowed, weights being rounded on ``samples``."""
        for bits in (4, 2):
            self.choose([bits] * len(self.groups), progress)
        quants, observers = self._quants(activation_bits, {}, progress)
        asked = dict.fromkeys(self.layers, (8, 4, 2))
        found = self._rounded(quants, asked, samples, progress)
        whole = {name: made[8] for name, made in found.items()}
        for group in self.groups:
            for bits in (4, 2):
                narrow = dict.fromkeys(group.members, self._chosen[group, bits][1])
                make = partial(self._made, {**quants, **narrow}, whole, observers)
                yield group.members[0], bits, False, make
        for name in self.layers:
            for bits in (4, 2):
                make = partial(self._made, quants, {**whole, name: found[name][bits]}, observers)
                yield name, bits, True, make

    @property
    def layers(self) -> tuple[str, ...]:
        """The tensors that layers with weights make."""
        return tuple(unit.name for unit in self.parts.units if unit.rule.weight_axis is not None)

    def _made(
        self, quants: Mapping[str, Affine], weights: Mapping[str, Weights], observers: Sequence[str]
    ) -> oir.Model:
        result = self.model.clone()
        insert(result, quants, weights)
        remove_marked(result)
        _note(result, self.parts, self.groups, observers)
        return result

    def choose(self, widths: Sequence[int], progress: Progress = silent) -> list[Affine]:
        """The quantization of each group at its width; those found before are not sought again."""
        keys = list(zip(self.groups, widths, strict=True))
        missing = [index for index, key in enumerate(keys) if key not in self._chosen]
        candidates = [
            self._candidates(i, widths[i]) if i in missing else {"": (0.0, 0.0)} for i in range(len(keys))
        ]
        if missing:
            judges = self.samples if 8 in widths else self.samples.thinned(_NARROW_SAMPLES)
            names = choose_ranges(
                self.model, self.parts, self.groups, candidates, widths, judges, progress
            )
            if self._steps is not None:
                names = self._judged_by_steps(self._steps, names, candidates, widths, len(judges.feeds))
            for index in missing:
                group, bits = keys[index]
                name, bounds = names[index], candidates[index][names[index]]
                if group.fixed is not None:
                    self._chosen[keys[index]] = "fixed", resized(group.fixed, bits)
                elif name == MIN_MAX and bits >= 8 and self._is_for_the_caller(group):
                    self._chosen[keys[index]] = f"{name} and room", quant_of(*with_room(bounds), bits)
                else:
                    self._chosen[keys[index]] = name, quant_of(*bounds, bits)
        return [self._chosen[key][1] for key in keys]

    def _judged_by_steps(
        self, steps: Steps, names: Sequence[str], candidates: Sequence[Mapping[str, Range]],
        widths: Sequence[int], count: int,
    ) -> list[str]:  # fmt: skip
        """``names`` of the best candidates, with those of groups without time judged on ``count`` calls of
        the stream."""
        late = [index for index, group in enumerate(self.groups) if steps.hold(group)]
        found = choose_ranges(
            steps.model, steps.parts, [self.groups[i] for i in late],
            [candidates[i] for i in late], [widths[i] for i in late], steps.samples.thinned(count), silent,
        )  # fmt: skip
        better = dict(zip(late, found, strict=True))
        return [better.get(index, name) for index, name in enumerate(names)]

    def _is_for_the_caller(self, group: Group) -> bool:
        """Whether a group holds results of the model, but for states, and not its inputs. What saturates in
        it is an error that nothing behind makes smaller, however rare values beyond calibration are."""
        results = {name_of(value) for value in given_outputs(self.model)}
        inputs = {name_of(value) for value in self.model.graph.inputs}
        return not results.isdisjoint(group.members) and inputs.isdisjoint(group.members)

    def _candidates(self, index: int, bits: int) -> Mapping[str, Range]:
        """The ranges that a group is tried with, by observer."""
        own = self.state_ranges[index]
        return distinct(candidate_ranges(self.histograms[index], bits)) if own is None else {"states": own}

    def _width(self, group: Group, bits: Mapping[str, int]) -> int:
        asked = (bits[name] for name in group.members if name in bits)
        return max(asked, default=usual_bits(self.parts, group))

    def _check(self, activation_bits: Mapping[str, int], weight_bits: Mapping[str, int]) -> None:
        for asked, known, widths, what in (
            (activation_bits, set(self.parts.tensors), WIDTHS, "tensor"),
            (weight_bits, set(self.layers), WIDTHS[:-1], "layer with weights"),
        ):
            for name, bits in asked.items():
                if name not in known:
                    raise UsageError(
                        f"There is no {what} of that name to give {bits} bits",
                        where=quoted(name),
                        remedy=f"name one of: {', '.join(map(quoted, sorted(known))) or 'none'}",
                    )
                if bits not in widths:
                    raise UsageError(
                        f"A {what} cannot have {bits} bits",
                        where=quoted(name),
                        remedy=f"choose one of {', '.join(map(str, widths))}",
                    )


def _with_constants(parts: Partition, ranges: dict[str, Range]) -> dict[str, Range]:
    """``ranges``, with the results of data movement covering the constants that may be moved there."""
    for unit in parts.units:
        if unit.rule.shared and unit.rule.constants:
            for value in unit.operator.inputs:
                if is_constant(value) and is_float(value):
                    low, high = ranges[unit.outputs[0]]
                    array = array_of(value)
                    low, high = float(array.min(initial=low)), float(array.max(initial=high))
                    ranges[unit.outputs[0]] = low, high
    return ranges


def _fitting(model: oir.Model, samples: Calibration, memory: int) -> int:
    """How many samples' float and quantized activations fit into ``memory`` bytes, at least one."""
    values = (value for node in model.graph for value in node.outputs)
    shapes = [value.shape for value in values if value.shape is not None and value.shape.is_static()]
    elements = sum(int(np.prod(shape.numpy(), dtype=np.int64)) for shape in shapes)
    return max(1, memory // max(1, 2 * 4 * elements))


def _note(model: oir.Model, parts: Partition, groups: Sequence[Group], chosen: Sequence[str]) -> None:
    observers = {group.members[0]: observer for group, observer in zip(groups, chosen, strict=True)}
    islands = [node.name or str(node.outputs[0].name) for node in parts.islands]
    model.metadata_props["tinyc.quantize.float_islands"] = json.dumps(islands)
    model.metadata_props["tinyc.quantize.observers"] = json.dumps(observers)
