"""The four MLPerf Tiny networks, float and QDQ, through the whole compiler."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tinyc.benchmarks import mlperf
from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.values import to_real

MACS = {"ad01": 264_192, "ic01": 12_501_632, "kws01": 2_656_768, "vww01": 3_733_073}
PARAMETERS = {"ad01": 265_864, "ic01": 77_706, "kws01": 22_604, "vww01": 210_850}


@cache
def compiled(model: Path) -> Compiled:
    return compile_model(model, CompileOptions(target="nucleo-l4r5zi"))


def on_host(result: Compiled, samples: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    """The first output of the compiled C, in real values."""
    program = result.program
    output = program.buffers[program.outputs[0]]
    with HostModel(program, result.files) as host:
        runs = host.run([stored_inputs(program, sample) for sample in samples])
    return [to_real(run[output.name], output) for run in runs]


@pytest.mark.parametrize("name", mlperf.NAMES)
def test_float_model_gives_the_golden_outputs(shared_models: Path, name: str) -> None:
    vectors = list(mlperf.golden(shared_models, f"{name}_float"))
    results = on_host(compiled(shared_models / f"{name}_float.onnx"), [given for given, _ in vectors])
    for mine, (_, wanted) in zip(results, vectors, strict=True):
        (truth,) = wanted.values()
        # ad01 amplifies rounding: its outputs reach 74
        atol = 1e-2 if name == "ad01" else 1e-5 * float(np.abs(truth).max())
        np.testing.assert_allclose(mine, truth, rtol=0, atol=atol)


@pytest.mark.parametrize("name", mlperf.NAMES)
def test_qdq_model_is_bit_exact_and_each_layer_within_one_lsb(shared_models: Path, name: str) -> None:
    result = compiled(shared_models / f"{name}_qdq.onnx")
    verification = result.report.verification
    assert verification is not None
    assert verification.host_bit_exact
    assert verification.max_lsb is not None and verification.max_lsb <= 1
    assert all(error.lsb is not None for error in verification.errors), "a layer was not compared"


@pytest.mark.parametrize("name", mlperf.NAMES)
def test_qdq_model_on_golden_inputs(shared_models: Path, name: str) -> None:
    """End to end a rounding can travel, so the bound is on the share of the range that outputs move."""
    result = compiled(shared_models / f"{name}_qdq.onnx")
    program = result.program
    output = program.buffers[program.outputs[0]]
    vectors = list(mlperf.golden(shared_models, f"{name}_qdq"))
    fed = [stored_inputs(program, given) for given, _ in vectors]
    machine = Machine(program)
    emulated = [machine.run(sample)[output.name] for sample in fed]
    with HostModel(program, result.files) as host:
        on_c = [run[output.name] for run in host.run(fed)]
    for mine, c, (_, wanted) in zip(emulated, on_c, vectors, strict=True):
        (truth,) = wanted.values()
        np.testing.assert_array_equal(mine, c)
        assert np.abs(mine.astype(int) - truth.astype(int)).max() <= 4


@pytest.mark.parametrize("name", mlperf.NAMES)
def test_counts_and_placement(shared_models: Path, name: str) -> None:
    report = compiled(shared_models / f"{name}_qdq.onnx").report
    assert report.facts.parameters == PARAMETERS[name]
    assert report.facts.macs <= MACS[name]
    plan = report.program.plan
    assert plan is not None and plan.proved_optimal and plan.arena_bytes == plan.lower_bound


def test_dead_channels_leave_the_outputs_as_they_were(
    shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vww01: half of the multiplications go, and no output byte changes."""
    model = shared_models / "vww01_qdq.onnx"
    pruned = compiled(model)
    monkeypatch.setattr("tinyc.compiler.pipeline.remove_dead_channels", lambda model: model)
    whole = compile_model(model, CompileOptions(target="nucleo-l4r5zi", verify=False))
    assert whole.report.facts.macs == 7_489_664
    samples = np.load(shared_models / "samples" / "vww01_eval.npz")["x_uint8"][:50].astype(np.int16) - 128
    given = [{"input_1_int8": sample[None].astype(np.int8)} for sample in samples]
    for a, b in zip(on_host(pruned, given), on_host(whole, given), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "least"), [("kws01", 0.905), ("vww01", 0.880)])
def test_accuracy_of_the_qdq_model(shared_models: Path, tmp_path: Path, name: str, least: float) -> None:
    samples = mlperf.evaluation(shared_models, name, tmp_path / "eval.npz")
    options = CompileOptions(target="nucleo-l4r5zi", evaluate=samples, verify=False)
    accuracy = compile_model(shared_models / f"{name}_qdq.onnx", options).report.accuracy
    assert accuracy is not None and accuracy.compiled is not None
    assert accuracy.compiled >= least


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("kws01", 0.918), ("vww01", 0.880)])
def test_accuracy_of_our_own_int8(shared_models: Path, tmp_path: Path, name: str, least: float) -> None:
    options = CompileOptions(
        target="nucleo-l4r5zi",
        calibration=mlperf.calibration(shared_models, name, tmp_path / "calib.npz"),
        evaluate=mlperf.evaluation(shared_models, name, tmp_path / "eval.npz"),
    )
    report = compile_model(shared_models / f"{name}_float.onnx", options).report
    assert report.accuracy is not None and report.accuracy.compiled is not None
    assert report.accuracy.compiled >= least
    assert report.verification is not None and report.verification.host_bit_exact
    if name == "vww01":
        assert report.facts.macs <= 3_800_000
