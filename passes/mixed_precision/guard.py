"""The measured guard: how much worse a model does than the one in 8 bits, on calibration samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..quantize.graphs import exposing, name_of
from ..quantize.running import Feeds, Runner, each
from ..state_pairs import given_inputs, given_outputs
from .margins import ONE_SIDED, Margins, margins_of
from .variants import Variants

SMALL = 200
"""Samples; on fewer a drop of one point cannot be told from luck."""

_Z = 1.959964
"""Of a two-sided interval of 95 %."""

NOISE_SAMPLES = 32
"""Samples at most on which the noise of a single step is measured."""


@dataclass(frozen=True)
class Judgement:
    """How a model does on ``samples`` calibration samples.

    ``metric`` is "top-1" with labels, "agreement" of the largest output with the float model's without,
    and "fidelity" (1 − error as a share of the output's deviation) where outputs are no classes. ``value``
    is the metric, ``drop`` what the model in 8 bits has more of it, ``low`` and ``high`` the drop's interval
    of 95 %. ``expected`` is the drop without the luck of single samples, ``bound`` its upper bound of 95 %,
    and ``noise`` what it follows from: see ``Guard``.
    """

    metric: str
    samples: int
    value: float
    drop: float
    low: float
    high: float
    expected: float
    bound: float
    noise: float

    def passes(self, max_drop: float) -> bool:
        """True where the bound of what is to be expected is at most ``max_drop`` (a share), and what was
        counted too, but for one standard error of counting."""
        error = (self.high - self.low) / (2 * _Z)
        return self.bound <= max_drop and self.drop - error <= max_drop


class Guard:
    """Compares models with the float model and with the one in 8 bits, ``baseline``.

    What is counted on few samples is luck for the most part. So a second figure is held against the limit
    as well: the drop that is to be expected where the noise of quantization on the margin between the right
    class and the next met margins like the float model's at random, in its upper bound: see ``Margins``.

    A model comes in ``folds``, the same widths rounded on other samples than those it is judged on: rounding
    fits few bits to its samples so well that on these they seem to do no harm.
    """

    def __init__(
        self, model: oir.Model, baseline: Sequence[oir.Model], samples: Sequence[Feeds],
        labels: np.ndarray | None,
    ) -> None:  # fmt: skip
        self._samples = samples
        self._folds = [np.arange(fold, len(samples), len(baseline)) for fold in range(len(baseline))]
        self._floats = outputs_of(model, samples)
        self._baseline = self._outputs(baseline)
        classes = self._floats.shape[1]
        labelled = labels is not None and classes > 1 and bool(np.all((labels >= 0) & (labels < classes)))
        self._classifies = labelled or _gives_classes(model)
        self.metric = ("top-1" if labelled else "agreement") if self._classifies else "fidelity"
        self._targets = labels if labels is not None and labelled else self._floats.argmax(axis=1)
        if self._classifies:
            self._margins = Margins(margins_of(self._floats, self._targets), labelled)
        self._few = self._folds[0][:: -(-len(self._folds[0]) // NOISE_SAMPLES)]

    def against(self, baseline: Sequence[oir.Model] | None) -> Guard:
        """The same guard with another baseline: the float model where it is None."""
        other = copy(self)
        other._baseline = self._floats if baseline is None else self._outputs(baseline)
        return other

    def judge(self, models: Sequence[oir.Model]) -> Judgement:
        """How QDQ models do: one of each fold, not rounded on the fold's samples."""
        found = self._outputs(models)
        return self._classes(found) if self._classifies else self._fidelity(found)

    def noise_of(self, whole: oir.Model) -> Callable[[oir.Model], float]:
        """What measures ``Judgement.noise`` of variants of ``whole``, the first fold's baseline, on some of
        that fold's samples."""
        variants = Variants(whole, [self._samples[int(index)] for index in self._few])
        return lambda model: self._noise(_rows(variants.run(model, scores_of(model))), self._few)

    def bearable(self, max_drop: float) -> float:
        """The most noise with which a drop of at most ``max_drop`` is to be expected, by its bound."""
        if self._classifies:
            return self._margins.bearable(self._errors(self._baseline), max_drop)
        return (math.sqrt(self._noise(self._baseline, np.arange(len(self._baseline)))) + max_drop) ** 2

    def _noise(self, found: np.ndarray, picks: np.ndarray) -> float:
        if self._classifies:
            return self._margins.noise(self._errors(found, picks), picks)
        spread = float(np.mean(self._floats.var(axis=0)))
        return float(np.mean((found - self._floats[picks]) ** 2)) / (spread if spread > 0 else 1.0)

    def _errors(self, found: np.ndarray, picks: np.ndarray | slice = slice(None)) -> np.ndarray:
        """By how much margins moved."""
        return margins_of(found, self._targets[picks]) - self._margins.margins[picks]

    def _classes(self, found: np.ndarray) -> Judgement:
        every = np.arange(len(found))
        before, after = (o.argmax(axis=1) == self._targets for o in (self._baseline, found))
        lost, won = int(np.sum(before & ~after)), int(np.sum(after & ~before))
        low, high = paired_interval(lost, won, len(found))
        expected, bound = self._margins.drop(self._errors(self._baseline), self._errors(found))
        return Judgement(
            self.metric, len(found), float(after.mean()), (lost - won) / len(found), low, high,
            expected, bound, self._noise(found, every),
        )  # fmt: skip

    def _fidelity(self, found: np.ndarray) -> Judgement:
        every = np.arange(len(found))
        noises = [self._noise(outputs, every) for outputs in (self._baseline, found)]
        drop = math.sqrt(noises[1]) - math.sqrt(noises[0])
        spread = math.sqrt(float(np.mean(self._floats.var(axis=0)))) or 1.0
        errors = [np.sqrt(np.mean((o - self._floats) ** 2, axis=1)) / spread for o in (self._baseline, found)]
        error = float((errors[1] - errors[0]).std()) / math.sqrt(len(found))
        value, reach = 1.0 - math.sqrt(noises[1]), _Z * error
        return Judgement(
            self.metric, len(found), value, drop, drop - reach, drop + reach, drop,
            drop + ONE_SIDED * error, noises[1],
        )  # fmt: skip

    def _outputs(self, models: Sequence[oir.Model]) -> np.ndarray:
        found = np.empty_like(self._floats)
        for fold, model in zip(self._folds, models, strict=True):
            found[fold] = outputs_of(model, [self._samples[int(index)] for index in fold])
        return found


def outputs_of(model: oir.Model, samples: Sequence[Feeds]) -> np.ndarray:
    """The first output before its Softmax, [samples, elements]."""
    name = scores_of(model)
    runner = Runner(exposing(model, [name]), optimized=False)
    return _rows([result[name] for result in each(runner.run, samples)])


def _rows(outputs: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([output.reshape(-1) for output in outputs]).astype(np.float64)


def paired_interval(lost: int, won: int, count: int) -> tuple[float, float]:
    """The interval of 95 % of (lost − won) / count, where the same samples are judged twice.

    Agresti and Min, "Simple improved confidence intervals for comparing matched proportions" (2005): a half
    is added to each of the four counts.
    """
    n, b, c = count + 2.0, lost + 0.5, won + 0.5
    middle = (b - c) / n
    reach = _Z * math.sqrt(max((b + c) - (b - c) ** 2 / n, 0.0)) / n
    return max(-1.0, middle - reach), min(1.0, middle + reach)


_FORMS = ("DequantizeLinear", "QuantizeLinear", "Identity", "Reshape")


def scores_of(model: oir.Model) -> str:
    """What the Softmax reads that makes the first output; that output where none does."""
    first = given_outputs(model)[0]
    value: oir.Value | None = first
    while value is not None and (node := value.producer()) is not None:
        if node.op_type in ("Softmax", "LogSoftmax"):
            return name_of(node.inputs[0])
        if node.op_type not in _FORMS:
            break
        value = node.inputs[0]
    return name_of(first)


def _gives_classes(model: oir.Model) -> bool:
    """True where the first output is one row of at least two numbers, and not as many as an input has."""
    shape = given_outputs(model)[0].shape
    if shape is None or not shape.is_static():
        return False
    sizes = shape.numpy()
    count = math.prod(sizes)
    inputs = [value.shape.numpy() for value in given_inputs(model) if value.shape is not None]
    echoes = any(math.prod(size) == count for size in inputs)
    return count == max(sizes, default=1) > 1 and not echoes

