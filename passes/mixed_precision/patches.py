"""Patches of two classes: those with outliers keep 8 bits along their whole branch, others are narrowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..quantize.calibration import calibration_of
from .branches import TWIN, WHOLE, Branches, Seen, split, stage_nodes
from .stages import Stage
from .vdpc import COVERAGE, THRESHOLD, PatchMap, classify


@dataclass(frozen=True)
class PatchOptions:
    """The share φ of values that are no outliers, and the share of samples with an outlier above which a
    position keeps 8 bits."""

    coverage: float = COVERAGE
    threshold: float = THRESHOLD


@dataclass(frozen=True, eq=False)
class Patches:
    """Which positions of ``stage`` keep 8 bits, and the float ``model`` that computes each by the branch of
    its class, as ``branches`` tells. Where all positions are of one class there is only one branch."""

    stage: Stage
    classes: PatchMap
    model: oir.Model
    branches: Branches


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
    wide = classes.outliers
    kept = inner_tensors(model, stage)
    if classes.wide == 0:
        return Patches(stage, classes, model, WHOLE)
    if classes.wide == stage.grid.regions:
        return Patches(stage, classes, model, Branches(kept))
    narrow = tuple(tuple(not cell for cell in row) for row in wide)
    seen = {image.source: Seen(stage.source_mask(narrow), classes.mean)}
    made = split(model, stage.result.source, stage.result_mask(wide), seen)
    twins = {f"{node}{TWIN}": share for node, share in stage.shares(narrow).items()}
    return Patches(stage, classes, made, Branches(kept, {**stage.shares(wide), **twins}))


def _pixels(image: np.ndarray) -> np.ndarray:
    """[rows, columns, channels] of an image or series in memory order."""
    return image.reshape(image.shape[1], -1, image.shape[-1])


def inner_tensors(model: oir.Model, stage: Stage) -> frozenset[str]:
    """What the stage computes on the way to its result."""
    end = oir.convenience.create_value_mapping(model.graph)[stage.result.source]
    names = {str(value.name) for node in stage_nodes(end) for value in node.outputs}
    return frozenset(names - {stage.result.source})
