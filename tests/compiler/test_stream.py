"""--stream: a recurrent model compiled to one time step, in C on this machine and on the emulated board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tinyc.benchmarks.recurrent import same_bits
from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import AUTO, CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.host import HostModel
from tinyc.ir.errors import ModelError, UsageError
from tinyc.models import inertial, recurrent

from ..kernels.recurrent_models import recurrent_model
from ..passes.test_stream_calibration import behind_the_last_step, sequences
from .command_line import tinyc

TARGET = "nucleo-f446re"
FRAMES, FEATURES = 12, 5


def compiled(model: onnx.ModelProto, folder: Path, **options: Any) -> Compiled:
    """Calibrated and judged on 16 random sequences."""
    samples = folder / "samples.npz"
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    array = np.random.default_rng(0).normal(size=(16, *shape)).astype(np.float32)
    np.savez(samples, x=array)
    return compile_model(model, CompileOptions(TARGET, calibration=samples, evaluate=samples, **options))


@pytest.mark.parametrize(("cell", "layers"), [("LSTM", 2), ("GRU", 1)])
def test_steps_are_the_whole_sequence(cell: str, layers: int, tmp_path: Path) -> None:
    model = recurrent.build_model(cell, layers, 8, FRAMES, FEATURES)
    whole, step = (compiled(model, tmp_path, stream=stream) for stream in (None, AUTO))
    assert same_bits(whole, step)
    for made in (whole, step):
        verification = made.report.verification
        assert verification is not None and verification.host_bit_exact and verification.board_bit_exact
    sizes = sorted(made.report.to_dict()["sram"]["total"] for made in (whole, step))
    assert sizes[0] == step.report.to_dict()["sram"]["total"]
    kept = [step.program.buffers[state.before] for state in step.program.states]
    types = ["int8", "int16"] * layers if cell == "LSTM" else ["int16"]
    assert [buffer.dtype.value[0] for buffer in kept] == types


def test_the_c_of_a_step_gives_what_the_whole_gives(tmp_path: Path) -> None:
    """In float32, over several sequences, each after a reset; along an axis that is named."""
    model = recurrent.build_model("GRU", 1, 6, FRAMES, FEATURES)
    whole, step = (compiled(model, tmp_path, stream=stream, precision="float32") for stream in (None, 0))
    sequences = np.random.default_rng(1).normal(size=(3, FRAMES, 1, FEATURES)).astype(np.float32)
    with HostModel(whole.program, whole.files) as host:
        runs = host.run([stored_inputs(whole.program, {"x": sequence}) for sequence in sequences])
        wanted = [run[whole.program.outputs[0]].reshape(FRAMES, -1) for run in runs]
    stored = [
        [stored_inputs(step.program, {"x": frame[None]}) for frame in sequence] for sequence in sequences
    ]
    with HostModel(step.program, step.files) as host:
        runs = host.run_sequences(stored)
    given = [np.stack([run[step.program.outputs[0]].reshape(-1) for run in steps]) for steps in runs]
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-6)


def test_command_line(tmp_path: Path) -> None:
    path = tmp_path / "gru.onnx"
    onnx.save(recurrent.build_model("GRU", 1, 6, FRAMES, FEATURES), path)
    arguments = ("compile", path, "-t", TARGET, "--calibration", "random", "-o", tmp_path / "out")
    done = tinyc(*arguments, "--stream")
    assert done.code == 0, done.err
    assert "GRU_STATE_BYTES" in (tmp_path / "out" / "gru.h").read_text()
    for given, said in (("7", "--stream cannot be 7"), ("left", "--stream cannot be 'left'")):
        refused = tinyc(*arguments, "--stream", given)
        assert refused.code == 2 and said in refused.err


def test_all_answers_of_a_stream_are_calibrated(tmp_path: Path) -> None:
    """Behind the choice of the last step, too, where earlier answers are larger."""
    model, samples = behind_the_last_step(), tmp_path / "samples.npz"
    np.savez(samples, x=sequences((8, 1, 3), 0))
    scales: list[float] = []
    for stream in (None, AUTO):
        program = compile_model(model, CompileOptions(TARGET, calibration=samples, stream=stream)).program
        quant = program.buffers[program.outputs[0]].quant
        assert quant is not None
        scales.append(quant.scale)
    assert scales[1] > 2 * scales[0]


def test_both_directions_are_refused(tmp_path: Path) -> None:
    model = recurrent_model("LSTM", (4, 1, 3, 5), direction="bidirectional")
    with pytest.raises(ModelError) as refused:
        compiled(model, tmp_path, stream=AUTO)
    assert "from its end" in str(refused.value) and "forward" in str(refused.value)


@pytest.mark.parametrize("others", [dict(states=["a:b"]), dict(spiking=4), dict(check_passes=True)])
def test_what_does_not_go_together(others: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--stream does not go with"):
        CompileOptions(TARGET, stream=AUTO, **others)


def test_inertial_windows(tmp_path: Path) -> None:
    """Convolutions, a bidirectional LSTM and a dense layer: int8 within a point of float."""
    model = onnx.load(Path(inertial.__file__).parent / "inertial.onnx")
    files = {}
    for split, count in (("calibration", 32), ("evaluation", 200)):
        x, y = inertial.windows(split, count)
        files[split] = tmp_path / f"{split}.npz"
        np.savez(files[split], x=x, y=y)
    options = CompileOptions(
        TARGET, calibration=files["calibration"], evaluate=files["evaluation"], verify=True
    )
    report = compile_model(model, options).report.to_dict()
    accuracy, verification = report["accuracy"], report["verification"]
    assert accuracy["reference"] >= 0.98 and accuracy["compiled"] >= accuracy["reference"] - 0.01
    assert accuracy["agreement"] >= 0.99
    assert verification["board_bit_exact"] and verification["max_lsb_per_layer"] <= 3
