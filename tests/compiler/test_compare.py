"""``tinyc compare``: the compiled model and the TFLite model of one network, fed as each takes it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.compiler.tflite import Port, arranged
from tinyc.ir.dtype import Quant

from ..kernels.checks import qdq_model
from .command_line import Outcome, tinyc
from .stateful import MODELS as STATEFUL
from .tflite_files import Convolution

CLASSES, HEIGHT, WIDTH, CHANNELS = 4, 5, 3, 2
rng = np.random.default_rng(0)
NETWORK = Convolution(
    rng.integers(-127, 128, (CLASSES, HEIGHT, WIDTH, CHANNELS)).astype(np.int8),
    0.01,
    rng.integers(-500, 500, CLASSES).astype(np.int32),
    given=Quant(0.05, 3),
    made=Quant(0.2, -7),
)
IMAGES = rng.normal(size=(20, CHANNELS, HEIGHT, WIDTH))


def as_onnx() -> onnx.ModelProto:
    """The same network, channels first."""
    first = np.moveaxis(NETWORK.weights, 3, 1)
    weights = {"w": (first, np.float32(NETWORK.weight_scale), 0)}
    product = np.float32(NETWORK.given.scale * NETWORK.weight_scale)
    weights["b"] = (NETWORK.bias, product, 0)
    node = helper.make_node("Conv", ["image", "w", "b"], ["scores"], "conv")
    quants = {n: (q.scale, q.zero_point) for n, q in (("image", NETWORK.given), ("scores", NETWORK.made))}
    return qdq_model([node], {"image": (1, CHANNELS, HEIGHT, WIDTH)}, ["scores"], quants, dequantized=weights)


def real_scores() -> np.ndarray:
    """Of the images, by the definition of a convolution."""
    scale = NETWORK.weight_scale
    bias = NETWORK.bias * NETWORK.given.scale * scale
    return np.einsum("nchw,ohwc->no", IMAGES, NETWORK.weights * scale) + bias


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    onnx.save(as_onnx(), folder / "net.onnx")
    outcome = tinyc(
        "compile", folder / "net.onnx", "--target", "nucleo-f446re", "--no-verify", "-o", folder / "net"
    )
    assert outcome.code == 0, outcome.err
    return folder / "net"


@pytest.fixture
def tflite(tmp_path: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="needs the extra `tflite`")
    return NETWORK.save(tmp_path / "net.tflite")


def compared(folder: Path, tflite: Path, images: np.ndarray, *options: str, **labels: np.ndarray) -> Outcome:
    samples = tflite.parent / "samples.npz"
    np.savez(samples, x=images, **labels)
    return tinyc("compare", folder, "--tflite", tflite, "--evaluate", samples, *options)


# ---- what is compared ----


@pytest.mark.parametrize("integers", [False, True])
def test_one_network_gives_one_result(compiled: Path, tflite: Path, integers: bool) -> None:
    """Channels first here and last there; real values, or the compiled model's integers."""
    steps = np.clip(np.rint(IMAGES / NETWORK.given.scale) + NETWORK.given.zero_point, -128, 127)
    images = steps.astype(np.int8) if integers else IMAGES
    labels = real_scores().argmax(axis=1)
    outcome = compared(compiled, tflite, images, "--json", y=labels)
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["samples"] == 20 and found["metric"] == "top-1"
    assert found["agreement"] == 1.0 and found["max_error"] < 0.02, "a tie"
    assert found["tinyc"]["accuracy"] == found["tflite"]["accuracy"] >= 0.9
    assert found["tflite"]["file_bytes"] == tflite.stat().st_size
    report = json.loads((compiled / "report.json").read_text(encoding="utf-8"))
    assert found["tinyc"]["weights"] == report["flash"]["weights"] >= NETWORK.weights.nbytes
    assert found["tinyc"]["method"] == "estimated", "--no-verify measures nothing"


def test_another_network_does_not_agree(compiled: Path, tflite: Path) -> None:
    other = replace(NETWORK, weights=-NETWORK.weights).save(tflite)
    found = json.loads(compared(compiled, other, IMAGES, "--json").out)
    assert found["agreement"] < 0.5 and found["max_error"] > 0.1
    assert found["metric"] == "agreement" and found["tflite"]["accuracy"] is None


