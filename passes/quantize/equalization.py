"""Cross-layer equalization: gives the channels of an activation similar ranges, at no cost.

A channel that one layer's weights divide by s and the next layer's multiply by s leaves the network's
function as it is, if all between them commutes with positive factors. Nagel et al., "Data-free
quantization through weight equalization and bias correction" (ICCV 2019); the strength, an exponent
between 0 and 1, is that of Xiao et al., "SmoothQuant" (ICML 2023), chosen here for each pair of layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from .affine import WEIGHT_MAX, quant_of, rounded
from .calibration import Calibration
from .graphs import excerpt, exposing, name_of
from .operators import array_of
from .options import Progress
from .running import Feeds, Runner, each
from .units import Partition, Unit, partition

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LARGEST_FACTOR = 64.0
"""Channels with less than a 64th of the largest range are treated as if they had that much."""

_COMMUTING = frozenset(
    (
        *("Relu", "LeakyRelu", "PRelu", "MaxPool", "AveragePool", "ReduceMean", "ReduceMax"),
        *("Reshape", "Transpose"),
    )
)
"""Operators f with f(s·x) = s·f(x) for one s > 0 per channel, where their windows hold no padding."""


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two layers with weights, and the units between them."""

    first: Unit
    between: tuple[Unit, ...]
    second: Unit

    @property
    def tensor(self) -> str:
        """The activation that is equalized."""
        return self.first.outputs[0]


@dataclass(frozen=True, eq=False)
class _Trial:
    """Factors per channel of the activation, the second layer's weights rounded under them, and the
    factors of the second layer's input features."""

    factors: np.ndarray
    features: np.ndarray
    weight: np.ndarray


def equalize(model: oir.Model, calibration: Calibration, progress: Progress) -> oir.Model:
    """A copy of ``model`` that computes the same, with the factors under which quantizing an activation
    and the weights that read it changes the reading layer's output least; 1 where none helps."""
    copy = model.clone()
    parts = partition(copy)
    pairs = list(_pairs(copy.graph, parts))
    if not pairs:
        return copy
    peaks = _channel_peaks(copy, pairs, calibration)
    trials = {pair: list(_trials(copy, pair, peaks[pair.tensor])) for pair in pairs}
    runners = {pair: _runner(copy, pair) for pair in pairs}
    activations = Runner(exposing(copy, [pair.tensor for pair in pairs]))

    def judged(feeds: Feeds) -> np.ndarray:
        arrays = activations.run(feeds)
        errors = np.zeros((len(pairs), len(STRENGTHS)))
        for row, pair in zip(errors, pairs, strict=True):
            found = _errors(runners[pair], pair, trials[pair], arrays[pair.tensor], peaks[pair.tensor])
            row[: len(found)] = found
        return errors

    total = np.zeros((len(pairs), len(STRENGTHS)))
    for done, errors in enumerate(each(judged, calibration.feeds), start=1):
        total += errors
        progress("equalize", done / len(calibration.feeds))
    for pair, errors in zip(pairs, total, strict=True):
        best = trials[pair][int(np.argmin(errors[: len(trials[pair])]))]
        _apply(pair, best)
    return copy


def _pairs(graph: oir.Graph, parts: Partition) -> Iterator[_Pair]:
    readers: dict[str, list[Unit]] = {}
    for unit in parts.units:
        for name in unit.inputs:
            readers.setdefault(name, []).append(unit)
    uses = {value.name: len(tuple(value.uses())) for node in graph for value in node.outputs}
    shown = {value.name for value in graph.outputs}

    def next_of(unit: Unit) -> Unit | None:
        name = unit.outputs[0] if len(unit.outputs) == 1 else ""
        alone = uses.get(name) == 1 and name not in shown
        return readers[name][0] if alone and len(readers.get(name, ())) == 1 else None

    for first in parts.units:
        if not _scales_outputs(first):
            continue
        between: list[Unit] = []
        unit = next_of(first)
        while unit is not None and unit.operator.op_type in _COMMUTING and len(unit.nodes) == 1:
            between.append(unit)
            unit = next_of(unit)
        if unit is not None and unit.rule.weight_axis is not None and unit.outputs:
            yield _Pair(first, tuple(between), unit)


def _scales_outputs(unit: Unit) -> bool:
    """True for Conv, Gemm and MatMul with no activation or Relu."""
    if unit.rule.weight_axis is None or unit.operator.op_type == "ConvTranspose":
        return False
    return all(node.op_type in ("Add", "Relu") for node in unit.nodes[1:])


def _channel_axis(unit: Unit, rank: int) -> int:
    return 1 if unit.operator.op_type == "Conv" else rank - 1


