"""``tinyc diff``: what grew and what shrank between two reports, and whether that is allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from ..ir.errors import RegressionError, UsageError
from .commands import read_json
from .limits import Limit

FIGURES = {
    "SRAM": ("sram", "total"),
    "arena": ("sram", "arena"),
    "state": ("sram", "state"),
    "stack": ("sram", "stack"),
    "flash": ("flash", "total"),
    "weights": ("flash", "weights"),
    "code": ("flash", "code"),
    "MACs": ("compute", "macs_executed"),
    "instructions": ("compute", "instructions"),
    "cycles": ("compute", "cycles"),
}
"""Where each figure stands in a report; None there: it was not measured."""
LAYER_FIGURES = ("macs", "weights", "sram", "instructions", "cycles")
ACCURACY = "accuracy"
"""Percent; without labels the agreement with the model as it came."""
OPTIONS = {
    "SRAM": "--max-sram",
    "flash": "--max-flash",
    "instructions": "--max-instructions",
    "cycles": "--max-cycles",
    ACCURACY: "--max-accuracy-drop",
}
"""What sets the limit of a figure."""

Figure = float | None


@dataclass(frozen=True)
class Change:
    """A figure in both reports, None where it is missing; of accuracy, ``limit`` is what may be lost."""

    name: str
    before: Figure
    after: Figure
    limit: Limit | None = None

    @property
    def grown(self) -> Figure:
        """By how much, negative where it shrank."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def exceeded(self) -> bool:
        """Whether it is past its limit."""
        if self.limit is None or self.before is None or self.after is None:
            return False
        return not self.limit.allows(*self._as_growth(self.before, self.after))

    def _as_growth(self, before: float, after: float) -> tuple[float, float]:
        """A loss of accuracy grows from nothing."""
        return (0.0, round(before - after, 9)) if self.name == ACCURACY else (before, after)


@dataclass(frozen=True)
class LayerChange:
    """A layer by the name of its node; ``before`` or ``after`` is None where only the other report has it."""

    node: str
    operator: str
    before: Mapping[str, Figure] | None
    after: Mapping[str, Figure] | None


@dataclass(frozen=True)
class Difference:
    """``models`` are the names before and after; ``notes`` say what makes figures hard to compare."""

    models: tuple[str, str]
    target: str
    changes: tuple[Change, ...]
    layers: tuple[LayerChange, ...]
    notes: tuple[str, ...]

    @property
    def exceeded(self) -> tuple[Change, ...]:
        """What is past its limit."""
        return tuple(change for change in self.changes if change.exceeded)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "models": list(self.models),
            "target": self.target,
            "figures": [
                {
                    "name": change.name,
                    "before": change.before,
                    "after": change.after,
                    "limit": None if change.limit is None else str(change.limit),
                    "exceeded": change.exceeded,
                }
                for change in self.changes
            ],
            "layers": [
                {"node": row.node, "operator": row.operator, "before": row.before, "after": row.after}
                for row in self.layers
            ],
            "notes": list(self.notes),
        }

    def require_allowed(self) -> None:
        """RegressionError where a figure is past its limit."""
        if not self.exceeded:
            return
        names = " and ".join(change.name for change in self.exceeded)
        raise RegressionError(
            f"Past the limit: {names} of {self.models[1]}",
            where="\n".join(_told(change) for change in self.exceeded),
            remedy=f"undo what made the difference, or allow it: {' '.join(map(_allowing, self.exceeded))}",
        )


def _told(change: Change) -> str:
    assert change.limit is not None
    if change.name == ACCURACY:
        lost = f"a loss of {change.limit.amount:g} points allowed"
        return f"{change.name}: {change.before:.2f} % before, {change.after:.2f} % now, {lost}"
    return f"{change.name}: {change.before:,.0f} before, {change.after:,.0f} now, {change.limit} allowed"


def _allowing(change: Change) -> str:
    """The option under which a change passes."""
    assert change.grown is not None
    if change.name == ACCURACY:
        return f"{OPTIONS[ACCURACY]} {ceil(-100 * change.grown) / 100:g}"
    return f"{OPTIONS[change.name]} +{change.grown:.0f}"


