"""Spiking networks all the way to C: NIR files of snnTorch, L2MU, LMUFormer."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from tinyc.models import l2mu, lmuformer
from tinyc.models.lmuformer_layers import Size
from tinyc.passes.onnx_builder import GraphBuilder

from .command_line import tinyc as run_tinyc

INTEROP = Path(__file__).parents[1] / "interop" / "snntorch"
MODELS = Path(str(files("tinyc.models")))
TARGET = ("--target", "nucleo-f446re")
DT = ("--dt", "1e-4")
RECORDINGS = sorted(INTEROP.glob("*.nir"))
SHOWN = {"dense_subtract-delayed", "recurrent_zero", "convolutional_zero"}


def compiled(folder: Path, model: Path, *options: object) -> Any:
    """The report of a compile into ``folder``."""
    outcome = run_tinyc("compile", model, *TARGET, *options, "-o", folder, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def output_of(folder: Path, sequences: np.ndarray) -> np.ndarray:
    """What the C in ``folder`` makes, here, of sequences (n, steps, ...), by its only output."""
    np.savez(folder / "x.npz", x=sequences)
    outcome = run_tinyc("run", folder, "--input", folder / "x.npz", "-o", folder / "y.npz")
    assert outcome.code == 0, outcome.err
    with np.load(folder / "y.npz") as results:
        (found,) = (results[name] for name in results.files)
    return found


@pytest.mark.parametrize(
    "network",
    [pytest.param(r, marks=() if r.stem in SHOWN else pytest.mark.slow, id=r.stem) for r in RECORDINGS],
)
def test_c_of_a_nir_file_gives_snntorchs_spikes(tmp_path: Path, network: Path) -> None:
    pytest.importorskip("h5py", reason="reading .nir files needs the extra `nir`")
    reset = network.stem.rpartition("_")[2]
    options = ("--nir-reset", reset, "--precision", "float32", "--io-layout", "model", "--no-verify")
    compiled(tmp_path / "out", network, *DT, *options)
    with np.load(network.with_suffix(".npz")) as archive:
        x, spikes = archive["x"], archive[archive.files[-1]]
    found = output_of(tmp_path / "out", x.swapaxes(0, 1))
    np.testing.assert_array_equal(found.reshape(spikes.shape), spikes)


@pytest.mark.parametrize(("threshold", "firm"), [(0.9, 2), (0.8, 6)])
def test_samples_whose_spikes_rounding_decides_are_left_out(
    tmp_path: Path, threshold: float, firm: int
) -> None:
    """0.3 + 0.3 + 0.3 is above 0.9 on some machines, and what follows from that says nothing about the C."""
    graph = GraphBuilder("counter")
    zeros, bias = np.zeros((4, 3), np.float32), np.full(4, 0.3, np.float32)
    operands = [graph.input("x", [1, 3]), graph.weight("w", zeros), graph.weight("b", bias)]
    current = graph.op("Gemm", "layer", operands, transB=1)
    spikes = graph.neurons("IF", "neurons", current, [1, 4], {"threshold": threshold}, delayed=False)
    onnx.save(graph.model({"spikes": spikes}, 20), tmp_path / "counter.onnx")
    report = compiled(tmp_path / "out", tmp_path / "counter.onnx", "--precision", "float32")
    assert (report["verification"]["vectors"], report["verification"]["left_out"]) == (firm, 6 - firm)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ((), 2, "--dt 0.0001"),
        (("--dt", "0"), 2, "--dt cannot be 0"),
        (("--dt", "1e-3"), 2, "longer than a time constant"),
        (("--dt", "soon"), 2, "'soon' is not a valid float"),
        ((*DT, "--nir-reset", "never"), 2, "'never' is not one of"),
    ],
)
def test_options_that_a_nir_file_refuses(
    tmp_path: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    pytest.importorskip("h5py", reason="reading .nir files needs the extra `nir`")
    outcome = run_tinyc("compile", INTEROP / "dense_zero.nir", *TARGET, *options, "-o", tmp_path / "out")
    assert outcome.code == code and message in outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [DT, ("--nir-reset", "zero")])
def test_an_onnx_model_refuses_the_options_of_nir_files(tmp_path: Path, option: tuple[str, str]) -> None:
    outcome = run_tinyc("compile", MODELS / "digits.onnx", *TARGET, *option, "-o", tmp_path / "out")
    assert outcome.code == 2 and f"{option[0]} is for .nir files" in outcome.err


def test_inspect_of_a_nir_file() -> None:
    pytest.importorskip("h5py", reason="reading .nir files needs the extra `nir`")
    outcome = run_tinyc("inspect", INTEROP / "dense_zero.nir", *DT, "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["operators"] == {"Gemm": 2, "LIF": 2}


def test_without_h5py_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    outcome = run_tinyc("inspect", INTEROP / "dense_zero.nir", *DT)
    assert outcome.code == 2 and "pip install 'tinyc[nir]'" in outcome.err


def test_l2mu_reads_digits_in_a_few_kilobytes(tmp_path: Path) -> None:
    options = (
        "--calibration", MODELS / "l2mu_digits_calibration.npz",
        "--evaluate", MODELS / "l2mu_digits_evaluation.npz",
    )  # fmt: skip
    report = compiled(tmp_path / "out", MODELS / "l2mu_digits.onnx", *options)
    assert report["accuracy"]["compiled"] >= 0.95
    assert report["sram"]["total"] <= 8192
    assert report["model"]["macs"] == 8 * 64, "the encoder's"


@pytest.mark.parametrize(
    "name",
    [
        "lmu_digits",
        pytest.param("lmuformer_digits", marks=pytest.mark.slow),
        "lmuformer_digits_spiking",
    ],
)
def test_networks_with_linear_memories_read_digits_in_8_bits(tmp_path: Path, name: str) -> None:
    options = (
        "--target", "nucleo-l4r5zi",
        "--calibration", MODELS / "l2mu_digits_calibration.npz",
        "--evaluate", MODELS / "l2mu_digits_evaluation.npz",
    )  # fmt: skip
    report = compiled(tmp_path / "out", MODELS / f"{name}.onnx", *options)
    assert report["accuracy"]["compiled"] >= report["accuracy"]["reference"] - 0.01
    assert report["sram"]["fits"] and report["flash"]["fits"]
    memories = [layer for layer in report["layers"] if layer["operator"] == "LinearMemory"]
    assert len(memories) == 1


def test_l2mu_of_the_braille_size_only_adds(tmp_path: Path) -> None:
    """Its inputs are booleans, so that the layers behind them are event-driven too."""
    onnx.save(l2mu.build_braille(l2mu.random_braille_weights()), tmp_path / "braille.onnx")
    spikes = np.random.default_rng(0).random((4, 20, 12)) < 0.1
    np.savez(tmp_path / "x.npz", x=spikes)
    options = ("--calibration", tmp_path / "x.npz", "--flash-budget", "256k")
    report = compiled(tmp_path / "out", tmp_path / "braille.onnx", *options)
    assert report["model"]["macs"] == 0
    assert report["flash"]["fits"]


@pytest.mark.parametrize("network", [lmuformer.plain, lmuformer.spiking])
@pytest.mark.parametrize(
    "size",
    [
        Size(inputs=9, channels=12, order=7, ratio=3, classes=5, steps=20),
        pytest.param(Size(steps=32), marks=pytest.mark.slow),
    ],
)
def test_lmuformer_streams_what_onnx_runtime_makes_of_the_sequence(
    tmp_path: Path, size: Size, network: lmuformer.Network
) -> None:
    onnx.save(lmuformer.build_step(size, network), tmp_path / "step.onnx")
    board = ("--precision", "float32", "--target", "nucleo-l4r5zi")
    report = compiled(tmp_path / "out", tmp_path / "step.onnx", *board)
    assert report["sram"]["fits"] and report["flash"]["fits"]
    frames = np.random.default_rng(5).normal(size=(1, size.steps, size.inputs)).astype(np.float32)
    whole = lmuformer.build_sequence(size, network)
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"frames": frames[0].T[None]})
    found = output_of(tmp_path / "out", frames).reshape(size.steps, size.classes)
    np.testing.assert_allclose(found.T, np.asarray(expected)[0], rtol=0, atol=1e-4)
