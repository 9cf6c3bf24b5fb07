"""The calibration run: ranges and histograms of every tensor that is to be quantized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError, UsageError
from ..onnx_graph import quoted, shape_of
from .graphs import exposing
from .groups import Group, Range
from .observers import Histogram
from .running import Feeds, Runner, each


@dataclass(frozen=True, eq=False)
class Calibration:
    """Samples, each a mapping of graph inputs to one array of the input's shape."""

    feeds: tuple[Feeds, ...]

    def thinned(self, count: int) -> Calibration:
        """At most ``count`` samples, evenly spread."""
        if len(self.feeds) <= count:
            return self
        picks = np.linspace(0, len(self.feeds) - 1, count).round().astype(int)
        return Calibration(tuple(self.feeds[i] for i in picks))


def calibration_of(graph: oir.Graph, arrays: Mapping[str, np.ndarray]) -> Calibration:
    """Samples from one array per graph input, samples first, with or without the input's leading 1.

    Raises UsageError where an input is missing, shapes do not fit, there is no sample, or one is not
    finite.
    """
    stacks: dict[str, np.ndarray] = {}
    for value in graph.inputs:
        if value.is_initializer():
            continue
        name = value.name or ""
        if name not in arrays:
            raise UsageError(
                "Calibration data lacks a graph input",
                where=name,
                why="it holds " + (", ".join(map(repr, arrays)) or "nothing"),
                remedy="give one array per graph input, under the input's name",
            )
        stacks[name] = _stacked(value, arrays[name])
    counts = {name: len(stack) for name, stack in stacks.items()}
    if not counts or min(counts.values()) == 0:
        raise UsageError(
            "Calibration data holds no sample", remedy="give at least one sample; 100 or more serve well"
        )
    if len(set(counts.values())) > 1:
        raise UsageError(
            "Calibration arrays hold different numbers of samples",
            why=", ".join(f"{name}: {count}" for name, count in counts.items()),
            remedy="give the same number of samples for every graph input",
        )
    count = next(iter(counts.values()))
    return Calibration(tuple({name: stack[i] for name, stack in stacks.items()} for i in range(count)))


def _stacked(value: oir.Value, array: np.ndarray) -> np.ndarray:
    """``array`` as [n, *shape of the graph input], in the input's type."""
    shape = shape_of(value)
    found = tuple(array.shape)
    fits = found[1:] in ((shape, shape[1:]) if shape[:1] == (1,) else (shape,))
    if not (found and fits):
        raise UsageError(
            "Calibration data has the wrong shape",
            where=value.name or "",
            why=f"expected samples of shape {list(shape)} along a first axis, found {list(found)}",
            remedy="put samples on the first axis and give each the shape of the graph input",
        )
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        index = int(np.argwhere(~np.isfinite(array))[0][0])
        raise UsageError(
            "Calibration data holds NaN or infinity",
            where=f"{value.name}, sample {index}",
            remedy="remove or repair the sample",
        )
    dtype = array.dtype if value.dtype is None else value.dtype.numpy()
    return array.reshape(found[0], *shape).astype(dtype, copy=False)


def observe_ranges(model: oir.Model, tensors: Sequence[str], calibration: Calibration) -> dict[str, Range]:
    """Least and greatest value of each of ``tensors`` over all samples.

    Raises ModelError where one takes a value that is not finite.
    """
    runner = Runner(exposing(model, tensors))

    def extremes(feeds: Feeds) -> dict[str, Range]:
        return {name: _extremes(name, array) for name, array in runner.run(feeds).items()}

    ranges: dict[str, Range] = {}
    for found in each(extremes, calibration.feeds):
        for name, (low, high) in found.items():
            before = ranges.get(name, (low, high))
            ranges[name] = (min(before[0], low), max(before[1], high))
    return ranges


def observe_means(model: oir.Model, tensors: Sequence[str], calibration: Calibration) -> dict[str, float]:
    """The mean of each of ``tensors`` over all samples."""
    if not tensors:
        return {}
    runner = Runner(exposing(model, tensors))
    sums = dict.fromkeys(tensors, 0.0)
    for arrays in each(runner.run, calibration.feeds):
        for name, array in arrays.items():
            sums[name] += float(array.mean(dtype=np.float64))
    return {name: total / len(calibration.feeds) for name, total in sums.items()}


def _extremes(name: str, array: np.ndarray) -> Range:
    if array.size == 0:
        return 0.0, 0.0
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ModelError(
            "A tensor takes values that are not finite on the calibration data",
            where=f"tensor {quoted(name)}",
            why="NaN" if np.isnan(low) or np.isnan(high) else "infinity",
            remedy="check the calibration data's scaling, and the operator that makes this tensor",
        )
    return low, high


def histograms_of(groups: Sequence[Group], ranges: Mapping[str, Range]) -> list[Histogram]:
    """One histogram per group, over the union of its members' ranges, that has counted nothing."""
    return [
        Histogram((min(ranges[n][0] for n in group.members), max(ranges[n][1] for n in group.members)))
        for group in groups
    ]


def count(
    histograms: Sequence[Histogram], model: oir.Model, groups: Sequence[Group], calibration: Calibration
) -> None:
    """Adds all values of each group's members to its histogram."""
    runner = Runner(exposing(model, [name for group in groups for name in group.members]))
    for arrays in each(runner.run, calibration.feeds):
        for group, histogram in zip(groups, histograms, strict=True):
            for name in group.members:
                histogram.add(arrays[name])