def compare_reports(before: Path, after: Path, limits: Mapping[str, Limit]) -> Difference:
    """The difference between two report.json, or the folders that hold them; ``limits`` by name of the
    figure (see ``OPTIONS``).

    Raises UsageError where one is no report of tinyc's, they are for different targets, or a limit is set for
    a figure that cannot be compared.
    """
    old, new = _Report.read(before), _Report.read(after)
    if old.target != new.target:
        raise UsageError(
            "The reports are for different targets",
            where=f"{before}: {old.target}\n{after}: {new.target}",
            why="bytes and cycles of one say nothing about the other",
            remedy="compile both for the same --target",
        )
    changes = tuple(
        Change(name, old.figures[name], new.figures[name], limits.get(name)) for name in old.figures
    )
    for change in changes:
        if change.limit is not None:
            _refuse_unlike(change, old, new)
    return Difference(
        (old.model, new.model), old.target, changes, _layers(old.layers, new.layers), _notes(old, new)
    )


@dataclass(frozen=True)
class _Report:
    """What is compared. ``made`` tells how figures came about; those that it does not name, as SRAM did."""

    model: str
    target: str
    figures: Mapping[str, Figure]
    made: Mapping[str, str]
    layers: Sequence[Mapping[str, Any]]

    @staticmethod
    def read(path: Path) -> _Report:
        """UsageError where it is not one of tinyc's."""
        file = path / "report.json" if path.is_dir() else path
        data = read_json(file)
        try:
            figures: dict[str, Figure] = {name: data[room][key] for name, (room, key) in FIGURES.items()}
            figures[ACCURACY], judged = _accuracy(data["accuracy"])
            made = {
                "SRAM": data["sram"]["method"],
                "flash": data["flash"]["method"],
                ACCURACY: judged,
                "toolchain": data["toolchain"] or "none",
            }
            board = data["target"]
            target = f"{board['name']} ({board['cpu']})"
            layers = [{key: row[key] for key in (*_LAYER_NAMES, *LAYER_FIGURES)} for row in data["layers"]]
            return _Report(data["model"]["name"], target, figures, made, layers)
        except (KeyError, TypeError) as error:
            raise UsageError(
                "The report is not one that this version of tinyc wrote",
                where=str(file),
                why=f"it lacks {error}",
                remedy="compile the model again",
            ) from error


def _accuracy(judged: Mapping[str, Any] | None) -> tuple[Figure, str]:
    """Percent, and of what."""
    if judged is None:
        return None, "not judged"
    share = judged["agreement"] if judged["compiled"] is None else judged["compiled"]
    return 100 * share, f"{judged['metric']} on {judged['samples']} samples"


_LAYER_NAMES = ("node", "name", "operator")


def _refuse_unlike(change: Change, old: _Report, new: _Report) -> None:
    """UsageError where a limit would hold one thing against another."""
    made = [(report.made.get(change.name, report.made["SRAM"]), report) for report in (old, new)]
    missing = change.before is None or change.after is None
    if not missing and made[0][0] == made[1][0]:
        return
    said = " and ".join(f"{how}: {change.name} of {report.model}" for how, report in made)
    accuracy = "compile both with --evaluate and the same samples"
    measured = "compile both without --no-verify, where `tinyc compile` finds a cross compiler"
    raise UsageError(
        f"{OPTIONS[change.name]} cannot be checked",
        why=said if not missing else f"{said}; one of them is missing",
        remedy=accuracy if change.name == ACCURACY else measured,
    )


def _notes(old: _Report, new: _Report) -> tuple[str, ...]:
    """What was made in two ways."""
    pairs = ((name, old.made[name], new.made[name]) for name in old.made)
    return tuple(f"{name}: {one} before, {other} now" for name, one, other in pairs if one != other)


def _layers(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> tuple[LayerChange, ...]:
    """The layers that differ, in the order of the later report; those that are gone come last."""
    before, after = _by_node(old), _by_node(new)
    changes: list[LayerChange] = []
    for key in (*after, *(key for key in before if key not in after)):
        was, row = before.get(key), after.get(key)
        figures = [None if r is None else {f: r[f] for f in LAYER_FIGURES} for r in (was, row)]
        if figures[0] != figures[1]:
            named = row or was
            assert named is not None
            changes.append(LayerChange(named["node"] or named["name"], named["operator"], *figures))
    return tuple(changes)


def _by_node(layers: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """A node may have become several layers: they are matched in their order."""
    met: Counter[str] = Counter()
    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    for row in layers:
        node = row["node"] or row["name"]
        found[node, met[node]] = row
        met[node] += 1
    return found
