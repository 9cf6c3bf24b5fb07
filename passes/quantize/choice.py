"""Chooses each tensor's range among the observers', by what it does to the outputs of its readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from .affine import Affine, quant_of, rounded
from .calibration import Calibration
from .graphs import excerpt, exposing, name_of
from .groups import Group, Range
from .options import Progress
from .running import Feeds, Runner, each
from .units import Partition, Unit


@dataclass(frozen=True, eq=False)
class _Reader:
    """Operators that read a group, as a model of their own from ``inputs`` to all of their results."""

    runner: Runner
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Contest:
    """A group whose range is open. ``direct`` members leave the quantized part of the graph: what counts
    there is their own error."""

    members: tuple[str, ...]
    quants: tuple[Affine, ...]
    readers: tuple[_Reader, ...]
    direct: tuple[str, ...]


def choose_ranges(
    model: oir.Model,
    parts: Partition,
    groups: Sequence[Group],
    candidates: Sequence[Mapping[str, Range]],
    bits: Sequence[int],
    calibration: Calibration,
    progress: Progress,
) -> list[str]:
    """The name of the best of each group's ``candidates``, which map observers to ranges, at its ``bits``.

    Each candidate is applied alone to the float model. Its error is that of the outputs of the units
    that read the group, squared and relative to those outputs' variance, summed over readers.
    """
    winners = [next(iter(ranges)) for ranges in candidates]
    open_groups = [i for i, ranges in enumerate(candidates) if groups[i].fixed is None and len(ranges) > 1]
    runners: dict[Unit, Runner] = {}
    contests = [_contest(model, parts, groups[i], candidates[i], bits[i], runners) for i in open_groups]
    activations = Runner(exposing(model, parts.tensors))

    def judged(feeds: Feeds) -> list[np.ndarray]:
        arrays = activations.run(feeds)
        return [_errors(contest, arrays) for contest in contests]

    totals: list[np.ndarray] = []
    for done, errors in enumerate(each(judged, calibration.feeds), start=1):
        totals = [a + b for a, b in zip(totals, errors, strict=True)] if totals else errors
        progress("choose ranges", done / len(calibration.feeds))
    for index, total in zip(open_groups, totals, strict=True):
        squared, variance = total[..., 0], total[..., 1]
        relative = np.sum(squared / np.where(variance > 0, variance, 1.0), axis=1)
        winners[index] = list(candidates[index])[int(np.argmin(relative))]
    return winners


def _contest(
    model: oir.Model, parts: Partition, group: Group, ranges: Mapping[str, Range], bits: int,
    runners: dict[Unit, Runner],
) -> _Contest:  # fmt: skip
    members = set(group.members)
    readers: list[_Reader] = []
    for unit in parts.units:
        moves = unit.rule.shared and members.issuperset(unit.outputs) and unit.outputs
        if moves or members.isdisjoint(unit.inputs):
            continue
        if unit not in runners:
            results = [name_of(value) for value in unit.nodes[-1].outputs if value.name]
            runners[unit] = Runner(excerpt(model, unit.nodes, unit.inputs, results))
        readers.append(_Reader(runners[unit], unit.inputs))
    leaving = parts.leaving | {name_of(value) for value in model.graph.outputs}
    direct = tuple(name for name in group.members if name in leaving)
    return _Contest(group.members, tuple(quant_of(*r, bits) for r in ranges.values()), tuple(readers), direct)


def _errors(contest: _Contest, arrays: Feeds) -> np.ndarray:
    """[candidates, readers, 2] of one sample: squared error, and variance of the exact output."""
    outputs = [reader.runner.run({n: arrays[n] for n in reader.inputs}) for reader in contest.readers]
    result = np.zeros((len(contest.quants), len(contest.readers) + len(contest.direct), 2))
    for row, quant in zip(result, contest.quants, strict=True):
        changed = {name: rounded(arrays[name], quant) for name in contest.members}
        for cell, reader, exact in zip(row, contest.readers, outputs, strict=False):
            found = reader.runner.run({name: changed.get(name, arrays[name]) for name in reader.inputs})
            cell += np.sum([_distance(exact[name], found[name]) for name in exact], axis=0)
        for cell, name in zip(row[len(contest.readers) :], contest.direct, strict=True):
            cell += _distance(arrays[name], changed[name])
    return result


def _distance(exact: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Squared error and variance, summed over elements. What is not finite saturates later, and counts
    as the end of the exact output's range."""
    if exact.size == 0:
        return 0.0, 0.0
    reference, actual = exact.astype(np.float64), found.astype(np.float64)
    low, high = reference.min(), reference.max()
    actual = np.nan_to_num(actual, nan=low, posinf=high, neginf=low)
    return float(np.sum((actual - reference) ** 2)), float(reference.var() * reference.size)
