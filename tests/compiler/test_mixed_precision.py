"""--precision mixed, from the command line to a library that is proved."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import onnx_ir as oir
import pytest

from ..passes.mixed_precision import regression
from ..passes.mixed_precision.test_patches import network, samples
from .command_line import tinyc
from .refusals import refused

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "models" / "digits.onnx"


def few(target: Path, count: int) -> Path:
    with np.load(ROOT / "models" / "digits_calibration.npz") as data:
        np.savez(target, **{name: data[name][:count] for name in data.files})
    return target


def test_without_calibration_it_is_refused() -> None:
    for options in ((), ("--calibration", "random")):
        text = refused(2, DIGITS, "--precision", "mixed", *options)
        assert "needs calibration samples" in text and "--calibration SAMPLES.npz" in text


def test_a_quantized_model_is_refused(tmp_path: Path) -> None:
    tinyc(
        "compile", DIGITS, "-t", "nucleo-f446re", "--calibration", few(tmp_path / "c.npz", 8),
        "--no-verify", "--dump-passes", tmp_path / "passes", "-o", tmp_path / "out",
    )  # fmt: skip
    (quantized,) = (tmp_path / "passes").glob("*-quantize.onnx")
    text = refused(2, quantized, "--precision", "mixed", "--calibration", tmp_path / "c.npz")
    assert "quantized already" in text and "keeps the widths" in text


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--lambda", "2"),
        ("--max-drop", "-1"),
        ("--patches", "3"),
        ("--patches", "0x2"),
        ("--patch-coverage", "1"),
        ("--patch-threshold", "1.5"),
        ("--patch-class", "dynamic"),
    ],
)
def test_numbers_out_of_range_are_refused(option: str, value: str) -> None:
    outcome = tinyc("compile", DIGITS, "-t", "nucleo-f446re", option, value)
    assert outcome.code == 2 and option in outcome.err


@pytest.mark.slow
def test_digits_in_few_bits(tmp_path: Path) -> None:
    outcome = tinyc(
        "compile", DIGITS, "-t", "nucleo-f446re", "--precision", "mixed", "--max-drop", "2", "--objective",
        "bitops", "--calibration", few(tmp_path / "c.npz", 48), "--json", "-o", tmp_path / "out",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    jsonschema.validate(report, json.loads((ROOT / "tests" / "report_schema.json").read_text()))
    mixed = report["mixed_precision"]
    assert report["verification"]["host_bit_exact"] and report["verification"]["max_lsb_per_layer"] <= 1
    assert mixed["samples"] == 48 and "48 calibration samples are too few" in mixed["warning"]
    assert mixed["chosen"]["bitops"] * 1.8 < mixed["int8"]["bitops"]
    assert sum(layer["bitops"] for layer in mixed["layers"]) == mixed["chosen"]["bitops"]
    assert mixed["drop_interval"][0] < mixed["drop"] < mixed["drop_interval"][1]
    assert mixed["expected_drop"] <= mixed["expected_drop_bound"] <= 2
    assert mixed["slower"] and {entry["because"] for entry in mixed["slower"]} == {"the objective is BitOPs"}
    assert "--max-drop 2 --lambda 0.5 --objective bitops" in report["options"]


@pytest.mark.slow
def test_what_fits_and_would_not_be_faster_stays_int8(tmp_path: Path) -> None:
    outcome = tinyc(
        "compile", DIGITS, "-t", "nucleo-f446re", "--precision", "mixed", "--no-verify",
        "--calibration", few(tmp_path / "c.npz", 48), "-o", tmp_path / "out",
    )  # fmt: skip
    text = " ".join(outcome.out.split())
    assert outcome.code == 0 and "all stays int8: on this target fewer bits make no layer faster" in text
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    mixed = report["mixed_precision"]
    assert mixed["chosen"] == mixed["int8"] and mixed["slower"] == [] and mixed["warning"] is None


def test_a_regression_gets_16_bits_where_8_are_not_enough(tmp_path: Path) -> None:
    onnx.save(oir.to_proto(regression.network()), tmp_path / "net.onnx")
    np.savez(tmp_path / "c.npz", x=regression.points(64))
    outcome = tinyc(
        "compile", tmp_path / "net.onnx", "-t", "nucleo-f446re", "--precision", "mixed", "--max-drop", "0.5",
        "--calibration", tmp_path / "c.npz", "--json", "-o", tmp_path / "out",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    jsonschema.validate(report, json.loads((ROOT / "tests" / "report_schema.json").read_text()))
    assert report["verification"]["host_bit_exact"] and report["verification"]["max_lsb_per_layer"] <= 1
    assert report["verification"]["board_bit_exact"] in (True, None)
    assert {layer["activation_bits"] for layer in report["layers"]} == {16}
    mixed = report["mixed_precision"]
    assert {layer["activation_bits"] for layer in mixed["layers"]} == {16}
    assert mixed["metric"] == "fidelity" and mixed["value"] > 0.995 and mixed["drop"] < -1
    assert {entry["because"] for entry in mixed["slower"]} == {"accuracy needs 16 bits"}
    header = (tmp_path / "out" / "net.h").read_text()
    assert "const int16_t *x;" in header and "NET_IN_X_SCALE" in header


def test_patches_need_mixed_precision_and_a_schedule() -> None:
    calibration = ROOT / "models" / "digits_calibration.npz"
    text = refused(2, DIGITS, "--patches", "2x2", "--calibration", calibration)
    assert "--patches does not go with --precision auto" in text and "--precision mixed" in text
    options = ("--patches", "2x2", "--precision", "mixed", "--calibration", calibration)
    assert "add --objective bitops" in refused(2, DIGITS, *options)
    options = (*options, "--objective", "bitops")
    assert "twice" in refused(2, DIGITS, *options, "--schedule", "fast")
    assert "add --patches auto" in refused(2, DIGITS, *options[2:], "--patch-class", "runtime")
    text = refused(2, DIGITS, *options[2:], "--patches", "9x9")
    assert "No first layers of this model can be cut into 9x9 patches" in text


@pytest.mark.slow
@pytest.mark.parametrize("grid", ["3x3", "auto"])
def test_positions_with_outliers_keep_their_bits(grid: str, tmp_path: Path) -> None:
    """A network whose images hold outliers in one corner. Its best schedule in 8 bits has no patches."""
    onnx.save(oir.to_proto(network()), tmp_path / "net.onnx")
    np.savez(tmp_path / "c.npz", **samples())
    outcome = tinyc(
        "compile", tmp_path / "net.onnx", "-t", "nucleo-f446re", "--precision", "mixed", "--max-drop", "20",
        "--calibration", tmp_path / "c.npz", "--patches", grid, "--json", "-o", tmp_path / "out",
        "--dump-passes", tmp_path / "passes", "--objective", "bitops",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    jsonschema.validate(report, json.loads((ROOT / "tests" / "report_schema.json").read_text()))
    assert report["verification"]["host_bit_exact"] and report["verification"]["max_lsb_per_layer"] <= 1
    assert report["verification"]["board_bit_exact"] in (True, None)
    assert f"--patches {grid} --patch-coverage 0.96 --patch-threshold 0.5" in report["options"]
    patches = report["mixed_precision"]["patches"]
    if grid == "auto":
        assert patches is None
        return
    assert patches["map"] == ["#··", "···", "···"] and patches["wide"] == 1 and patches["grid"] == [3, 3]
    bits = {layer["node"]: layer["activation_bits"] for layer in report["mixed_precision"]["layers"]}
    assert bits["Conv_4"] == bits["Conv_6"] == 8 > bits["Conv_6_narrow"]
    assert report["model"]["macs"] < report["compute"]["macs_executed"]
    (dumped,) = (tmp_path / "passes").glob("*-mixed-precision.onnx")
    again = tinyc("compile", dumped, "-t", "nucleo-f446re", "--json", "-o", tmp_path / "again")
    assert again.code == 0, again.err
    assert json.loads(again.out)["compute"]["bitops"] == report["compute"]["bitops"]


@pytest.mark.slow
def test_each_inference_decides_which_patches_keep_their_bits(tmp_path: Path) -> None:
    """The same network: what samples hold decides, in the emulator, on the host and on the board."""
    onnx.save(oir.to_proto(network()), tmp_path / "net.onnx")
    np.savez(tmp_path / "c.npz", **samples())
    np.savez(tmp_path / "e.npz", **{name: array[::-1][:8] for name, array in samples().items()})
    outcome = tinyc(
        "compile", tmp_path / "net.onnx", "-t", "nucleo-f446re", "--precision", "mixed", "--max-drop", "20",
        "--calibration", tmp_path / "c.npz", "--evaluate", tmp_path / "e.npz", "--patches", "3x3",
        "--patch-class", "runtime", "--json", "-o", tmp_path / "out", "--dump-passes", tmp_path / "passes",
        "--objective", "bitops",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    jsonschema.validate(report, json.loads((ROOT / "tests" / "report_schema.json").read_text()))
    assert report["verification"]["host_bit_exact"] and report["verification"]["max_lsb_per_layer"] <= 1
    assert report["verification"]["board_bit_exact"] in (True, None)
    patches, compute = report["mixed_precision"]["patches"], report["compute"]
    assert (patches["class"], patches["map"], patches["wide"]) == ("runtime", None, None)
    work = patches["runtime"]
    assert work["outliers"] == {"calibration": pytest.approx(1 / 9), "evaluation": 0.0}
    assert work["one_branch_each"] and work["bitops"]["mean"] == compute["bitops"] < work["bitops"]["most"]
    assert work["macs"]["mean"] == compute["macs_executed"] <= work["macs"]["most"]
    (dumped,) = (tmp_path / "passes").glob("*-mixed-precision.onnx")
    again = tinyc("compile", dumped, "-t", "nucleo-f446re", "--json", "-o", tmp_path / "again")
    assert again.code == 0, again.err
    assert json.loads(again.out)["compute"] | {"instructions": 0, "cycles": 0, "milliseconds": 0} == (
        compute | {"instructions": 0, "cycles": 0, "milliseconds": 0}
    )
