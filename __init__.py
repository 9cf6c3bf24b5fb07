"""Compiles trained ONNX models into C for microcontrollers, and proves what it claims.

import tinyc
report = tinyc.compile("model.onnx", target="nucleo-f446re", calibration="samples.npz", output="build")
print(report.sram_total, report.fits)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compiler.api import compile
    from .compiler.report import Report
    from .ir.errors import BudgetError, ModelError, TinycError, UsageError, VerificationError
    from .targets import Target, load_target

__version__ = "0.1.0"

__all__ = [
    "BudgetError",
    "ModelError",
    "Report",
    "Target",
    "TinycError",
    "UsageError",
    "VerificationError",
    "__version__",
    "compile",
    "load_target",
]

_HOMES = {
    "compile": "compiler.api",
    "Report": "compiler.report",
    "Target": "targets",
    "load_target": "targets",
} | dict.fromkeys(["BudgetError", "ModelError", "TinycError", "UsageError", "VerificationError"], "ir.errors")


def __getattr__(name: str) -> Any:
    """Names of the public API, imported when first used: ``import tinyc`` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