def _channel_peaks(model: oir.Model, pairs: list[_Pair], calibration: Calibration) -> dict[str, np.ndarray]:
    """The largest magnitude in each channel of the pairs' activations, shaped to broadcast with them."""
    axes = {pair.tensor: pair.first for pair in pairs}

    def peaks_of(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        result: dict[str, np.ndarray] = {}
        for name, array in arrays.items():
            channel = _channel_axis(axes[name], array.ndim)
            others = tuple(axis for axis in range(array.ndim) if axis != channel)
            result[name] = np.abs(array).max(axis=others, keepdims=True)
        return result

    runner = Runner(exposing(model, [pair.tensor for pair in pairs]))
    peaks: dict[str, np.ndarray] = {}
    for found in each(lambda feeds: peaks_of(runner.run(feeds)), calibration.feeds):
        for name, peak in found.items():
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    return peaks


def _trials(model: oir.Model, pair: _Pair, peak: np.ndarray) -> Iterator[_Trial]:
    """One per strength; the first changes nothing. Only that one where the operators between the layers
    mix channels after all."""
    largest = float(peak.max(initial=0.0))
    share = np.maximum(peak / largest if largest > 0 else np.ones_like(peak), 1 / _LARGEST_FACTOR)
    weight = array_of(pair.second.weight).astype(np.float64)
    for strength in STRENGTHS:
        factors = share.astype(np.float64) ** strength
        features = _feature_factors(model, pair, factors)
        if features is None:
            if strength > 0:
                return
            features = np.ones(())
        scaled = _input_scaled(pair.second, weight, features)
        rounded_back = _input_scaled(pair.second, _nearest(scaled, pair.second), 1 / features)
        yield _Trial(factors, features, rounded_back.astype(np.float32))


def _feature_factors(model: oir.Model, pair: _Pair, factors: np.ndarray) -> np.ndarray | None:
    """``factors`` per input feature of the second layer, found by sending them through the operators
    between; None where one feature would have several."""
    values = oir.convenience.create_value_mapping(model.graph)
    shape = values[pair.tensor].shape
    if shape is None or not shape.is_static():
        return None
    result = np.broadcast_to(factors, shape.numpy()).astype(np.float32)
    for unit in pair.between:
        runner = Runner(excerpt(model, unit.nodes, unit.inputs, unit.outputs))
        result = runner.run({unit.inputs[0]: result})[unit.outputs[0]]
    axis = _input_axis(pair.second, result.ndim)
    rows = np.moveaxis(result, axis, -1).reshape(-1, result.shape[axis])
    return rows[0].astype(np.float64) if np.allclose(rows, rows[0], rtol=1e-5, atol=0) else None


def _input_axis(unit: Unit, rank: int) -> int:
    return 1 if unit.operator.op_type in ("Conv", "ConvTranspose") else rank - 1


def _input_scaled(unit: Unit, weight: np.ndarray, features: np.ndarray) -> np.ndarray:
    """``weight`` with the terms that each input feature meets multiplied by the feature's factor."""
    if features.ndim == 0:
        return weight
    if unit.operator.op_type == "Conv":
        groups = unit.operator.attributes.get_int("group", 1)
        split = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
        return (split * features.reshape(groups, 1, -1, 1)).reshape(weight.shape)
    if unit.operator.op_type == "ConvTranspose" or unit.rule.weight_axis == 1:
        return weight * features.reshape(-1, *[1] * (weight.ndim - 1))
    return weight * features


def _nearest(weight: np.ndarray, unit: Unit) -> np.ndarray:
    """``weight`` rounded to 8 bits per output channel, as real values."""
    others = tuple(axis for axis in range(weight.ndim) if axis != unit.rule.weight_axis)
    scale = np.abs(weight).max(axis=others, keepdims=True) / WEIGHT_MAX
    return np.rint(weight / np.where(scale > 0, scale, 1.0)) * scale


def _runner(model: oir.Model, pair: _Pair) -> Runner:
    nodes = [node for unit in (*pair.between, pair.second) for node in unit.nodes]
    weight = name_of(pair.second.weight)
    return Runner(excerpt(model, nodes, [pair.tensor, weight], pair.second.outputs))


def _errors(
    runner: Runner, pair: _Pair, trials: list[_Trial], activation: np.ndarray, peak: np.ndarray
) -> list[float]:
    """Squared error of the second layer's output under each trial, for one sample."""
    weight, output = name_of(pair.second.weight), pair.second.outputs[0]
    exact = runner.run({pair.tensor: activation, weight: array_of(pair.second.weight)})[output]
    signed = pair.first.nodes[-1].op_type != "Relu"
    errors: list[float] = []
    for trial in trials:
        factors = trial.factors.astype(np.float32)
        largest = float((peak / factors).max())
        quant = quant_of(-largest if signed else 0.0, largest)
        seen = rounded(activation / factors, quant) * factors
        found = runner.run({pair.tensor: seen, weight: trial.weight})[output]
        errors.append(float(np.sum((found.astype(np.float64) - exact) ** 2)))
    return errors


def _apply(pair: _Pair, trial: _Trial) -> None:
    """Divides the first layer's output channels and multiplies the second's inputs."""
    factors = trial.factors.ravel()
    first = array_of(pair.first.weight).astype(np.float64)
    along = [1] * first.ndim
    along[pair.first.rule.weight_axis or 0] = -1
    _replace(pair.first.weight, first / factors.reshape(along))
    if pair.first.bias is not None:
        _replace(pair.first.bias, array_of(pair.first.bias) / factors)
    _replace(pair.second.weight, _input_scaled(pair.second, array_of(pair.second.weight), trial.features))


def _replace(value: oir.Value | None, array: np.ndarray) -> None:
    assert value is not None
    value.const_value = oir.Tensor(array.astype(np.float32), name=value.name)
