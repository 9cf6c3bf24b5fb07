"""What a user gives as the model: ONNX, or a file that becomes ONNX first."""

from __future__ import annotations

from pathlib import Path

import onnx

from ..ir.errors import UsageError
from ..passes.nir import NirReset, import_nir
from .options import Source


def as_onnx(source: Source, dt: float | None, nir_reset: NirReset | None) -> Source:
    """``source``, a .nir file as an ONNX model of one time step of ``dt`` seconds; reset ``zero`` where None.

    Raises UsageError and ModelError as ``import_nir`` does, and UsageError where the options do not belong
    to the file.
    """
    if not isinstance(source, onnx.ModelProto) and Path(source).suffix.lower() == ".nir":
        return import_nir(source, dt, nir_reset or "zero")
    for option, value in (("--dt", dt), ("--nir-reset", nir_reset)):
        if value is not None:
            raise UsageError(
                f"{option} is for .nir files",
                why="the neurons of an ONNX model carry their decays and resets themselves",
                remedy=f"leave {option} out",
            )
    return source
