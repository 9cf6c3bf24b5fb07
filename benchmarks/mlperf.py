"""The MLPerf Tiny models with their samples and golden vectors, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

NAMES = ("ad01", "ic01", "kws01", "vww01")


Tensors = dict[str, np.ndarray]


def golden(folder: Path, name: str) -> Iterator[tuple[Tensors, Tensors]]:
    """Recorded inputs and outputs of a model, each by tensor name."""
    archive = np.load(folder / "golden" / f"{name}.npz")
    count = 1 + max(int(key.partition("/")[0][2:]) for key in archive.files if key.startswith("in"))
    for index in range(count):
        yield _side(archive, f"in{index}/"), _side(archive, f"out{index}/")


def _side(archive: Mapping[str, np.ndarray], prefix: str) -> Tensors:
    return {key.removeprefix(prefix): archive[key] for key in archive if key.startswith(prefix)}


def evaluation(folder: Path, name: str, target: Path) -> Path:
    """The labelled samples of kws01 or vww01 as a file that ``--evaluate`` takes."""
    return _as_input(folder / "samples" / f"{name}_eval.npz", target)


def calibration(folder: Path, name: str, target: Path) -> Path:
    """The calibration samples of kws01 or vww01 as a file that ``--calibration`` takes."""
    return _as_input(folder / "samples" / f"{name}_calib.npz", target)


def _as_input(source: Path, target: Path) -> Path:
    archive = np.load(source)
    x = archive["x"] if "x" in archive.files else archive["x_uint8"].astype(np.float32) / np.float32(255)
    labels = {"y": archive["y"]} if "y" in archive.files else {}
    np.savez(target, x=x, **labels)
    return target
