"""tinyc's own post-training quantization, from calibration to QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as oir

from ...ir.dtype import Quant
from .affine import quant_of
from .calibration import Calibration, calibration_of, observe_histograms, observe_ranges
from .choice import choose_ranges
from .equalization import equalize
from .groups import Group, Range, groups_of
from .insertion import Inserter
from .observers import candidate_ranges, distinct
from .operators import array_of, is_constant, is_float
from .options import DEFAULTS, Progress, QuantizeOptions, silent
from .preparation import prepared
from .propagation import quantize_weights
from .units import Partition, Unit, partition
from .weights import Weights


def quantize(
    model: oir.Model,
    calibration: Mapping[str, np.ndarray],
    options: QuantizeOptions = DEFAULTS,
    progress: Progress = silent,
) -> oir.Model:
    """A copy of the canonical float ``model`` in 8 bits, as standard QDQ ONNX.

    ``calibration`` maps graph inputs to arrays [samples, *shape of the input], where a leading 1 of the
    shape may be left out. Activations are int8 per tensor, asymmetric; weights int8 per output channel,
    symmetric; biases int32. Graph inputs and outputs stay float. Operators that have no integer form
    stay in float; ``tinyc.quantize.float_islands`` in the result's metadata lists their nodes, and
    ``tinyc.quantize.observers`` tells which observer each tensor's range comes from.

    Raises UsageError where the calibration data does not fit the model, ModelError where the model
    cannot be run, is quantized already, or takes values that are not finite.
    """
    work = prepared(model)
    samples = calibration_of(work.graph, calibration)
    progress("calibrate", 0.0)
    judges = samples.thinned(min(options.samples, _fitting(work, samples, options.memory)))
    work = equalize(work, judges, progress)
    parts = partition(work.graph)
    if not parts.tensors:
        _note(work, parts, (), ())
        return work
    ranges = _with_constants(parts, observe_ranges(work, parts.tensors, samples))
    groups = groups_of(parts, ranges, options.tied)
    histograms = observe_histograms(work, groups, ranges, samples)
    progress("calibrate", 1.0)
    candidates = [distinct(candidate_ranges(histogram)) for histogram in histograms]
    chosen = choose_ranges(work, parts, groups, candidates, judges, progress)
    quants: dict[str, Quant] = {}
    for group, ranges_of_group, observer in zip(groups, candidates, chosen, strict=True):
        quant = group.fixed or quant_of(*ranges_of_group[observer])
        quants.update(dict.fromkeys(group.members, quant))
    weights = quantize_weights(work, parts, quants, judges, progress)
    _insert(work.graph, parts, quants, weights)
    _note(work, parts, groups, chosen)
    return work


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


def _insert(
    graph: oir.Graph, parts: Partition, quants: Mapping[str, Quant], weights: Mapping[Unit, Weights]
) -> None:
    inserter = Inserter(graph)
    for unit in parts.units:
        if unit in weights:
            inserter.weights(unit, weights[unit])
        else:
            inserter.operands(unit, quants)
    for tensor in parts.tensors:
        inserter.activation(tensor, quants[tensor])
    unused = [name for name, value in graph.initializers.items() if not value.uses()]
    for name in unused:
        if not graph.initializers[name].is_graph_output():
            del graph.initializers[name]


def _note(model: oir.Model, parts: Partition, groups: Sequence[Group], chosen: Sequence[str]) -> None:
    observers = {
        group.members[0]: "fixed" if group.fixed else observer
        for group, observer in zip(groups, chosen, strict=True)
    }
    islands = [node.name or str(node.outputs[0].name) for node in parts.islands]
    model.metadata_props["tinyc.quantize.float_islands"] = json.dumps(islands)
    model.metadata_props["tinyc.quantize.observers"] = json.dumps(observers)
