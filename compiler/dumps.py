"""--dump-passes and --check-passes: the model after each graph pass, and how far each moved the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx_ir as oir

from ..ir.errors import UsageError
from .distance import relative
from .sessions import Reference


@dataclass(frozen=True)
class PassEffect:
    """How far a pass moved the model's outputs, as a share of their range, over the checked samples."""

    name: str
    error: float


@dataclass
class PassDumps:
    """Collects the model after each pass: writes it to ``folder`` where given, compares where asked."""

    folder: Path | None
    compare: bool
    effects: list[PassEffect] = field(default_factory=list)
    _kept: list[tuple[str, oir.Model]] = field(default_factory=list)
    _count: int = 0

    def after(self, name: str, model: oir.Model) -> None:
        """Called after the pass ``name``."""
        self._count += 1
        if self.folder is not None:
            self._write(self.folder, name, model)
        if self.compare:
            self._kept.append((name, model.clone()))

    def _write(self, folder: Path, name: str, model: oir.Model) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            oir.save(model, folder / f"{self._count:02d}-{name}.onnx")
        except OSError as error:
            raise UsageError(
                "The folder of --dump-passes cannot be written",
                where=str(folder),
                why=error.strerror or str(error),
                remedy="name another folder with --dump-passes DIR",
            ) from error

    def check(self, samples: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Runs every kept model on ``samples`` and records what changed from one to the next."""
        before: list[dict[str, np.ndarray]] | None = None
        for name, model in self._kept:
            now = Reference(model).run_all(samples)
            self.effects.append(PassEffect(name, 0.0 if before is None else _distance(before, now)))
            before = now


def _distance(before: Sequence[Mapping[str, np.ndarray]], now: Sequence[Mapping[str, np.ndarray]]) -> float:
    worst = 0.0
    for one, other in zip(before, now, strict=True):
        for a, b in zip(one.values(), other.values(), strict=True):
            worst = max(worst, relative(b, a))
    return worst
