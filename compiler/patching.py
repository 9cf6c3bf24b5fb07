"""``--patch-class runtime``: how often patches hold outliers, and what inferences take because of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as oir

from ..ir.program import Program
from ..passes.mixed_precision.vdpc import PatchMap
from ..passes.quantize.graphs import exposing
from ..passes.quantize.running import Runner, each
from ..passes.samples import Samples
from ..passes.schedule.cost import Most, bitops, executed, most


@dataclass(frozen=True)
class PatchWork:
    """Shares of all patches that hold outliers, of the samples of calibration and (None without) evaluation;
    work of an inference, as is to be expected by the first of them and at most. ``conditional`` tells that
    the schedule leaves out the branch that a patch does not need; else both are computed everywhere."""

    calibration: float
    evaluation: float | None
    macs: int
    bitops: int
    most: Most
    conditional: bool

    @classmethod
    def of(cls, program: Program, classes: PatchMap, evaluation: np.ndarray | None) -> PatchWork:
        """Of a scheduled ``program``; ``evaluation`` are the flags of its samples, [samples, patches]."""
        return cls(
            float(np.mean(classes.shares)),
            None if evaluation is None else float(evaluation.mean()),
            executed(program).macs,
            bitops(program),
            most(program),
            any(task.when is not None for task in program.tasks),
        )

    def to_dict(self) -> dict[str, Any]:
        """The report's ``mixed_precision.patches.runtime``."""
        return {
            "outliers": {"calibration": self.calibration, "evaluation": self.evaluation},
            "macs": {"mean": self.macs, "most": self.most.macs},
            "bitops": {"mean": self.bitops, "most": self.most.bitops},
            "one_branch_each": self.conditional,
        }

    def described(self) -> list[str]:
        """Lines for people."""
        shares = f"{self.calibration:.0%} of patches in calibration"
        if self.evaluation is not None:
            shares += f", {self.evaluation:.0%} in evaluation"
        branches = "each in one branch" if self.conditional else "all of them in both branches"
        mean, most = (f"{count / 1e6:,.1f} M" for count in (self.bitops, self.most.bitops))
        return [
            f"{shares}, {branches}:",
            f"{mean} BitOPs on average, {most} at most; {self.macs:,} MACs, {self.most.macs:,} at most",
        ]


def flags_of(model: oir.Model, flags: str, samples: Samples) -> np.ndarray:
    """Bool [samples, patches]: which patches hold outliers, as the tensor ``flags`` of a QDQ ``model`` says.
    """
    runner = Runner(exposing(model, [flags]), optimized=False)
    return np.stack([found[flags].reshape(-1) for found in each(runner.run, list(samples))])


def telling(samples: Samples, flags: np.ndarray) -> Samples:
    """``samples`` with those first that make an inference take both branches: the one with flags of both
    kinds, as far as there is one, then those with most and with fewest of them set."""
    shares = flags.mean(axis=1)
    firsts = [int(np.abs(shares - 0.5).argmin()), int(shares.argmax()), int(shares.argmin())]
    order = list(dict.fromkeys([*firsts, *range(len(samples))]))
    labels = None if samples.labels is None else samples.labels[order]
    return Samples({name: array[order] for name, array in samples.arrays.items()}, labels)
