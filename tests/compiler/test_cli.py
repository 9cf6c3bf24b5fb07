"""Every command, as people and scripts use it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import onnxruntime
import pytest

import tinyc
from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.emulator.machine import Machine
from tinyc.ir.values import to_real
from tinyc.passes.samples import InputSpec, load_samples

from .command_line import tinyc as run_tinyc
from .hostile import two_headed
from .refusals import TARGET

MODELS = Path(str(files("tinyc.models")))
SCHEMA = json.loads((Path(__file__).parents[1] / "report_schema.json").read_text(encoding="utf-8"))
HEAVY = (
    "numpy",
    "onnx",
    "onnx_ir",
    "onnxruntime",
    "onnxscript",
    "ortools",
    "scipy",
    "sklearn",
    "jinja2",
    "rich",
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the digits model in int8, with its accuracy measured."""
    folder = tmp_path_factory.mktemp("digits") / "out"
    outcome = run_tinyc(
        "compile", MODELS / "digits.onnx", *TARGET, "--calibration", MODELS / "digits_calibration.npz",
        "--evaluate", MODELS / "digits_evaluation.npz", "-o", folder,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    (folder / "stdout").write_text(outcome.out)
    (folder / "stderr").write_text(outcome.err)
    return folder


# ---- compile ----


def test_compile_prints_the_verdict(digits: Path) -> None:
    text = (digits / "stdout").read_text()
    for word in (
        "NUCLEO-F446RE",
        "7,754 parameters",
        "77,312 MACs",
        "accuracy",
        "emulator = C = board, every byte",
        "measured: arena ",
        "modelled: ",
        " ms at 180 MHz",
        "fits",
    ):
        assert word in text
    assert (digits / "stderr").read_text() == "", "quiet when piped"
    assert "\x1b" not in text, "no colours when piped"


def test_report_follows_its_schema(digits: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    report = json.loads((digits / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, SCHEMA)
    assert report["accuracy"]["samples"] == 540 and report["accuracy"]["compiled"] > 0.98
    assert report["verification"]["host_bit_exact"] and report["verification"]["max_lsb_per_layer"] <= 1
    sram, flash = report["sram"], report["flash"]
    assert sram["arena"] == max(b["offset"] + b["bytes"] for b in report["buffers"])
    assert sram["method"] == flash["method"] == "measured" and report["verification"]["board_bit_exact"]
    assert sram["stack"] > 0
    assert sram["total"] == sram["arena"] + sram["state"] + sram["static"] + sram["stack"]
    assert flash["total"] == flash["code"] + flash["weights"]
    layers, compute = report["layers"], report["compute"]
    assert 0 < sum(row["instructions"] for row in layers) <= compute["instructions"]
    assert 0 < sum(row["cycles"] for row in layers) <= compute["cycles"]
    assert compute["milliseconds"] == pytest.approx(compute["cycles"] / 180e6 * 1e3)
    assert set(report["files"]) == {path.name for path in digits.iterdir()} - {"stdout", "stderr"}


@pytest.mark.parametrize(
    "options", [(), ("--no-verify",), ("--sram-budget", "1"), ("--calibration", "random")]
)
def test_json_of_compile_is_the_report(tmp_path: Path, model: Path, options: tuple[str, ...]) -> None:
    outcome = run_tinyc("compile", model, *TARGET, *options, "-o", tmp_path / "out", "--json")
    assert outcome.code == (4 if "--sram-budget" in options else 0)
    report = json.loads(outcome.out)
    jsonschema.validate(report, SCHEMA)
    assert report == json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (report["verification"] is None) == ("--no-verify" in options)
    if "random" in options:
        assert "random numbers" in report["calibration"]
        assert report["model"]["inputs"][0]["dtype"] == "int8"


def test_default_folder_is_the_models_name(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_tinyc("compile", model.name, *TARGET, "--no-verify").code == 0
    assert (tmp_path / "model" / "model.h").exists()


def test_existing_empty_folder_is_filled(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is the working folder, which cannot be moved away under somebody's feet."""
    (out := tmp_path / "out").mkdir()
    inode = out.stat().st_ino
    monkeypatch.chdir(out)
    for _ in range(2):
        assert run_tinyc("compile", model, *TARGET, "--no-verify", "-o", ".").code == 0
    assert out.stat().st_ino == inode and (out / "model.h").exists()


def test_layout_of_images(tmp_path: Path, model: Path) -> None:
    shapes = {}
    for layout in ("nhwc", "model"):
        outcome = run_tinyc(
            "compile", model, *TARGET, "--io-layout", layout, "-o", tmp_path / layout, "--json"
        )
        entry = json.loads(outcome.out)["model"]["inputs"][0]
        shapes[layout] = entry["shape"], entry["axes"]
    assert shapes == {"nhwc": ([1, 6, 6, 2], [0, 2, 3, 1]), "model": ([1, 2, 6, 6], [0, 1, 2, 3])}


def test_passes_are_dumped_as_models_that_run(tmp_path: Path) -> None:
    outcome = run_tinyc(
        "compile", MODELS / "digits.onnx", *TARGET, "--calibration", MODELS / "digits_calibration.npz",
        "--dump-passes", tmp_path / "passes", "--check-passes", "-o", tmp_path / "out",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    dumps = sorted(path.name for path in (tmp_path / "passes").iterdir())
    assert [re.fullmatch(r"(\d\d)-[a-z-]+\.onnx", name)[1] for name in dumps] == [  # pyright: ignore[reportOptionalSubscript]
        f"{n:02d}" for n in range(1, len(dumps) + 1)
    ]
    assert [name[3:-5] for name in dumps] == ["import", "canonicalize", "quantize", "dead-channels"]
    with np.load(MODELS / "digits_evaluation.npz") as archive:
        image = archive[next(name for name in archive.files if name != "y")][:1].astype(np.float32)
    outputs = []
    for name in dumps:
        onnx.checker.check_model(str(tmp_path / "passes" / name))
        session = onnxruntime.InferenceSession(str(tmp_path / "passes" / name))
        (given,) = session.get_inputs()
        outputs.append(session.run(None, {given.name: image.reshape(given.shape)})[0])
    assert np.abs(outputs[1] - outputs[0]).max() < 1e-4 < np.abs(outputs[2] - outputs[1]).max()
    moved = dict(
        re.findall(r"^(import|canonicalize|quantize|dead-channels) +(\S+) of its range", outcome.out, re.M)
    )
    assert moved.keys() == {"import", "canonicalize", "quantize", "dead-channels"}
    assert float(moved["canonicalize"]) < 1e-5 < float(moved["quantize"]) < 0.2


# ---- run and verify ----


def test_run_gives_what_the_emulator_does(digits: Path, tmp_path: Path) -> None:
    evaluation = MODELS / "digits_evaluation.npz"
    outcome = run_tinyc("run", digits, "--input", evaluation, "-o", tmp_path / "y.npz")
    assert outcome.code == 0, outcome.err
    with np.load(tmp_path / "y.npz") as archive:
        results = {name: archive[name] for name in archive.files}
    options = CompileOptions("nucleo-f446re", MODELS / "digits_calibration.npz", verify=False)
    program = compile_model(MODELS / "digits.onnx", options).program
    (given,), (output,) = program.inputs, program.outputs
    buffer = program.buffers[given]
    spec = InputSpec(buffer.source, (1, 1, 8, 8), np.dtype(np.float32))
    machine = Machine(program)
    for index, sample in enumerate(load_samples(evaluation, [spec])):
        if index % 50 == 0:
            mine = to_real(machine.run(stored_inputs(program, sample))[output], program.buffers[output])
            np.testing.assert_array_equal(results["logits"][index], mine)
    with np.load(evaluation) as archive:
        right = results["logits"].reshape(540, -1).argmax(axis=1) == archive["y"]
    report = json.loads((digits / "report.json").read_text())
    assert right.mean() == pytest.approx(report["accuracy"]["compiled"])


def test_run_takes_integers_as_they_are(digits: Path, tmp_path: Path) -> None:
    entry = json.loads((digits / "report.json").read_text())["model"]["inputs"][0]
    with np.load(MODELS / "digits_evaluation.npz") as archive:
        real = archive[next(name for name in archive.files if name != "y")][:3]
    stored = np.clip(np.rint(real / entry["scale"]) + entry["zero_point"], -128, 127).astype(np.int8)
    outputs = []
    for array in (real, stored):
        np.savez(tmp_path / "x.npz", x=array)
        outcome = run_tinyc("run", digits, "--input", tmp_path / "x.npz", "--json")
        assert outcome.code == 0, outcome.err
        outputs.append(json.loads(outcome.out))
    assert outputs[0] == outputs[1]
    shown = run_tinyc("run", digits, "--input", tmp_path / "x.npz").out
    assert "logits" in shown and len(shown.strip().split("\n")) == 1 + 1 + 3


def test_verify(digits: Path) -> None:
    outcome = run_tinyc("verify", digits)
    assert outcome.code == 0 and "golden vector is reproduced" in outcome.out
    outcome = run_tinyc("verify", digits, "--json")
    assert json.loads(outcome.out) == {"folder": str(digits), "model": "digits", "selftest": "passed"}


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_verify_fails_when_one_weight_is_changed(digits: Path, tmp_path: Path, precision: str) -> None:
    if precision == "float32":
        outcome = run_tinyc(
            "compile", MODELS / "digits.onnx", *TARGET, "--precision", precision, "-o", tmp_path / "out"
        )
        assert outcome.code == 0
        folder = tmp_path / "out"
    else:
        folder = tmp_path
        for path in digits.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    weights = folder / "digits_weights.c"
    text = weights.read_text()
    start = text.index("= {", max(text.find("_bias["), 0)) + 3
    value = re.compile(r"-?\d[\d.e-]*f?").search(text, start)
    assert value is not None
    wrong = "1000.5f" if precision == "float32" else str(int(value[0]) + 5000)
    weights.write_text(text[: value.start()] + wrong + text[value.end() :])
    outcome = run_tinyc("verify", folder)
    assert outcome.code == 5
    assert "does not reproduce its golden vector" in outcome.err
    assert re.search(r"why: output element \d+ is wrong", outcome.err)


def test_verify_refuses_c_that_warns(digits: Path, tmp_path: Path) -> None:
    for path in digits.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    source = tmp_path / "digits.c"
    source.write_text(source.read_text() + "\nstatic int unused(void)\n{\n    return 0;\n}\n")
    outcome = run_tinyc("verify", tmp_path)
    assert outcome.code == 5 and "does not compile" in outcome.err and "unused" in outcome.err


# ---- targets ----


def test_targets() -> None:
    listing = run_tinyc("targets").out
    boards = json.loads(run_tinyc("targets", "--json").out)
    assert len(boards) >= 16
    assert all(board["name"] in listing for board in boards)
    one = json.loads(run_tinyc("targets", "nucleo-f446re", "--json").out)
    assert one in boards
    assert one["sram_bytes"] == 128 * 1024 and one["cpu"] == "cortex-m4"
    shown = run_tinyc("targets", "nucleo-f446re").out
    assert "NUCLEO-F446RE" in shown and "0x20000000" in shown
    wrong = run_tinyc("targets", "nucleo-f446")
    assert wrong.code == 2 and "nucleo-f446re" in wrong.err


# ---- the command itself ----


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from tinyc.compiler.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("compile", "inspect", "run", "verify", "compare", "diff", "targets"):
        assert command in done.stdout
    assert {name.split(".")[0] for name in done.stderr.split()} & set(HEAVY) == set()


@pytest.mark.parametrize("command", ["compile", "inspect", "run", "verify", "compare", "diff", "targets"])
def test_help_of_every_command(command: str) -> None:
    outcome = run_tinyc(command, "--help")
    assert outcome.code == 0 and "--json" in outcome.out


def test_usage() -> None:
    assert run_tinyc("--version").out.strip() == f"tinyc, version {tinyc.__version__}"
    for arguments in (
        ["compile"],
        ["compile", "m.onnx"],
        ["nothing"],
        ["run", "."],
        ["compile", "m", "-t", "host", "--x"],
    ):
        outcome = run_tinyc(*arguments)
        assert outcome.code == 2 and outcome.err and outcome.out == ""


def test_internal_errors_ask_to_be_reported(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("tinyc.compiler.pipeline.make_schedules", broken)
    outcome = run_tinyc("compile", model, *TARGET, "-o", model.parent / "out")
    assert outcome.code == 1 and not (model.parent / "out").exists()
    for words in ("ZeroDivisionError: of all things", "a bug of tinyc", "report it", tinyc.__version__):
        assert words in outcome.err


def test_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tinyc", "targets", "--json"], capture_output=True, text=True, check=True,
        env=os.environ | {"COLUMNS": "40"},
    )  # fmt: skip
    assert done.stderr == "" and len(json.loads(done.stdout)) >= 16


# ---- from Python ----


def test_python_interface(tmp_path: Path) -> None:
    report = tinyc.compile(two_headed(), target="nucleo-f446re", output=tmp_path / "out", name="net")
    assert report.fits and report.sram_total == report.to_dict()["sram"]["total"]
    assert (tmp_path / "out" / "net.h").exists()
    jsonschema.validate(report.to_dict(), SCHEMA)
    tight = tinyc.compile(two_headed(), target="nucleo-f446re", sram_budget=10, verify=False)
    assert not tight.fits
    with pytest.raises(tinyc.UsageError, match="no target named"):
        tinyc.compile(two_headed(), target="nothing")
    with pytest.raises(tinyc.UsageError, match="--precision cannot be 'int7'"):
        tinyc.compile(two_headed(), target="host", precision="int7")
    with pytest.raises(tinyc.ModelError, match="not an ONNX model"):
        (tmp_path / "bad.onnx").write_bytes(b"nonsense")
        tinyc.compile(tmp_path / "bad.onnx", target="host")


def test_given_model_is_not_changed() -> None:
    made = two_headed()
    before = made.SerializeToString(deterministic=True)
    tinyc.compile(made, target="nucleo-f446re", verify=False)
    assert made.SerializeToString(deterministic=True) == before
