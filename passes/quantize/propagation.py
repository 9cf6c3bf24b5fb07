"""Rounds layer after layer, each on the inputs that the quantized layers before it really give it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from .affine import Affine, rounded
from .calibration import Calibration
from .graphs import excerpt, name_of
from .moments import MAX_TERMS, Moments, rows, weight_matrix
from .operators import array_of, is_constant
from .options import Progress
from .running import Runner, each, one_thread
from .units import Partition, Unit
from .weights import Weights, round_weights, with_bias

_ROWS = 8192
"""Input vectors of a layer that its rounding is judged on, over all samples."""
_ELEMENTS = 1 << 24
"""Numbers in all of these vectors together."""

_Samples = dict[str, list[np.ndarray]]
"""One array per sample, by tensor."""


@dataclass(frozen=True, eq=False)
class _Step:
    """A unit, or a node outside all units, with the activations that it reads and makes."""

    nodes: tuple[oir.Node, ...]
    unit: Unit | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def quantize_weights(
    model: oir.Model,
    parts: Partition,
    quants: Mapping[str, Affine],
    bits: Mapping[str, Sequence[int]],
    calibration: Calibration,
    progress: Progress,
) -> dict[str, dict[int, Weights]]:
    """Integer weights by the name of the unit that has them, in each of its ``bits``, else 8, with biases
    corrected so that each output channel has the mean over all samples that it has in the float model.
    Layers behind read what the first of its ``bits`` gives.

    Empirical bias correction: Nagel et al., "Data-free quantization through weight equalization and bias
    correction" (ICCV 2019), section 4.2.
    """
    steps = list(_steps(model.graph, parts))
    uses = Counter(name for step in steps for name in step.inputs)
    names = [name_of(value) for value in model.graph.inputs if not value.is_initializer()]
    exact: _Samples = {name: [feeds[name] for feeds in calibration.feeds] for name in names}
    quantized: _Samples = {name: _through(arrays, quants.get(name)) for name, arrays in exact.items()}
    weights: dict[str, dict[int, Weights]] = {}
    with one_thread():
        for done, step in enumerate(steps, start=1):
            if step.unit is not None and step.unit.rule.weight_axis is not None:
                layer = _Layer(model, step.unit, quants)
                weights[step.unit.name] = layer.solve(exact, quantized, bits.get(step.unit.name, (8,)))
            else:
                _run(model, step, quants, exact, quantized)
            for name in step.inputs:
                uses[name] -= 1
                if uses[name] == 0:
                    del exact[name], quantized[name]
            progress("round weights", done / len(steps))
    return weights


def _steps(graph: oir.Graph, parts: Partition) -> Iterator[_Step]:
    units = {unit.operator: unit for unit in parts.units}
    followers = {node for unit in parts.units for node in unit.nodes[1:]}
    for node in graph:
        if node in followers:
            continue
        unit = units.get(node)
        nodes = (node,) if unit is None else unit.nodes
        read = (v for n in nodes for v in n.inputs if v is not None and not is_constant(v))
        made = {name_of(value) for n in nodes for value in n.outputs}
        inputs = tuple(dict.fromkeys(name for name in map(name_of, read) if name not in made))
        yield _Step(nodes, unit, inputs, tuple(name_of(value) for value in nodes[-1].outputs if value.name))


def _through(arrays: Sequence[np.ndarray], quant: Affine | None) -> list[np.ndarray]:
    return list(arrays) if quant is None else [rounded(np.nan_to_num(array), quant) for array in arrays]


def _run(
    model: oir.Model, step: _Step, quants: Mapping[str, Affine], exact: _Samples, quantized: _Samples
) -> None:
    """Runs a step without weights on both sets of samples."""
    runner = Runner(excerpt(model, step.nodes, step.inputs, step.outputs))
    for samples, quantizes in ((exact, False), (quantized, True)):
        count = range(len(next(iter(samples.values()), ())))
        feeds = [{name: samples[name][index] for name in step.inputs} for index in count]
        found = list(each(runner.run, feeds))
        for name in step.outputs:
            samples[name] = _through([f[name] for f in found], quants.get(name) if quantizes else None)


class _Layer:
    """One layer with weights, as a model whose weight and bias are fed."""

    def __init__(self, model: oir.Model, unit: Unit, quants: Mapping[str, Affine]) -> None:
        self._unit = unit
        self._source, self._output = unit.inputs[0], name_of(unit.nodes[-1].outputs[0])
        self._from, self._to = quants[self._source], quants.get(self._output)
        self._weight = array_of(unit.weight)
        self._bias = None if unit.bias is None else array_of(unit.bias)
        parameters = [name_of(value) for value in (unit.weight, unit.bias) if value is not None]
        self._sum = name_of(unit.sum)
        outputs = tuple(dict.fromkeys((self._sum, self._output)))
        self._parameters = parameters
        self._runner = Runner(excerpt(model, unit.nodes, [self._source, *parameters], outputs))

    def solve(self, exact: _Samples, quantized: _Samples, widths: Sequence[int]) -> dict[int, Weights]:
        """Rounds the weights to each of ``widths`` bits, corrects the bias, and adds the layer's outputs,
        with the first, to both sets of samples."""
        before, after = exact[self._source], quantized[self._source]
        bias = np.zeros(self._unit.channels) if self._bias is None else self._bias.astype(np.float64)
        moments = self._moments(before, after)
        floats = self._run(before, self._weight, self._bias)
        solved: dict[int, Weights] = {}
        for bits in widths:
            weights = round_weights(self._unit, self._weight, bias, bits, self._from, self._to, moments)
            if self._bias is not None:
                found = self._run(after, self._real(weights), self._bias)
                weights = with_bias(weights, bias + self._means(floats) - self._means(found))
            solved[bits] = weights
        first = solved[widths[0]]
        found = self._run(after, self._real(first), None if self._bias is None else first.real_bias)
        exact[self._output] = [result[self._output] for result in floats]
        quantized[self._output] = _through([result[self._output] for result in found], self._to)
        return solved

    def _real(self, weights: Weights) -> np.ndarray:
        return weights.real(self._unit.rule.weight_axis or 0)

    def _moments(self, before: list[np.ndarray], after: list[np.ndarray]) -> Moments | None:
        groups, _, terms = weight_matrix(self._unit, self._weight).shape
        if terms > MAX_TERMS or self._unit.operator.op_type == "ConvTranspose":
            return None
        most = max(1, min(_ROWS, _ELEMENTS // (groups * terms)) // len(before))
        stacks = [
            np.concatenate([rows(self._unit, self._weight.shape, array, most) for array in arrays], axis=1)
            for arrays in (before, after)
        ]
        return Moments.of(*stacks)

    def _run(
        self, arrays: list[np.ndarray], weight: np.ndarray, bias: np.ndarray | None
    ) -> list[dict[str, np.ndarray]]:
        values = (weight,) if bias is None else (weight, bias)
        fixed = dict(zip(self._parameters, values, strict=True))
        return list(each(lambda array: self._runner.run({self._source: array, **fixed}), arrays))

    def _means(self, results: list[dict[str, np.ndarray]]) -> np.ndarray:
        """Mean of each output channel before the activation, over positions and samples."""
        convolves = self._unit.operator.op_type in ("Conv", "ConvTranspose")
        sums = np.zeros(self._unit.channels)
        for result in results:
            array = result[self._sum]
            channel = 1 if convolves else array.ndim - 1
            sums += array.mean(axis=tuple(a for a in range(array.ndim) if a != channel), dtype=np.float64)
        return sums / len(results)
