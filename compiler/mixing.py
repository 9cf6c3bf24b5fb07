"""``--precision mixed``: the search for widths, as part of a compile, and what the report says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as oir

from ..ir.errors import UsageError
from ..ir.program import Program
from ..passes.dead_channels import remove_dead_channels
from ..passes.lower import LowerOptions, lower
from ..passes.mixed_precision import (
    Mixed,
    MixedOptions,
    Patches,
    PatchOptions,
    Point,
    Stage,
    patches_of,
    scheduled_stage,
    search,
    stage_of,
)
from ..passes.mixed_precision.branches import WHOLE
from ..passes.mixed_precision.guard import SMALL
from ..passes.mixed_precision.memory import Memory
from ..passes.mixed_precision.widths import Widths
from ..passes.quantize import QuantizeOptions, quantize
from ..passes.samples import Samples
from ..targets import Target
from .accuracy import labels_of
from .options import RANDOM, CompileOptions, Objective
from .patching import PatchWork
from .scheduling import ordered

_STAGES = {"equalize": 0.0, "choose ranges": 0.05, "round weights": 0.1, "measure noise": 0.2, "search": 0.4}
"""Where on the bar each stage begins; others leave it where it is."""
_BAR = 24
_NAME = 40
"""Characters of a node's name that are shown."""
_NOT_NEEDED = (
    "all stays int8: on this target fewer bits make no layer faster, and no budget needs them; "
    "--objective bitops gives them up all the same"
)
_NOT_ALLOWED = "all stays int8: the samples allow no fewer bits; give more of them, or a higher --max-drop"


@dataclass(frozen=True)
class MixedPrecision:
    """A search's result, and the limits that it kept."""

    found: Mixed
    max_drop: float
    """Points."""
    lam: float
    objective: Objective
    patches: Patches | None = None
    work: PatchWork | None = None
    """Of the schedule that was taken, where patches are classified at run time."""

    @property
    def warning(self) -> str | None:
        """What a user with few samples must know."""
        judged = self.found.judgement
        if judged.samples >= SMALL or self.found.chosen == self.found.baseline:
            return None
        return (
            f"{judged.samples} calibration samples are too few to tell a drop of {self.max_drop:g} points: "
            f"as counted, it lies between {100 * judged.low:+.1f} and {100 * judged.high:+.1f} points "
            f"(95 %); give {SMALL} or more"
        )

    @property
    def wide(self) -> int:
        """Feature maps of 16 bits."""
        return sum(bits == 16 for bits in self.found.chosen.widths.activations.values())

    @property
    def because(self) -> str:
        """Why layers may have become slower."""
        widths = self.found.chosen.widths
        narrow = any(bits < 8 for bits in (*widths.activations.values(), *widths.weights.values()))
        objective = "memory needs it" if self.objective == "cycles" else "the objective is BitOPs"
        reasons = ["accuracy needs 16 bits"] * (self.wide > 0) + [objective] * narrow
        return " and ".join(reasons)

    def to_dict(self) -> dict[str, Any]:
        """The report's ``mixed_precision``."""
        found, judged = self.found, self.found.judgement
        return {
            "max_drop": self.max_drop,
            "lambda": self.lam,
            "objective": self.objective,
            "metric": judged.metric,
            "samples": judged.samples,
            "value": judged.value,
            "drop": 100 * judged.drop,
            "drop_interval": [100 * judged.low, 100 * judged.high],
            "expected_drop": 100 * judged.expected,
            "expected_drop_bound": 100 * judged.bound,
            "warning": self.warning,
            "patches": None if self.patches is None else _patches(self.patches, self.work),
            "int8": _point(found.baseline),
            "chosen": _point(found.chosen),
            "front": [_point(point) for point in found.front],
            "layers": [
                {
                    "node": layer.node,
                    "weight_bits": found.chosen.widths.of_weights(layer.name),
                    "activation_bits": found.chosen.widths.of(layer.source),
                    "macs": layer.macs,
                    "bitops": layer.bitops(found.chosen.widths),
                }
                for layer in found.layers
            ],
            "slower": [
                {"node": node, "percent": 100 * share, "because": self.because}
                for node, share in found.slower.items()
            ],
            "refused": [
                {
                    "of": "weights" if step.of_weights else "activation",
                    "tensor": step.name,
                    "bits": step.bits,
                }
                for step in found.refused
            ],
        }

    def described(self) -> str:
        """One line for people."""
        base, chosen, judged = self.found.baseline, self.found.chosen, self.found.judgement
        if chosen == base:
            tried = self.objective == "bitops" or self.found.refused
            return _NOT_ALLOWED if tried else _NOT_NEEDED
        maps = "feature map has" if self.wide == 1 else "feature maps have"
        wide = f"{self.wide} {maps} 16 bits, " if self.wide else ""
        work = f"{base.bitops / max(chosen.bitops, 1):.2f}× fewer BitOPs than int8"
        if chosen.bitops > base.bitops:
            work = f"{chosen.bitops / max(base.bitops, 1):.2f}× the BitOPs of int8"
        return (
            f"{wide}{work}, weights {base.flash:,} → "
            f"{chosen.flash:,} B; {judged.metric} {judged.value:.2%} on {judged.samples} calibration "
            f"samples, {0.0 - 100 * judged.drop:+.2f} points against int8; to be expected: "
            f"{0.0 - 100 * judged.expected:+.2f}, at worst {0.0 - 100 * judged.bound:+.2f} (95 %)"
        )

    def slowed(self) -> str | None:
        """One line about layers that take longer than in 8 bits; None where there are none."""
        found = self.found
        if not found.slower:
            return None
        worst = max(found.slower, key=lambda node: found.slower[node])
        layers = "1 layer is" if len(found.slower) == 1 else f"{len(found.slower)} layers are"
        name = worst if len(worst) <= _NAME else f"{worst[: _NAME - 1]}…"
        time = found.chosen.cycles / max(found.baseline.cycles, 1) - 1
        return (
            f"{layers} slower, because {self.because}: by up to {found.slower[worst]:.0%} "
            f"({name}), all together {time:+.0%} modelled cycles; report.json lists them"
        )


