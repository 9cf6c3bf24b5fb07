"""Errors that a user reads: what happened, where, why, and what to do about it."""

from __future__ import annotations

from typing import ClassVar

from .names import printable

_LONGEST_LINE = 400


class TinycError(Exception):
    """Base of every error that tinyc raises on purpose.

    ``what`` is one sentence; ``where`` names the node, tensor, layer or file; ``why`` gives the
    fact that was found; ``remedy`` says what to type or change. ``exit_code`` is what the command
    line returns for it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [self.what]
        for label, text in (("where", self.where), ("why", self.why), ("try", self.remedy)):
            if text:
                lines.append(f"  {label}: " + text.replace("\n", "\n" + " " * (len(label) + 4)))
        return "\n".join(_shown(line) for line in "\n".join(lines).split("\n"))


def _shown(line: str) -> str:
    """A line for a terminal, where names from files may hold control characters or go on for pages."""
    safe = printable(line)
    return safe if len(safe) <= _LONGEST_LINE else f"{safe[: _LONGEST_LINE // 2]} … {safe[-40:]}"


class UsageError(TinycError):
    """The command or the options are wrong: unknown target, missing calibration data, bad path."""

    exit_code = 2


class ModelError(TinycError):
    """The model cannot be compiled: which node, why, what to do."""

    exit_code = 3


class BudgetError(TinycError):
    """The compiled model does not fit the target."""

    exit_code = 4


class VerificationError(TinycError):
    """Two executions that must agree do not, or a memory plan is not valid."""

    exit_code = 5


class RegressionError(TinycError):
    """A model grew past the limits that were set for a change of it."""

    exit_code = 6
