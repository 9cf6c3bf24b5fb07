"""Writing results: all of it, or nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..ir.errors import UsageError

MARKER = "report.json"
"""A folder that holds this file was written by tinyc and may be replaced."""


def check_writable(folder: Path) -> None:
    """Raises UsageError, before any work is done, where ``folder`` could not be written at the end."""
    if folder.exists() and not folder.is_dir():
        raise _refused(folder, "it is a file")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise _refused(folder, "it holds files that tinyc did not write")
    parent = folder.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise _refused(folder, f"{parent} is a file")
    if not os.access(folder if folder.is_dir() else parent, os.W_OK):
        raise _refused(folder, f"no permission to write in {parent}")


def _refused(folder: Path, why: str) -> UsageError:
    return UsageError(
        "The output folder cannot be written",
        where=str(folder),
        why=why,
        remedy="name another folder with -o DIR",
    )


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Writes ``files`` to a temporary folder beside ``folder`` and moves it into place."""
    check_writable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}-", dir=folder.parent))
        try:
            for name, text in files.items():
                (fresh / name).write_text(text, encoding="utf-8")
            fresh.chmod(0o755)
            _replace(folder, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error


def _replace(folder: Path, fresh: Path) -> None:
    """Puts ``fresh`` where ``folder`` is; the old one stays until the new one stands."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}-old-", dir=folder.parent))
    folder.rename(old / "folder")
    try:
        fresh.rename(folder)
    except OSError:
        with contextlib.suppress(OSError):
            (old / "folder").rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
