"""The command line in this process: what a user would read, and the exit code."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from tinyc.compiler.cli import main


@dataclass(frozen=True)
class Outcome:
    """``out`` and ``err`` are what went to standard output and standard error."""

    code: int
    out: str
    err: str


def tinyc(*arguments: object) -> Outcome:
    """Runs ``tinyc ARGUMENTS``."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
    return Outcome(code, out.getvalue(), err.getvalue())