def test_inputs_of_another_quantization_stand_for_the_same(compiled: Path, tflite: Path) -> None:
    coarse = replace(NETWORK, given=Quant(0.1, -20), bias=NETWORK.bias // 2).save(tflite)
    found = json.loads(compared(compiled, coarse, IMAGES, "--json").out)
    assert found["agreement"] >= 0.9 and 0 < found["max_error"] < 0.1


def test_the_table(compiled: Path, tflite: Path) -> None:
    shown = compared(compiled, tflite, IMAGES).out
    for word in ("ai-edge-litert", "tinyc", "agree in 100.00%", f"{tflite.stat().st_size:,} B", "no labels"):
        assert word in shown


@pytest.mark.parametrize(
    ("shape", "wanted", "fits"),
    [
        ((7, 1, 5, 3, 2), (1, 5, 3, 2), "as it is"),
        ((7, 5, 3, 2), (1, 5, 3, 2), "as it is"),
        ((7, 1, 2, 5, 3), (1, 5, 3, 2), "channels last"),
        ((7, 2, 5, 3), (1, 5, 3, 2), "channels last"),
        ((7, 1, 49, 10), (1, 49, 10, 1), "as it is"),
        ((7, 640), (1, 640), "as it is"),
        ((7, 1, 3, 5, 2), (1, 5, 3, 2), None),
        ((7, 2, 15), (1, 5, 3, 2), None),
        ((7, 30), (1, 5, 3, 2), None),
    ],
)
def test_axes(shape: tuple[int, ...], wanted: tuple[int, ...], fits: str | None) -> None:
    samples = np.arange(np.prod(shape)).reshape(shape)
    made = arranged(samples, Port(0, "x", wanted, np.dtype(np.int8), None))
    if fits is None:
        assert made is None
        return
    expected = samples if fits == "as it is" else np.moveaxis(samples, -3, -1)
    np.testing.assert_array_equal(made, expected.reshape(7, *wanted))


# ---- what is refused ----


def test_files_that_are_no_models(compiled: Path, tflite: Path) -> None:
    tflite.write_bytes(b"nonsense")
    outcome = compared(compiled, tflite, IMAGES)
    assert outcome.code == 3 and "The TFLite model cannot be run" in outcome.err
    outcome = compared(compiled, tflite.with_name("missing.tflite"), IMAGES)
    assert outcome.code == 2 and "missing.tflite" in outcome.err and "try: " in outcome.err


def test_models_of_other_sizes(compiled: Path, tflite: Path) -> None:
    wide = replace(NETWORK, weights=NETWORK.weights.reshape(CLASSES, WIDTH, HEIGHT, CHANNELS)).save(tflite)
    outcome = compared(compiled, wide, IMAGES)
    assert outcome.code == 2 and "inputs of the same shape" in outcome.err and "[1, 3, 5, 2]" in outcome.err
    fewer = replace(NETWORK, weights=NETWORK.weights[:3], bias=NETWORK.bias[:3]).save(tflite)
    outcome = compared(compiled, fewer, IMAGES)
    assert outcome.code == 2 and "same outputs" in outcome.err and "[1, 1, 1, 3]" in outcome.err


def test_states(tmp_path: Path) -> None:
    cell = STATEFUL["delay"]
    onnx.save(cell.proto, tmp_path / "delay.onnx")
    out, options = tmp_path / "out", ("--target", "nucleo-f446re", "--no-verify", "--state", cell.states[0])
    assert tinyc("compile", tmp_path / "delay.onnx", *options, "-o", out).code == 0
    outcome = compared(out, tmp_path / "any.tflite", cell.sequences(2, 3))
    assert outcome.code == 2 and "A model with states" in outcome.err and "--state" in outcome.err


def test_without_an_interpreter(compiled: Path, tflite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", None)
    outcome = compared(compiled, tflite, IMAGES)
    assert outcome.code == 2 and "pip install 'tinyc[tflite]'" in outcome.err


# ---- the networks of MLPerf Tiny ----


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws01", "vww01"])
def test_reference_networks(shared_models: Path, tmp_path: Path, name: str) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the extra `tflite`")
    kept = np.load(shared_models / "samples" / f"{name}_eval.npz")
    x = kept["x"] if name == "kws01" else kept["x_uint8"] / np.float32(255)
    np.savez(tmp_path / "x.npz", x=x, y=kept["y"])
    out, options = tmp_path / "out", ("--target", "nucleo-f446re", "--no-verify", "--schedule", "fast")
    assert tinyc("compile", shared_models / f"{name}_qdq.onnx", *options, "-o", out).code == 0
    model = shared_models / "tflite" / f"{name}_int8.tflite"
    outcome = tinyc("compare", out, "--tflite", model, "--evaluate", tmp_path / "x.npz", "--json")
    found = json.loads(outcome.out)
    assert found["tflite"]["accuracy"] == {"kws01": 0.912, "vww01": 0.885}[name]
    assert abs(found["tinyc"]["accuracy"] - found["tflite"]["accuracy"]) <= 0.005
    assert found["agreement"] >= 0.98
    assert found["tinyc"]["weights"] < found["tflite"]["file_bytes"]
