"""The search for widths: what budgets need first, then what saves most, each batch measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import onnx_ir as oir

from ..dead_channels import remove_dead_channels
from ..quantize.calibration import Calibration, calibration_of
from ..quantize.options import DEFAULTS as IN_8_BITS
from ..quantize.options import Progress, QuantizeOptions, silent
from ..quantize.pipeline import Quantizer
from ..quantize.running import each, one_thread
from . import vdqs, weights
from .bitops import Layer, bitops, weight_bytes
from .branches import WHOLE, Branches
from .facts import Facts, layers_of
from .front import Point, undominated
from .guard import Guard, Judgement
from .options import DEFAULTS, MixedOptions
from .timing import Lower
from .widening import widened
from .widths import NARROWER, Step, Widths

_JUDGED = 1024
"""Calibration samples at most that models are judged on, evenly spread."""
_FAIR = 4.0
"""Times its share of the bearable noise that a feature map may take before others."""
_FOLDED = 16
"""Samples from which on rounding and judging share none."""


@dataclass(frozen=True, eq=False)
class Mixed:
    """What the search found: the QDQ ``model``, the point that it is, the one in 8 bits, the front of all
    that were accepted, and how the model does on the calibration samples. ``refused`` steps cost too much.
    ``slower`` gives the layers that take longer than in 8 bits, by node: the share by which they do."""

    model: oir.Model
    chosen: Point
    baseline: Point
    front: tuple[Point, ...]
    judgement: Judgement
    layers: tuple[Layer, ...]
    refused: tuple[Step, ...]
    slower: Mapping[str, float]


def search(
    model: oir.Model,
    calibration: Mapping[str, np.ndarray],
    labels: np.ndarray | None,
    lower: Lower,
    options: MixedOptions = DEFAULTS,
    quantization: QuantizeOptions = IN_8_BITS,
    progress: Progress = silent,
    branches: Branches = WHOLE,
) -> Mixed:
    """The canonical float ``model`` in as few bits as ``options`` allow.

    ``labels`` (class numbers, one per sample of ``calibration``) turn the guard's metric from agreement with
    the float model into accuracy. Where 8 bits do worse than floats by more than the limit, some maps get 16
    first. Then come the steps that the budgets need: at the peak of memory, then of weights; then weights to
    4 bits, feature maps, and weights to 2.
    ``branches`` tells of patches (``patches_of``), if ``model`` has any.
    Raises what ``quantize`` does.
    """
    quantizer = Quantizer(model, calibration, quantization, progress)
    whole = quantizer.quantized({}, {}, progress)
    trials = _Trials(model, quantizer, calibration, labels)
    facts = Facts(quantizer, whole, lower, options, progress, branches)
    offer = partial(_wider, facts, options)
    start = widened(trials.against_floats, offer, options.max_drop, options.evaluations)
    widths, points, judgement, refused = _Search(trials, facts, options, progress, start).run()
    found = whole if widths == Widths() else quantizer.quantized(widths.activations, widths.weights)
    slim = remove_dead_channels(found.clone())  # narrow weights leave more channels dead
    layers = layers_of(slim, quantizer, branches)
    chosen = replace(points[-1], flash=weight_bytes(layers, widths), bitops=bitops(layers, widths))
    front = undominated([*points[:-1], chosen])
    return Mixed(found, chosen, points[0], front, judgement, layers, refused, facts.timing.growth(widths))


def _wider(facts: Facts, options: MixedOptions) -> list[Step]:
    """The steps to 16 bits that the SRAM budget has room for, by their score."""
    widths, steps = Widths(), list[Step]()
    for step in vdqs.widening(facts.wideable, facts.layers, facts.loss, options.lam):
        if facts.memory.best(widths.after([step])).nbytes <= facts.memory.budget:
            widths = widths.after([step])
            steps.append(step)
    return steps


_Steps = Callable[[], Sequence[Step]]


def _none(batch: Sequence[Step]) -> set[Step]:
    return set()


class _Trials:
    """Models of any widths, rounded on one part of the calibration samples and judged on the other, and
    the other way round; with few samples rounded and judged on all."""

    def __init__(
        self, model: oir.Model, quantizer: Quantizer, calibration: Mapping[str, np.ndarray],
        labels: np.ndarray | None,
    ) -> None:  # fmt: skip
        feeds = calibration_of(model.graph, calibration).feeds
        picks = np.unique(np.linspace(0, len(feeds) - 1, _JUDGED).astype(int))
        picks = np.random.default_rng(0).permutation(picks)  # classes may come in turns
        samples = [feeds[index] for index in picks]
        folds = 2 if len(samples) >= _FOLDED else 1
        parts = [
            [f for i, f in enumerate(samples) if folds == 1 or i % folds != fold] for fold in range(folds)
        ]
        most = len(quantizer.samples.feeds)
        self._quantizer = quantizer
        self.samples = [Calibration(tuple(part)).thinned(most) for part in parts]
        self.whole = self.models(Widths())
        self.eight = self.guard = Guard(model, self.whole, samples, None if labels is None else labels[picks])

    def judge(self, models: Sequence[oir.Model]) -> tuple[Judgement, Judgement]:
        """How ``models`` do, compared with those that ``begin`` was given, and with those in 8 bits."""
        judged = self.guard.judge(models)
        return judged, judged if self.guard is self.eight else self.eight.judge(models)

    def against_floats(self, widths: Widths) -> Judgement:
        """How models of these widths do, compared with the float model."""
        return self.eight.against(None).judge(self.models(widths))

    def begin(self, models: Sequence[oir.Model]) -> None:
        """From now on others are compared with ``models``."""
        self.whole = models
        self.guard = self.eight.against(models)

    def models(self, widths: Widths) -> Sequence[oir.Model]:
        """One for each part of the samples, rounded on the others, side by side."""

        def model(part: Calibration) -> oir.Model:
            return self._quantizer.quantized(widths.activations, widths.weights, samples=part)

        with one_thread():  # what is in force when the first ends is in force until the last does
            return list(each(model, self.samples))


class _Search:
    """Where the search stands: ``widths`` are accepted, those of ``start`` to begin with; ``judgement`` is of
    a model with them, compared with that of ``start``, ``shown`` compared with the one in 8 bits."""

    def __init__(
        self, trials: _Trials, facts: Facts, options: MixedOptions, progress: Progress, start: Widths
    ) -> None:
        self._trials, self._facts, self._options, self._progress = trials, facts, options, progress
        self._start, self._points = start, list[Point]()
        self._take(Widths(), trials.judge(trials.whole))
        if start != Widths():
            trials.begin(trials.models(start))
            self._take(start, trials.judge(trials.whole))
        self._limit = trials.guard.bearable(options.max_drop)
        self._maps = [name for name in facts.maps if start.of(name) == 8]
        self._narrowable = facts.narrowable(start)
        self._refused: list[Step] = []
        self._useless: set[Step] = set()
        self._evaluations = 0

    def run(self) -> tuple[Widths, list[Point], Judgement, tuple[Step, ...]]:
        """The widths to take, all points on the way, the judgement of the last, and what was refused."""
        if not self._nothing_to_gain():
            self._descend_all()
        self._progress("search", 1.0)
        return self._widths, self._points, self._shown, tuple(self._refused)

    def _take(self, widths: Widths, judgements: tuple[Judgement, Judgement]) -> None:
        """Goes on from a model of these ``widths``, which ``_Trials.judge`` has judged."""
        self._widths, (self._judgement, self._shown) = widths, judgements
        self._points.append(self._facts.point(widths, self._shown))

    def _descend_all(self) -> None:
        """First what budgets need, then what the objective asks for."""
        self._descend(self._steps_at_the_peak, math.inf, _none)
        self._descend(self._steps_for_flash, math.inf, _none)
        unwanted = self._no_faster if self._options.objective == "cycles" else _none
        for source in (self._steps_to_4_bits, self._map_steps, self._weight_steps):
            self._descend(source, self._limit, unwanted)

    @cached_property
    def _noise(self) -> Mapping[Step, float]:
        """What each step alone adds: most of the search's time."""
        trials = self._trials
        return self._facts.noise(trials.guard, trials.whole[0], trials.samples[0], self._start, self._limit)

    def _nothing_to_gain(self) -> bool:
        """True where budgets hold, time is what counts, and 4 bits make no layer faster."""
        facts, options = self._facts, self._options
        holds = (
            facts.memory.best(self._widths).nbytes <= facts.memory.budget
            and weight_bytes(facts.layers, self._widths) + facts.other_flash <= options.flash_budget
        )
        narrow = [Step(name, 4, of_weights=True) for name in self._narrowable]
        maps = [Step(name, 4) for name in self._maps]
        batches = (narrow, maps, [*narrow, *maps])
        useful = (len(batch) > len(self._no_faster(batch)) for batch in batches)
        return holds and options.objective == "cycles" and not any(useful)

    def _descend(self, source: _Steps, limit: float, unwanted: Callable[[Sequence[Step]], set[Step]]) -> None:
        """Takes the steps that ``source`` offers in batches that are predicted to keep the noise below
        ``limit``, but for those of a batch that are ``unwanted``. Of a batch that drops too much the first
        half is tried; a step that does so alone is refused.
        """
        size = None
        while self._evaluations < self._options.evaluations:
            batch = self._bearable(source(), limit)[:size]
            if not batch:
                return
            if useless := unwanted(batch):
                self._useless |= useless
            elif self._accepts(batch):
                size = None if size is None else 2 * size
            elif len(batch) == 1:
                self._refused += batch
                size = None
            else:
                size = (len(batch) + 1) // 2

    def _accepts(self, steps: Sequence[Step]) -> bool:
        """Takes ``steps`` where the model with them passes the guard."""
        widths = self._widths.after(steps)
        judgements = self._trials.judge(self._trials.models(widths))
        self._evaluations += 1
        self._progress("search", self._evaluations / (self._options.evaluations + 1))
        if not judgements[0].passes(self._options.max_drop):
            return False
        self._take(widths, judgements)
        return True

    def _bearable(self, steps: Sequence[Step], limit: float) -> list[Step]:
        """Those of ``steps`` that together are predicted to keep the noise below ``limit``, in order: to 4
        bits, for which predictions are good, or, where there are none, to 2."""
        kept: list[Step] = []
        noise, widths = self._judgement.noise, self._widths
        for step in sorted(steps, key=lambda step: -step.bits):
            open_to_it = step not in self._refused and step not in self._useless
            possible = NARROWER.get(widths.of_step(step)) == step.bits and open_to_it
            if possible and noise + self._added(step) <= limit:
                noise += self._added(step)
                kept.append(step)
                widths = widths.after([step])
        return [step for step in kept if step.bits == kept[0].bits]

    def _added(self, step: Step) -> float:
        """Noise that ``step`` adds to that of the step before it."""
        before = Step(step.name, 2 * step.bits, step.of_weights)
        return max(self._noise[step] - self._noise.get(before, 0.0), 0.0)

    def _no_faster(self, batch: Sequence[Step]) -> set[Step]:
        return set(self._facts.timing.no_faster(self._widths, batch))

    # ---- what is offered ----

    def _weight_steps(self) -> list[Step]:
        layers = [layer for layer in self._facts.layers if layer.name in self._narrowable]
        return weights.narrowing(layers, self._added, self._widths)

    def _steps_to_4_bits(self) -> list[Step]:
        """Of weights: they halve the BitOPs for less noise than maps do."""
        return [step for step in self._weight_steps() if step.bits == 4]

    def _map_steps(self) -> list[Step]:
        """By their score; but those that cost several times what is left of the noise, shared by what steps
        save, come last."""
        facts = self._facts
        steps = vdqs.narrowing(self._maps, facts.layers, facts.loss, self._widths, self._options.lam)
        saved = {step: self._bitops_saved(step) for step in steps}
        left = max(self._limit - self._judgement.noise, 0.0) / max(sum(saved.values()), 1)
        return sorted(steps, key=lambda step: self._added(step) > _FAIR * left * saved[step])

    def _bitops_saved(self, step: Step) -> int:
        readers = [layer for layer in self._facts.layers if layer.source == step.name]
        return sum(layer.macs * self._widths.of_weights(layer.name) * step.bits for layer in readers)

    def _steps_for_flash(self) -> list[Step]:
        """The weights' steps that the flash budget needs and that add least noise."""
        possible = [step for step in self._weight_steps() if step not in self._refused]
        budget = self._options.flash_budget - self._facts.other_flash
        return weights.enough(possible, self._facts.layers, self._added, self._widths, budget)

    def _steps_at_the_peak(self) -> list[Step]:
        """Steps of maps that are alive at the peak, those that add least noise first, until the budget holds
        or none is left to try."""
        memory, widths, steps = self._facts.memory, self._widths, list[Step]()
        while memory.best(widths).nbytes > memory.budget:
            able = [name for name in memory.at_the_peak(widths) if name in self._maps]
            possible = [Step(name, NARROWER[widths.of(name)]) for name in able if widths.of(name) in NARROWER]
            possible = [step for step in possible if step not in self._refused]
            if not possible:
                break
            steps.append(min(possible, key=self._added))
            widths = widths.after(steps[-1:])
        return steps
