"""Which tensors have one quantization in common: both sides of operators that only move values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .affine import Affine
from .units import Partition, Unit

Range = tuple[float, float]
"""Least and greatest value."""


@dataclass(frozen=True)
class Group:
    """Tensors that share one quantization, which is ``fixed`` where an operator's range is known."""

    members: tuple[str, ...]
    fixed: Affine | None = None


class _Sets:
    """Disjoint sets of names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._parent = {name: name for name in names}

    def root(self, name: str) -> str:
        while self._parent[name] != name:
            name = self._parent[name]
        return name

    def join(self, names: Sequence[str]) -> None:
        for name in names[1:]:
            self._parent[self.root(name)] = self.root(names[0])


def groups_of(
    parts: Partition, ranges: Mapping[str, Range], tied: Iterable[tuple[str, str]] = (),
    known: Mapping[str, Affine] | None = None,
) -> tuple[Group, ...]:  # fmt: skip
    """The groups of all quantized tensors, in the order in which their first members are made.

    ``ranges`` are the values seen in calibration; they decide whether a Concat's inputs take over the
    quantization of its result. ``tied`` are further pairs of tensors that must have one quantization,
    ``known`` tensors whose quantization is known.
    """
    tensors = parts.tensors
    sets = _Sets(tensors)
    for pair in tied:
        sets.join([name for name in pair if name in ranges])
    for unit in parts.units:
        if unit.rule.shared and unit.operator.op_type != "Concat":
            sets.join((*unit.inputs, *unit.outputs))
    fixed = _fixed(parts.units, sets, known or {})
    for unit in parts.units:
        if unit.operator.op_type == "Concat":
            _join_concat(unit, parts.units, sets, fixed, ranges)
    members: dict[str, list[str]] = defaultdict(list)
    for name in tensors:
        members[sets.root(name)].append(name)
    return tuple(Group(tuple(names), fixed.get(root)) for root, names in members.items())


def _fixed(units: Iterable[Unit], sets: _Sets, known: Mapping[str, Affine]) -> dict[str, Affine]:
    """Fixed quantization by root; a set that would need two different ones is calibrated instead."""
    wanted: dict[str, set[Affine]] = defaultdict(set)
    for name, quant in known.items():
        wanted[sets.root(name)].add(quant)
    for unit in units:
        if unit.fixed is not None:
            wanted[sets.root(unit.outputs[0])].add(unit.fixed)
    return {root: next(iter(quants)) for root, quants in wanted.items() if len(quants) == 1}


def _join_concat(
    unit: Unit, units: Iterable[Unit], sets: _Sets, fixed: dict[str, Affine], ranges: Mapping[str, Range]
) -> None:
    """Gives inputs the result's quantization where that costs no precision: when nothing else reads
    them, or when the result's range is less than twice theirs (less than one bit)."""
    output = unit.outputs[0]
    low, high = ranges[output]
    for name in unit.inputs:
        root = sets.root(name)
        if root in fixed and fixed.get(sets.root(output)) != fixed[root]:
            continue
        own_low, own_high = ranges[name]
        if _only_reader(unit, root, units, sets) or 2 * (own_high - own_low) >= high - low:
            sets.join((output, name))


def _only_reader(concat: Unit, root: str, units: Iterable[Unit], sets: _Sets) -> bool:
    """True where every other unit that reads a member of the set only moves it within the set."""
    for unit in units:
        if unit is concat or root not in {sets.root(name) for name in unit.inputs}:
            continue
        if not unit.rule.shared or any(sets.root(name) != root for name in unit.outputs):
            return False
    return True
