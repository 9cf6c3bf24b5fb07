"""What the wheel carries: every room, every template, header, board and example model, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("codegen", "compiler", "emulator", "ir", "kernels", "models", "passes", "runtime_c", "targets")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def room_files() -> list[PurePosixPath]:
    """Every file of the rooms as a path from the root, caches left out."""
    return [
        PurePosixPath(Path(folder, name).relative_to(ROOT).as_posix())
        for room in ROOMS
        for folder, _, names in os.walk(ROOT / room)
        if "__pycache__" not in folder
        for name in names
    ]


def test_every_folder_with_python_files_is_a_listed_package() -> None:
    folders = {path.parent for path in room_files() if path.suffix == ".py"}
    assert [str(folder) for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()] == []
    packages = {"tinyc", *(".".join(["tinyc", *folder.parts]) for folder in folders)}
    assert set(SETUPTOOLS["packages"]) == packages


def test_every_other_file_is_package_data() -> None:
    unpacked = [
        path
        for path in room_files()
        if path.suffix != ".py"
        and not any(
            path.is_relative_to(folder) and _glob(path.relative_to(folder), pattern)
            for folder, pattern in _data_patterns()
        )
    ]
    assert unpacked == []


def _data_patterns() -> list[tuple[str, str]]:
    return [
        (package.removeprefix("tinyc").removeprefix(".").replace(".", "/"), pattern)
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
    ]


def _glob(path: PurePosixPath, pattern: str) -> bool:
    deep = pattern.startswith("**/")
    return path.match(pattern.removeprefix("**/")) and (deep or len(path.parts) == 1)


def test_version_is_the_packages() -> None:
    import tinyc

    assert tinyc.__version__ == PROJECT["project"]["version"]


@pytest.mark.slow
def test_built_wheel(tmp_path: Path) -> None:
    if importlib.util.find_spec("build") is None:
        pytest.skip("needs the package `build`")
    command = [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {f"tinyc/{path}" for path in room_files()}
    expected |= {"tinyc/__init__.py", "tinyc/__main__.py", "tinyc/py.typed"}
    assert names == expected
