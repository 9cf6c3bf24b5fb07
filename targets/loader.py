"""Reads target files: the boards that come with tinyc, and a user's own."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path

from ..ir.errors import UsageError
from .schema import parse_target
from .target import Target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = Path(__file__).parent


def target_names() -> tuple[str, ...]:
    """The names of the boards that come with tinyc, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_target(name_or_path: str | Path) -> Target:
    """The board of that name, or the one that a ``.toml`` file describes.

    Raises UsageError for an unknown name (with the nearest ones) and for a file that cannot be read or
    is not a valid target (each key at fault, what was found and what was expected).
    """
    text = str(name_or_path)
    if text.isprintable() and (text.endswith(".toml") or len(Path(text).parts) > 1):
        return _load_file(Path(name_or_path))
    if text in target_names():
        return _load_file(_FOLDER / f"{text}.toml")
    raise UsageError(f"There is no target named {text[:80]!r}", remedy=_advice(text))


def _advice(name: str) -> str:
    names = target_names()
    wanted = name.lower().strip()
    nearest = [known for known in names if len(wanted) > 2 and wanted in known]
    similar = get_close_matches(wanted[:80], names, n=3, cutoff=0.5)
    nearest += [known for known in similar if known not in nearest]
    listing = "`tinyc targets` lists all boards; a path to your own .toml file works too"
    return f"did you mean {' or '.join(nearest[:3])}? {listing}" if nearest else listing


def _load_file(path: Path) -> Target:
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise UsageError(
            "The target file cannot be read",
            where=str(path),
            why=error.strerror or str(error),
            remedy="give the path of a .toml file, or a name from `tinyc targets`",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            "The target file is not TOML",
            where=str(path),
            why=str(error),
            remedy="correct that place; `tinyc targets nucleo-f446re` shows a valid target",
        ) from error
    return parse_target(data, str(path))
