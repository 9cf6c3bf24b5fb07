"""``--spiking``: the digits network in spikes, its inference as C, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.host import WARNINGS, HostModel
from tinyc.ir.errors import UsageError
from tinyc.ir.invariant import run_once
from tinyc.passes.spiking.inputs import SpikeCoding

from ..codegen.subjects import tool

MODELS = Path(__file__).resolve().parents[2] / "models"
STEPS = 20
OPTIONS = CompileOptions(
    "nucleo-f446re",
    calibration=MODELS / "digits_calibration.npz",
    evaluate=MODELS / "digits_evaluation.npz",
    spiking=STEPS,
)
_MAIN = """#include "digits.h"
#include <stdio.h>
#include <string.h>

static uint8_t arena[DIGITS_ARENA_BYTES] DIGITS_ARENA_ALIGNED;
static uint8_t state[DIGITS_STATE_BYTES] DIGITS_STATE_ALIGNED;

int main(void)
{
    int8_t image[DIGITS_IN_IMAGE_COUNT];
    int16_t logits[DIGITS_OUT_LOGITS_COUNT];
    const digits_inputs in = { image };
    const digits_outputs out = { logits };
    const digits_inputs inside = { digits_in_image(arena) };
    uint32_t steps;

    while (fread(image, 1, sizeof image, stdin) == sizeof image) {
        memcpy(digits_in_image(arena), image, sizeof image);
        if (digits_infer(arena, state, &inside, &out, NULL) != DIGITS_OK) {
            return 1;
        }
        int16_t first[DIGITS_OUT_LOGITS_COUNT];
        memcpy(first, logits, sizeof logits);
        if (digits_infer(arena, state, &in, &out, &steps) != DIGITS_OK) {
            return 2;
        }
        if (memcmp(first, logits, sizeof logits) != 0) {
            return 3;
        }
        printf("%u", (unsigned)steps);
        for (int i = 0; i < 10; ++i) {
            printf(" %d", logits[i]);
        }
        puts("");
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the network after each pass."""
    return tmp_path_factory.mktemp("dumps")


@pytest.fixture(scope="module")
def compiled(dumps: Path) -> Compiled:
    return compile_model(MODELS / "digits.onnx", replace(OPTIONS, dump_passes=dumps))


def test_accuracy_is_int8s_in_few_steps(compiled: Compiled) -> None:
    report = compiled.report.to_dict()
    int8 = compile_model(MODELS / "digits.onnx", replace(OPTIONS, spiking=None, verify=False))
    found, accuracy = report["spiking"]["evaluation"], int8.report.accuracy
    assert accuracy is not None and accuracy.compiled is not None
    assert found["by_step"][-1] >= accuracy.compiled - 0.01
    assert found["at_exit"] >= accuracy.compiled - 0.01
    assert found["mean_steps"] <= 12
    assert found["by_step"][0] < 0.6  # a rate of one step is no rate
    assert report["verification"]["host_bit_exact"]
    assert report["verification"]["board_bit_exact"] is not False
    assert report["accuracy"]["compiled"] == found["at_exit"]


def test_spikes_at_their_threshold_are_counted_and_are_no_error_of_membranes(compiled: Compiled) -> None:
    report = compiled.report.to_dict()
    jsonschema.validate(report, json.loads((MODELS.parent / "tests" / "report_schema.json").read_text()))
    flipped, layers = report["verification"]["spikes_flipped"], report["layers"]
    assert report["verification"]["max_lsb_per_layer"] <= 2
    assert flipped["count"] <= 0.002 * flipped["of"]
    per_layer = [layer["spikes_flipped"] for layer in layers if layer["dtype"] == "bit"]
    named = [found for found in per_layer if found is not None]
    assert sum(found["count"] for found in named) == flipped["count"]
    neurons = [layer for layer in layers if layer["operator"] == "IF"]
    for layer in neurons:
        assert layer["spikes_flipped"]["of"] == 6 * int(np.prod(layer["output_shape"]))


def test_the_first_layer_runs_once_in_an_inference(compiled: Compiled) -> None:
    program, text = compiled.program, compiled.files["digits.c"]
    first = program.steps[0]
    assert run_once(program) == 1
    assert program.held == {first.outputs[0]} and program.persists(first.outputs[0])
    again = text[text.index("void digits_step(") : text.index("digits_status digits_run(")]
    assert "LAYER(2," in again and "LAYER(1," not in again
    assert text.count("DIGITS_LAYER(1, digits_") == 1
    assert "ERR_INPUT_PLACE" not in compiled.files["digits.h"]
    least = compile_model(MODELS / "digits.onnx", replace(OPTIONS, schedule="min-sram", verify=False))
    assert least.report.sram_total < compiled.report.arena + compiled.report.state
    assert not least.program.held and "digits_step" not in least.files["digits.c"]


def test_only_the_first_layer_multiplies(compiled: Compiled) -> None:
    macs = {step.name: step.kernel.cost(compiled.program.buffers[step.outputs[0]].whole).macs
            for step in compiled.program.steps}  # fmt: skip
    first = compiled.program.steps[0].name
    assert {name for name, count in macs.items() if count} == {first}


@pytest.mark.parametrize(
    ("coding", "least"), [("poisson", 0.97), pytest.param("latency", 0.98, marks=pytest.mark.slow)]
)
def test_coded_inputs_leave_no_layer_that_multiplies(coding: SpikeCoding, least: float) -> None:
    found = compile_model(MODELS / "digits.onnx", replace(OPTIONS, spiking=32, spike_coding=coding))
    report = found.report.to_dict()
    assert report["model"]["macs"] == 0
    assert report["spiking"]["evaluation"]["by_step"][-1] >= least
    assert report["verification"]["host_bit_exact"]
    assert report["verification"]["board_bit_exact"] is not False
    (first,) = (layer for layer in report["layers"] if layer["operator"] == coding.capitalize())
    assert first["spikes_flipped"]["count"] == 0
    assert f"--spike-coding {coding}" in report["options"]
    assert "DIGITS_ERR_INPUT_PLACE" in found.files["digits.h"]  # every step reads the image


def test_an_inference_in_c_ends_where_the_report_counted_it(compiled: Compiled, tmp_path: Path) -> None:
    for name, text in compiled.files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "main.c").write_text(_MAIN)
    units = ["main.c", "digits.c", "digits_weights.c"]
    command = [tool("gcc"), "-std=c99", *WARNINGS, "-o", "main", *units]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (quant,) = (compiled.program.buffers[name].quant for name in compiled.program.inputs)
    assert quant is not None
    with np.load(MODELS / "digits_evaluation.npz") as archive:
        real = next(archive[name] for name in archive.files if name != "y")[:40]
    images = np.clip(np.round(real / quant.scale) + quant.zero_point, -128, 127).astype(np.int8)
    done = subprocess.run(
        [tmp_path / "main"], input=images.tobytes(), check=True, capture_output=True
    ).stdout.split()
    told = np.array(done, int).reshape(40, 11)
    (name,), (output,) = compiled.program.inputs, compiled.program.outputs
    with HostModel(compiled.program, compiled.files) as host:
        fed = [[{name: image.reshape(compiled.program.buffers[name].shape)}] * STEPS for image in images]
        runs = host.run_sequences(fed)
    lead = int(compiled.files["digits.h"].split("DIGITS_CERTAIN_LEAD  ")[1].split()[0])
    for steps, sequence in zip(told, runs, strict=True):
        leads = [int(np.diff(np.sort(step[output].reshape(-1)).astype(int)[-2:])[0]) for step in sequence]
        wanted = next((index for index, by in enumerate(leads, start=1) if by > lead), STEPS)
        assert steps[0] == wanted
        assert steps[1:].tolist() == sequence[wanted - 1][output].reshape(-1).tolist()
    assert len(set(told[:, 0])) > 3


@pytest.mark.parametrize("stage", ["03-spiking", "04-quantize"])
def test_a_dumped_model_compiles_to_the_same_inference(
    compiled: Compiled, dumps: Path, stage: str
) -> None:
    """Its calibration and evaluation samples are those of the network that it was made from."""
    options = replace(OPTIONS, spiking=None, name="digits", verify=False)
    if stage == "04-quantize":
        options = replace(options, calibration=None)
    again = compile_model(dumps / f"{stage}.onnx", options)
    assert again.files["digits_weights.c"] == compiled.files["digits_weights.c"]
    noted = [re.findall(r"#define DIGITS_(?:STEPS|CERTAIN_LEAD) .*", made.files["digits.h"])
             for made in (compiled, again)]  # fmt: skip
    assert len(noted[0]) == 2 and noted[1] == noted[0]
    assert "digits_infer" in again.files["digits.h"]
    told, wanted = (made.report.to_dict()["spiking"] for made in (again, compiled))
    assert told["evaluation"] == wanted["evaluation"]
    assert told["calibration"] is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"calibration": None}, "needs calibration samples"),
        ({"calibration": "random"}, "needs calibration samples"),
        ({"spiking": 0}, "--spiking"),
        ({"spiking": -3}, "--spiking"),
        ({"spiking": 100000}, "--spiking"),
        ({"spiking": None, "spike_coding": "poisson"}, "does not go without --spiking"),
        ({"spike_coding": "phase"}, "--spike-coding cannot be 'phase'"),
        ({"precision": "mixed"}, "does not go with --precision mixed"),
        ({"precision": "float32"}, "does not go with --precision float32"),
        ({"check_passes": True}, "does not go with --check-passes"),
    ],
)
def test_refused(changed: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        compile_model(MODELS / "digits.onnx", replace(OPTIONS, **changed))  # pyright: ignore[reportArgumentType]
