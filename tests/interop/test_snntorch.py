"""NIR files that snnTorch wrote give the spikes that snnTorch gave, step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyc.models.stepping import run_steps
from tinyc.passes.nir import import_nir

pytest.importorskip("h5py", reason="reading .nir files needs the extra `nir`")

FOLDER = Path(__file__).with_name("snntorch")
SNNTORCH_DT = 1e-4
FILES = sorted(FOLDER.glob("*.nir"))
"""Their names end in the reset that the network was trained with."""


def test_there_are_recordings() -> None:
    assert {path.stem.rpartition("_")[0] for path in FILES} == {
        "convolutional", "currents", "dense", "recurrent", "recurrent_currents",
    }  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_spikes_are_snntorchs(path: Path) -> None:
    model = import_nir(path, SNNTORCH_DT, path.stem.rpartition("_")[2])
    with np.load(path.with_suffix(".npz")) as archive:
        recorded = dict(archive)
    results = run_steps(model, {"input": recorded.pop("x")})
    *hidden, last = recorded
    for name in hidden:
        np.testing.assert_array_equal(spikes_of(name, results), recorded[name], err_msg=f"layer {name}")
    np.testing.assert_array_equal(results["output"], recorded[last])


def spikes_of(name: str, results: dict[str, np.ndarray]) -> np.ndarray:
    """The spikes of a node of the file, which has its name in ONNX too."""
    scope = "/" + name.replace(".", "/")
    found = [key for key in results if key.startswith(scope + "/") or key == f"{name}.S_next"]
    return results[found[0]]


def test_another_reset_gives_other_spikes() -> None:
    """Files do not say which reset was trained: what the option says has to matter."""
    path = FOLDER / "dense_subtract-delayed.nir"
    with np.load(path.with_suffix(".npz")) as archive:
        x, recorded = archive["x"], archive["3"]
    results = run_steps(import_nir(path, SNNTORCH_DT, "zero"), {"input": x})
    assert (results["output"] != recorded).any()