def _point(point: Point) -> dict[str, Any]:
    return {
        "sram": point.sram,
        "flash": point.flash,
        "bitops": point.bitops,
        "cycles": round(point.cycles),
        "accuracy": point.accuracy,
        "drop": 100 * point.drop,
    }


def _patches(patches: Patches, work: PatchWork | None) -> dict[str, Any]:
    classes, stage = patches.classes, patches.stage
    return {
        "class": "static" if patches.flags is None else "runtime",
        "grid": [stage.grid.down, stage.grid.across],
        "layers": stage.end,
        "tensor": stage.result.source,
        "coverage": classes.coverage,
        "threshold": classes.threshold,
        "mean": classes.mean,
        "deviation": classes.deviation,
        "shares": [list(row) for row in classes.shares],
        "map": classes.drawn().splitlines() if patches.flags is None else None,
        "wide": classes.wide if patches.flags is None else None,
        "runtime": None if work is None else work.to_dict(),
    }


def mix(
    model: oir.Model,
    samples: Samples | None,
    options: CompileOptions,
    quantization: QuantizeOptions,
    target: Target,
    progress: Callable[[str], None],
) -> MixedPrecision:
    """Searches for the widths of the canonical float ``model``, quantized under ``quantization``.

    Raises UsageError without calibration samples, or with random ones.
    """
    if samples is None or options.calibration == RANDOM:
        raise UsageError(
            "--precision mixed needs calibration samples from the model's real data",
            why="it gives up bits where these show that the model can do without",
            remedy="add --calibration SAMPLES.npz: one array per input, samples on the first axis,\n"
            "and labels y where there are any (accuracy is held then, else agreement with the float model)",
        )
    lowering = LowerOptions(options.io_layout == "nhwc")

    def lowered(quantized: oir.Model) -> Program:
        return ordered(lower(quantized, "mixed", lowering), options.input_mode)

    limits = MixedOptions(
        max_drop=options.max_drop / 100,
        lam=options.lam,
        goal=options.schedule if options.pareto is None else "fit",
        sram_budget=target.sram_bytes if options.sram_budget is None else options.sram_budget,
        flash_budget=target.flash_bytes if options.flash_budget is None else options.flash_budget,
        objective=options.objective,
        target=target,
        kept=frozenset(str(v.name) for v in model.graph.inputs if options.input_dtype == "uint8"),
    )
    labels = labels_of(samples.labels)
    if labels is not None:
        labels = labels.astype(np.int64)
    patches, branches = None, WHOLE
    stage = _stage(model, samples, options, lowered, limits)
    if stage is not None:
        shares = PatchOptions(options.patch_coverage, options.patch_threshold, options.patch_class)
        patches = patches_of(model, samples.arrays, stage, shares)
        model, branches = patches.model, patches.branches
    bar = _bar(progress)
    found = search(model, samples.arrays, labels, lowered, limits, quantization, bar, branches)
    return MixedPrecision(found, options.max_drop, options.lam, options.objective, patches)


def _stage(
    model: oir.Model, samples: Samples, options: CompileOptions, lowered: Callable[[oir.Model], Program],
    limits: MixedOptions,
) -> Stage | None:  # fmt: skip
    """The layers that are to run in patches: cut as asked, or as the schedule of the model in 8 bits cuts
    them; None where neither does."""
    if options.patches is None:
        return None
    if options.patches != "auto":
        return stage_of(lowered(model), *options.patches)
    whole = lowered(remove_dead_channels(quantize(model, samples.arrays)))
    schedule = Memory(whole, {}, limits.goal, limits.sram_budget).best(Widths())
    return scheduled_stage(lowered(model), schedule)


def _bar(progress: Callable[[str], None]) -> Callable[[str, float], None]:
    """Draws the stages of the search as one bar."""
    reached = 0.0

    def advance(stage: str, share: float) -> None:
        nonlocal reached
        begins = sorted(_STAGES.values())
        begin = _STAGES.get(stage, reached)
        end = next((other for other in begins if other > begin), 1.0)
        reached = max(reached, begin + share * (end - begin) if stage in _STAGES else reached)
        filled = round(_BAR * reached)
        progress(f"mixed precision {'━' * filled}{'─' * (_BAR - filled)} {reached:4.0%}  {stage}")

    return advance
