"""What a user reads when options do not fit the model or each other, or the budget cannot be met."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tinyc.targets import load_target

from ..kernels.checks import qdq_model
from .command_line import tinyc
from .hostile import graph_model
from .refusals import TARGET, assert_style, refused, saved


def test_int8_without_calibration(model: Path) -> None:
    text = refused(2, model, "--precision", "int8")
    assert "int8 needs calibration data" in text
    for line in ("--calibration SAMPLES.npz", "--calibration random", "--precision float32"):
        assert line in text


def test_float_model_on_a_board_without_floating_point(model: Path) -> None:
    text = refused(2, model, "--target", "rpi-pico")
    assert "rpi-pico has no floating-point unit" in text and "--calibration SAMPLES.npz" in text


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("nucleo-f446", "nucleo-f446re"), ("NUCLEO-F446RE", "nucleo-f446re"), ("rpi-pic0", "rpi-pico")],
)
def test_unknown_target(model: Path, name: str, nearest: str) -> None:
    text = refused(2, model, "--target", name)
    assert repr(name) in text and nearest in text and "tinyc targets" in text


def test_target_file_that_is_wrong(model: Path) -> None:
    board = model.parent / "board.toml"
    board.write_text('[board]\nname = "mine"\n')
    text = refused(2, model, "--target", board)
    assert "board.toml" in text


def quantized(zero_point: int) -> onnx.ModelProto:
    """A float input that the model quantizes itself, a convolution, an int8 output."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "conv")]
    rng = np.random.default_rng(0)
    weights = (rng.integers(-127, 128, (3, 2, 2, 2)).astype(np.int8), np.array([0.01, 0.02, 0.03]), 0)
    made = qdq_model(
        nodes,
        {"x": (1, 2, 4, 5)},
        ["y"],
        {"x": (1 / 255, zero_point), "y": (0.02, 3)},
        dequantized={"w": weights},
    )
    made.graph.input[0].name = "pixels"
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    made.graph.node.insert(
        0, helper.make_node("QuantizeLinear", ["pixels", "x_scale", "x_zero"], ["x_q"], "q_x")
    )
    return made


def test_raw_pixels(tmp_path: Path) -> None:
    path = saved(quantized(-128), tmp_path)
    outcome = tinyc("compile", path, *TARGET, "--input-dtype", "uint8", "-o", tmp_path / "out", "--json")
    assert outcome.code == 0
    (given,) = json.loads(outcome.out)["model"]["inputs"]
    assert given["dtype"] == "uint8" and given["zero_point"] == 0


def test_raw_pixels_that_do_not_fit_the_quantization(tmp_path: Path) -> None:
    text = refused(2, saved(quantized(3), tmp_path), "--input-dtype", "uint8")
    assert "--input-dtype uint8 does not fit this model" in text and "'pixels'" in text
    assert "zero point 3" in text and "--input-dtype int8" in text


def test_raw_pixels_for_a_float_model(model: Path) -> None:
    text = refused(2, model, "--input-dtype", "uint8")
    assert "--input-dtype uint8 does not fit this model" in text and "'image' float32" in text


def test_precision_of_a_model_that_is_quantized_already(tmp_path: Path) -> None:
    text = refused(2, saved(quantized(0), tmp_path), "--precision", "float32")
    assert "quantized already" in text and "leave --precision out" in text


@pytest.mark.parametrize("budget", ["lots", "-5", "3.5k", "64q"])
def test_budget_that_is_no_number(model: Path, budget: str) -> None:
    outcome = tinyc("compile", model, *TARGET, "--sram-budget", budget, "-o", model.parent / "out")
    assert outcome.code == 2 and "not a number of bytes such as 65536, 64k or 1M" in " ".join(
        outcome.err.split()
    )


# ---- over budget: compiled, written, and refused ----


def test_sram_budget_that_cannot_be_met(tmp_path: Path, model: Path) -> None:
    options = ("--schedule", "fast", "--sram-budget", "700")
    outcome = tinyc("compile", model, *TARGET, *options, "-o", tmp_path / "out")
    assert outcome.code == 4
    assert_style(outcome)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    total = report["sram"]["total"]
    assert report["sram"]["budget"] == 700 < total and not report["sram"]["fits"]
    assert f"{total:,} bytes of SRAM where 700 are allowed, {total - 700:,} too many" in outcome.err
    peak = max(report["layers"], key=lambda row: row["sram"])
    assert f"the peak is at layer {peak['name']} (node {peak['node']!r})" in outcome.err
    assert f"allow what it needs, --sram-budget {total}: nucleo-f446re has 131,072 bytes" in outcome.err
    for remedy in (f"about a quarter ({total // 4:,} bytes of SRAM", "make the model's input smaller"):
        assert remedy in outcome.err
    assert "does not fit" in outcome.out
    header = (tmp_path / "out" / "model.h").read_text()
    assert "MODEL_SRAM_BUDGET 700u" in header


def test_flash_budget_that_cannot_be_met(tmp_path: Path, model: Path) -> None:
    outcome = tinyc("compile", model, *TARGET, "--flash-budget", "0", "-o", tmp_path / "out", "--json")
    assert outcome.code == 4
    report = json.loads(outcome.out)
    assert report["flash"]["budget"] == 0 and not report["flash"]["fits"] and report["sram"]["fits"]
    heaviest = max(report["layers"], key=lambda row: row["weights"])
    assert f"the heaviest layer is {heaviest['name']} with {heaviest['weights']:,} bytes" in outcome.err
    assert (tmp_path / "out" / "model.c").exists()


def test_board_that_is_too_small(tmp_path: Path) -> None:
    """Boards that would do are named: with floating-point hardware, as the model computes in it."""
    rng = np.random.default_rng(0)
    constants = {"w": rng.normal(size=(200, 500)).astype(np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "wide")]
    made = graph_model(nodes, {"x": [100, 200]}, {"y": [100, 500]}, constants)
    outcome = tinyc("compile", saved(made, tmp_path), *TARGET, "--no-verify", "-o", tmp_path / "out")
    assert outcome.code == 4
    assert_style(outcome)
    assert "280,000 bytes of SRAM where 131,072 are allowed, 148,928 too many" in outcome.err
    assert "the peak is at layer dense_1 (node 'wide'), where these live: y 200,000, x 80,000" in outcome.err
    assert "choose a board that it fits: --target " in outcome.err
    (line,) = re.findall(r"choose a board that it fits: (.*)", outcome.err)
    for name in re.findall(r"--target ([\w-]+)", line):
        board = load_target(name)
        assert board.fpu != "none" and board.sram_bytes >= 280_000 and board.flash_bytes >= 400_000


@pytest.mark.slow
def test_model_that_no_board_holds(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    made = graph_model(nodes, {"x": [1, 2_200_000]}, {"y": [1, 2_200_000]})
    outcome = tinyc("compile", saved(made, tmp_path), *TARGET, "--no-verify", "-o", tmp_path / "out")
    assert outcome.code == 4
    assert_style(outcome)
    assert "choose a board" not in outcome.err and "make the model's input smaller" in outcome.err
