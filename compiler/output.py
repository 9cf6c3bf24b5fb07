"""Writing results: all of it, or nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from ..ir.errors import UsageError

REPORT = "report.json"
"""Lists the files that tinyc wrote, so that these and no others are replaced."""
PAGE = "report.html"
"""The same as pictures and tables."""


def check_writable(folder: Path) -> None:
    """Raises UsageError, before any work is done, where ``folder`` could not be written at the end."""
    try:
        if folder.exists() and not folder.is_dir():
            raise _refused(folder, "it is a file")
        if folder.is_dir():
            _check_ours(folder)
        _probe(folder)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Writes ``files`` (text by path from ``folder``, with ``/``) to a temporary folder and moves them into
    place. What an earlier compile left in ``folder`` goes, what others put there stays."""
    check_writable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".tinyc-", dir=folder if folder.is_dir() else folder.parent))
        try:
            for name, text in files.items():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_text(text, encoding="utf-8")
            fresh.chmod(0o755)
            _install(folder, fresh, files.keys())
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error


def write_text(path: Path, text: str) -> None:
    """Writes one file that a user named; UsageError where that is not possible."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "A file cannot be written",
            where=str(path),
            why=error.strerror or str(error),
            remedy="name another file",
        ) from error


def _install(folder: Path, fresh: Path, names: Iterable[str]) -> None:
    if not folder.is_dir():
        fresh.rename(folder)
        return
    earlier = written_files(folder)
    foreign = sorted({taken for name in names for taken in _in_the_way(folder, name, earlier)})
    if foreign:
        raise _refused(folder, f"it holds files of these names that tinyc did not write: {_listed(foreign)}")
    # the report goes first: if this is interrupted, it tells the next compile which files it may replace
    for name in sorted(names, key=lambda name: (name != REPORT, name)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh / name, folder / name)
    for name in sorted(earlier.difference(names)):
        (folder / name).unlink(missing_ok=True)
        for parent in _parents(name):
            with contextlib.suppress(OSError):  # others' files are left in it
                (folder / parent).rmdir()


def _in_the_way(folder: Path, name: str, earlier: set[str]) -> list[str]:
    """What others put where ``name``, or a folder on the way to it, will be."""
    blocked = [parent for parent in _parents(name) if not _is_plain_folder(folder / parent)]
    if name not in earlier and os.path.lexists(folder / name):
        blocked.append(name)
    return [path for path in blocked if os.path.lexists(folder / path)]


def _parents(name: str) -> list[str]:
    """The sub-folders that ``name`` lies in, the innermost first."""
    return [str(parent) for parent in PurePosixPath(name).parents][:-1]


def _is_plain_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _check_ours(folder: Path) -> None:
    held = sorted(entry.name for entry in folder.iterdir())
    if held and not written_files(folder):
        raise _refused(folder, f"it holds files that tinyc did not write: {_listed(held)}")


def written_files(folder: Path) -> set[str]:
    """Paths of the files that the folder's report lists; none where there is no report of tinyc's. Those
    that would lead out of the folder are left out."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        names = [str(name) for name in report["files"] if report["tinyc"]]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if _stays_inside(folder, name)}


def _stays_inside(folder: Path, name: str) -> bool:
    path = PurePosixPath(name)
    plain = name == str(path) != "." and not path.is_absolute() and ".." not in path.parts
    plain = plain and not any(c in name for c in "\\:\0")
    return plain and not any((folder / parent).is_symlink() for parent in _parents(name))


def _probe(folder: Path) -> None:
    """Makes and removes a folder where the results will be, to see whether that is possible."""
    nearest = folder
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise _refused(folder, f"{nearest} is a file")
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".tinyc-", dir=nearest))
    except OSError as error:
        raise _refused(folder, f"nothing can be made in {nearest}: {error.strerror}") from error


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _refused(folder: Path, why: str) -> UsageError:
    return UsageError(
        "The output folder cannot be written",
        where=str(folder),
        why=why,
        remedy="name another folder with -o DIR",
    )
