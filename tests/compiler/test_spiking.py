"""Spiking networks from ONNX to C on boards: emulator = host = board over time steps, states in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyc.compiler.api import compile
from tinyc.ir.errors import UsageError

from ..kernels.boards import M0, M4, RV32
from ..passes.spiking.networks import NETWORKS, sequences


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Calibration files by network."""
    folder = tmp_path_factory.mktemp("samples")
    files = {name: folder / f"{name}.npz" for name in NETWORKS}
    for name, file in files.items():
        np.savez(file, x=sequences(NETWORKS[name]()))
    return files


@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("dense", M4),
        ("convolutional", M4),
        pytest.param("dense", M0, marks=pytest.mark.slow),
        pytest.param("biased", RV32, marks=pytest.mark.slow),
        pytest.param("mixed", M4, marks=pytest.mark.slow),
    ],
)
def test_integers_are_the_same_everywhere(name: str, board: str, samples: dict[str, Path]) -> None:
    report = compile(NETWORKS[name](), board, calibration=samples[name]).to_dict()
    verification = report["verification"]
    assert verification["host_bit_exact"] and verification["board_bit_exact"] in (True, None)
    copies = [layer for layer in report["layers"] if layer["name"].startswith("copy")]
    assert all(layer["operator"] == "Identity" for layer in copies)  # results for the caller, not states


def test_a_float_network_needs_no_calibration() -> None:
    report = compile(NETWORKS["convolutional"](), M4).to_dict()
    assert sum(layer["name"].startswith("float_neuron") for layer in report["layers"]) == 3


def test_mixed_precision_is_refused(samples: dict[str, Path]) -> None:
    with pytest.raises(UsageError) as error:
        compile(NETWORKS["dense"](), M4, calibration=samples["dense"], precision="mixed")
    assert "the network spikes" in str(error.value) and "'neuron1'" in str(error.value)
