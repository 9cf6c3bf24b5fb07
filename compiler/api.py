"""The Python entry point: ``tinyc.compile``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .options import CompileOptions, Source
from .output import check_writable, write_folder
from .pipeline import compile_model
from .report import Report


def compile(source: Source, target: str, *, output: str | Path | None = None, **options: Any) -> Report:
    """Compiles a model file or ``onnx.ModelProto`` for a board and returns the report.

    ``options`` are the fields of ``CompileOptions`` (calibration, evaluate, precision, ...). With
    ``output`` the C library is written to that folder. A model over budget is not an error here: see
    ``Report.fits``. Raises ModelError, UsageError, VerificationError.
    """
    if output is not None:
        check_writable(Path(output))
    compiled = compile_model(source, CompileOptions(target=target, **options))
    if output is not None:
        write_folder(Path(output), compiled.folder())
    return compiled.report
