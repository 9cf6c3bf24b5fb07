"""Patches of two classes: those with outliers keep 8 bits along their whole branch, others are narrowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import onnx_ir as oir

from ..patch_functions import add_patch_functions
from ..quantize.calibration import calibration_of
from .branches import TWIN, WHOLE, Branches, ByPosition, split, stage_nodes
from .by_values import ByValues
from .stages import Stage
from .vdpc import COVERAGE, THRESHOLD, PatchMap, classify

PatchClass = Literal["static", "runtime"]
"""When it is decided whether a patch keeps 8 bits: for its position, or in each inference from its values."""


@dataclass(frozen=True)
class PatchOptions:
    """The share φ of values that are no outliers; the share of samples with an outlier above which a
    position keeps 8 bits, for the class "static"."""

    coverage: float = COVERAGE
    threshold: float = THRESHOLD
    decided: PatchClass = "static"


@dataclass(frozen=True, eq=False)
class Patches:
    """Which positions of ``stage`` keep 8 bits, or how often they do, and the float ``model`` that computes
    each patch by the branch of its class, as ``branches`` tells. Where all patches are of one class there is
    only one branch. ``flags`` is the tensor that tells the class where it is decided at run time."""

    stage: Stage
    classes: PatchMap
    model: oir.Model
    branches: Branches
    flags: str | None = None


def patches_of(
    model: oir.Model, calibration: Mapping[str, np.ndarray], stage: Stage,
    options: PatchOptions = PatchOptions(),
) -> Patches:  # fmt: skip
    """The canonical float ``model`` with its first layers, ``stage``, in patches: the image that they begin
    with is cut into the stage's grid, and its patches classified on calibration samples.

    Raises UsageError where the samples do not fit the model, or the grid not the image.
    """
    image = stage.source
    feeds = calibration_of(model.graph, calibration).feeds
    images = [np.moveaxis(_pixels(image.to_memory(feed[image.source])), -1, 0) for feed in feeds]
    grid = stage.grid.down, stage.grid.across
    classes = classify(images, grid, options.coverage, options.threshold)
    if options.decided == "runtime":
        return _decided_by_values(model, stage, classes)
    return _decided_by_position(model, stage, classes)


def _decided_by_position(model: oir.Model, stage: Stage, classes: PatchMap) -> Patches:
    wide = classes.outliers
    kept = inner_tensors(model, stage)
    if classes.wide == 0:
        return Patches(stage, classes, model, WHOLE)
    if classes.wide == stage.grid.regions:
        return Patches(stage, classes, model, Branches(kept))
    narrow = tuple(tuple(not cell for cell in row) for row in wide)
    seen, mask = stage.source_mask(narrow), stage.result_mask(wide)
    choice = ByPosition(mask, seen, classes.mean)
    made = split(model, stage.result.source, stage.source.source, choice)
    return Patches(stage, classes, made, _branches(stage, kept, wide))


def _decided_by_values(model: oir.Model, stage: Stage, classes: PatchMap) -> Patches:
    kept = inner_tensors(model, stage)
    if all(share == 1 for row in classes.shares for share in row):  # nothing to narrow a branch by
        return Patches(stage, classes, model, Branches(kept))
    choice = ByValues(stage, classes)
    made = split(model, stage.result.source, stage.source.source, choice)
    add_patch_functions(made)
    return Patches(stage, classes, made, _branches(stage, kept, classes.shares), choice.flags)


def _branches(stage: Stage, kept: frozenset[str], wide: Sequence[Sequence[float]]) -> Branches:
    """``wide`` is how often each position is of the first branch."""
    narrow = [[1 - Fraction(share) for share in row] for row in wide]
    twins = {f"{node}{TWIN}": share for node, share in stage.shares(narrow).items()}
    return Branches(kept, {**stage.shares(wide), **twins})


def _pixels(image: np.ndarray) -> np.ndarray:
    """[rows, columns, channels] of an image or series in memory order."""
    return image.reshape(image.shape[1], -1, image.shape[-1])


def inner_tensors(model: oir.Model, stage: Stage) -> frozenset[str]:
    """What the stage computes on the way to its result."""
    end = oir.convenience.create_value_mapping(model.graph)[stage.result.source]
    names = {str(value.name) for node in stage_nodes(end) for value in node.outputs}
    return frozenset(names - {stage.result.source})
