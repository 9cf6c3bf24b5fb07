"""States from the model to the C that runs here: what persists, what a reset does, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.codegen.emit import Facts, emit
from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.compiler.scheduling import ordered
from tinyc.compiler.stepping import Stepper, unrolled
from tinyc.emulator.host import HostModel, build, run_selftest
from tinyc.emulator.machine import Machine
from tinyc.ir.errors import VerificationError
from tinyc.ir.values import to_real
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.options import QuantizeOptions
from tinyc.passes.samples import Sequences
from tinyc.passes.settle import settle_states
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from ..passes.onnx_text import build as graph
from ..passes.onnx_text import normal
from .command_line import tinyc
from .refusals import refused
from .refusals import saved as saved_model
from .stateful import MODELS, compiled, saved


def reference(name: str, xs: np.ndarray) -> np.ndarray:
    """[sequences, steps, *shape of y] by ONNX Runtime on the float model, states fed back."""
    stepper = Stepper(import_model(MODELS[name].proto, states=MODELS[name].states))
    return np.array([[step["y"] for step in stepper.run(s)[1]] for s in Sequences({"x": xs})])


def on_host(made: Compiled, xs: np.ndarray) -> np.ndarray:
    """The same by the C on this machine, in real numbers."""
    program = made.program
    stored = [[stored_inputs(program, step) for step in sequence] for sequence in Sequences({"x": xs})]
    with HostModel(program, made.files) as host:
        runs = host.run_sequences(stored)
    output = program.buffers[program.outputs[0]]
    return np.array([[to_real(step[output.name], output) for step in sequence] for sequence in runs])


def copies(made: Compiled) -> int:
    return sum(step.name.startswith("keep_") for step in made.program.steps)


@pytest.mark.parametrize("name", MODELS)
def test_float_states_give_what_onnx_runtime_gives_step_by_step(name: str, tmp_path: Path) -> None:
    made = compiled(name, tmp_path, int8=False)
    xs = MODELS[name].sequences(3, 7, seed=1)
    want = reference(name, xs)
    np.testing.assert_allclose(on_host(made, xs), want, rtol=0, atol=1e-5 * np.abs(want).max())
    assert copies(made) == MODELS[name].copied


@pytest.mark.parametrize("name", MODELS)
def test_quantized_states_persist_as_integers(name: str, tmp_path: Path) -> None:
    made = compiled(name, tmp_path, int8=True)
    plan, verification = made.program.plan, made.report.verification
    assert plan is not None and verification is not None
    kept = [made.program.buffers[state.before] for state in made.program.states]
    assert {buffer.dtype.value[0] for buffer in kept} == {"int8" if MODELS[name].integers else "float32"}
    assert plan.state_bytes >= sum(buffer.nbytes for buffer in kept) > plan.state_bytes - 4 * len(kept)
    assert verification.host_bit_exact and verification.vectors == 6 and (verification.max_lsb or 0) <= 1
    run_selftest(made.program, made.files)
    xs = MODELS[name].sequences(8, 5)
    want = reference(name, xs)
    assert np.abs(on_host(made, xs) - want).max() <= 0.05 * np.abs(want).max()


def test_a_reset_begins_anew_and_nothing_else_does(tmp_path: Path) -> None:
    made = compiled("cell", tmp_path, int8=True)
    xs = MODELS["cell"].sequences(1, 6, seed=2)
    twice = on_host(made, np.concatenate([xs, xs]))
    np.testing.assert_array_equal(twice[0], twice[1])
    once = on_host(made, xs.reshape(1, 6, 1, 4).repeat(2, axis=1))
    assert (once[0, 1] != once[0, 0]).any()  # the same input, another state
    machine = Machine(made.program)
    stored = [stored_inputs(made.program, {"x": x}) for x in xs[0]]
    first = [machine.run(x)["y"] for x in stored]
    machine.reset()
    for again, before in zip(stored, first, strict=True):
        np.testing.assert_array_equal(machine.run(again)["y"], before)


INTERLEAVED = """
#include <stdio.h>
#include "net.h"

static uint8_t arena[NET_ARENA_BYTES] NET_ARENA_ALIGNED;
static union { uint8_t bytes[NET_STATE_BYTES]; uint64_t aligned; } states[2];

int main(void)
{
    int8_t x[NET_IN_X_COUNT], y[NET_OUT_Y_COUNT];
    int stream;

    if (net_reset(NULL) != NET_ERR_NULL || net_reset(states[0].bytes + 1) != NET_ERR_STATE_ALIGN
        || net_reset(states[0].bytes) != NET_OK || net_reset(states[1].bytes) != NET_OK
        || net_run(arena, NULL, &(net_inputs){ x }, &(net_outputs){ y }) != NET_ERR_NULL
        || net_run(arena, states[0].bytes + 1, &(net_inputs){ x }, &(net_outputs){ y })
            != NET_ERR_STATE_ALIGN) {
        return 1;
    }
    while ((stream = getchar()) != EOF) {
        if (fread(x, 1, sizeof x, stdin) != sizeof x
            || net_run(arena, states[stream].bytes, &(net_inputs){ x }, &(net_outputs){ y }) != NET_OK) {
            return 2;
        }
        fwrite(y, 1, sizeof y, stdout);
    }
    return 0;
}
"""


def test_two_streams_have_a_state_each_and_share_the_arena(tmp_path: Path) -> None:
    made = compiled("cell", tmp_path, int8=True)
    xs = MODELS["cell"].sequences(2, 6, seed=3)
    order = [0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0]
    machines, taken = [Machine(made.program), Machine(made.program)], [0, 0]
    fed, want = b"", b""
    for stream in order:
        stored = stored_inputs(made.program, {"x": xs[stream, taken[stream]]})
        taken[stream] += 1
        fed += bytes([stream]) + stored["x"].tobytes()
        want += machines[stream].run(stored)["y"].tobytes()
    (tmp_path / "c").mkdir()
    executable = build(tmp_path / "c", made.files, INTERLEAVED)
    done = subprocess.run([executable], input=fed, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout == want


def test_an_initializer_is_the_value_after_a_reset(tmp_path: Path) -> None:
    initial = normal(1, 5, seed=4)
    model = graph(
        "float[1,5] x, float[1,5] h", "hn = Add(h, x) y = Relu(hn)", {"h": initial},
        outputs="float[1,5] y, float[1,5] hn",
    )  # fmt: skip
    program = place(settle_states(lower(canonicalize(import_model(model, states=["h:hn"])), "net")))
    machine, x = Machine(program), normal(1, 5, seed=5)
    np.testing.assert_array_equal(machine.run({"x": x})["y"], np.maximum(initial + x, 0))
    again = import_model(oir.serde.serialize_model(import_model(model, states=["h:hn"])))  # as it was dumped
    assert lower(canonicalize(again), "net").states[0].initial == initial.tobytes()
    without = lower(canonicalize(import_model(model)), "net")
    assert not without.states and without.inputs == ("x",)  # then it is a constant, as ever
    path = saved_model(model, tmp_path)
    done = tinyc("compile", path, "--target", "host", "--state", "h:hn", "--precision", "float32",
                 "-o", tmp_path / "out", "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert "memcpy(MODEL_STATE_AT(0), model_initial_h" in (tmp_path / "out" / "model.c").read_text()


def test_what_the_model_names_itself_is_a_state_too(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(MODELS["swap"].proto.SerializeToString())
    onnx.helper.set_model_props(model, {"tinyc.states": "g:gn"})
    assert [s.before for s in lower(canonicalize(import_model(model)), "n").states] == ["g"]
    both = import_model(model, states=["h:hn", "g:gn"])
    assert [s.before for s in lower(canonicalize(both), "n").states] == ["g", "h"]


QUANTIZED = """
    xq = QuantizeLinear(x, scale, zero)  xr = DequantizeLinear(xq, scale, zero)
    {before}  a = Add(hr, xr)
    aq = QuantizeLinear(a, other, zero)  ar = DequantizeLinear(aq, other, zero)  r = Relu(ar)
    rq = QuantizeLinear(r, other, zero)  y = DequantizeLinear(rq, other, zero)
    {after}
"""
FLOAT_SIDES = {
    "before": "hq = QuantizeLinear(h, scale, zero)  hr = DequantizeLinear(hq, scale, zero)",
    "after": "hn = DequantizeLinear(aq, other, zero)",
}
INTEGER_SIDES = {"before": "hr = DequantizeLinear(h, other, zero)", "after": "hn = Identity(aq)"}


@pytest.mark.parametrize(
    ("element", "sides", "other", "stored"),
    [
        ("float", FLOAT_SIDES, 0.03, "int8"),
        ("float", FLOAT_SIDES, 0.05, "float32"),
        ("int8", INTEGER_SIDES, 0.05, "int8"),
    ],
)
def test_models_that_come_quantized(
    element: str, sides: dict[str, str], other: float, stored: str, tmp_path: Path
) -> None:
    weights = {"scale": np.float32(0.03), "other": np.float32(other), "zero": np.int8(5)}
    model = graph(
        f"float[1,5] x, {element}[1,5] h", QUANTIZED.format(**sides),
        {name: np.asarray(value) for name, value in weights.items()},
        outputs=f"float[1,5] y, {element}[1,5] hn",
    )  # fmt: skip
    made = compile_model(model, CompileOptions("host", states=["h:hn"], name="net"))
    (state,) = made.program.states
    assert made.program.buffers[state.before].dtype.value[0] == stored
    assert set(state.initial) == ({5} if stored == "int8" else {0})
    assert made.report.verification is not None and (made.report.verification.max_lsb or 0) <= 1
    xs = normal(1, 6, 1, 5, seed=8)
    stepper = Stepper(import_model(model, states=["h:hn"]))
    (sequence,) = Sequences({"x": xs})
    want = np.array([[step["y"] for step in stepper.run(sequence)[1]]])
    assert np.abs(on_host(made, xs) - want).max() <= 6 * other  # an LSB a step at most


@pytest.mark.parametrize(("name", "nbytes"), [("cell", 3), ("window", 3), ("late", 3), ("stream", 196)])
def test_states_of_four_bits_are_packed(name: str, nbytes: int) -> None:
    chosen = MODELS[name]
    model = canonicalize(import_model(chosen.proto, states=chosen.states))
    sequences = Sequences({"x": chosen.sequences(6, 5)})
    narrow = QuantizeOptions(activation_bits={"hn": 4})
    quantized = quantize(model, unrolled(model, sequences).arrays, narrow)
    program = place(ordered(lower(quantized, "net")))
    validate(program)
    assert program.plan is not None and program.plan.state_bytes == nbytes
    stored = [stored_inputs(program, step) for step in next(iter(sequences))]
    machine = Machine(program)
    files = emit(program, load_target("host"), Facts("0", "net.onnx", "0", 25, 0, 0, ""))
    with HostModel(program, files) as host:
        for run, inputs in zip(host.run(stored), stored, strict=True):
            np.testing.assert_array_equal(run["y"], machine.run(inputs)["y"])


def test_the_validator_finds_a_state_that_is_overwritten_before_its_last_read() -> None:
    unsettled = lower(canonicalize(import_model(MODELS["late"].proto, states=["h:hn"])), "net")
    with pytest.raises(VerificationError, match="state bytes"):
        validate(place(unsettled))
    settled = place(settle_states(unsettled))
    validate(settled)
    assert settled.plan is not None
    moved = {**settled.plan.offsets, settled.states[0].after: 4}
    with pytest.raises(VerificationError, match="it does not lie where h does"):
        validate(replace(settled, plan=replace(settled.plan, offsets=moved, state_bytes=24)))


@pytest.mark.parametrize("int8", [False, True])
def test_a_state_is_renewed_row_by_row(int8: bool, tmp_path: Path) -> None:
    made = compiled("stream", tmp_path, int8, schedule="min-sram")
    fast = compiled("stream", tmp_path, int8, schedule="fast")
    for one in (made, fast):  # in a stream too, rows of the new state take the place of the old one's
        assert copies(one) == 0
    writer = next(i for i, s in enumerate(made.program.steps) if made.program.states[0].after in s.outputs)
    assert sum(task.step == writer for task in made.program.tasks) >= 14
    xs = MODELS["stream"].sequences(2, 4, seed=6)
    np.testing.assert_allclose(on_host(made, xs), on_host(fast, xs), rtol=0, atol=0 if int8 else 1e-5)


def test_rows_of_an_input_can_be_fed_while_states_stay_whole(tmp_path: Path) -> None:
    made = compiled("image", tmp_path, int8=True, input_mode="rows")
    assert made.program.fed == ("x",)
    run_selftest(made.program, made.files)
    xs = MODELS["image"].sequences(1, 4, seed=7)
    np.testing.assert_array_equal(on_host(made, xs), on_host(compiled("image", tmp_path, int8=True), xs))


def test_a_model_without_states_has_no_word_of_them(tmp_path: Path) -> None:
    model = graph("float[1,5] x", "y = Relu(x)", outputs="float[1,5] y")
    path = saved_model(model, tmp_path)
    arguments = ("--target", "host", "--precision", "float32", "-o", tmp_path / "out", "--json")
    done = tinyc("compile", path, *arguments)
    assert done.code == 0 and json.loads(done.out)["sram"]["state"] == 0
    for file in (tmp_path / "out").glob("*.[ch]"):
        words = file.read_text().replace("STATE_BYTES", "").lower()
        assert "reset" not in words and "state" not in words, file.name


SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.parametrize("options", [{}, {"input_mode": "rows"}])
def test_the_c_has_no_finding(options: dict[str, str], tmp_path: Path) -> None:
    made = compiled("image", tmp_path, int8=True, **options)
    clang, checker, plus = (shutil.which(name) for name in ("clang", "cppcheck", "g++"))
    if clang is None or checker is None or plus is None:
        pytest.skip("needs clang, cppcheck and g++")
    stored = [stored_inputs(made.program, {"x": x}) for x in MODELS["image"].sequences(1, 3)[0]]
    with HostModel(made.program, made.files, (clang,), SANITIZERS) as host:
        machine = Machine(made.program)
        for run, inputs in zip(host.run(stored), stored, strict=True):
            np.testing.assert_array_equal(run["y"], machine.run(inputs)["y"])
    for name, text in made.files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "user.cpp").write_text(
        '#include "net.h"\n'
        "net_status use(void *arena, void *state, const net_inputs &in, const net_outputs &out)\n"
        "{\n    return net_reset(state) == NET_OK ? net_run(arena, state, &in, &out) : NET_ERR_NULL;\n}\n"
    )
    for command in (
        [checker, "--quiet", "--std=c99", "--enable=warning,performance,portability,style",
         "--error-exitcode=1", "net.c"],
        [plus, "-std=c++11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "user.cpp"],
    ):  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# ---- the command line ----


def test_commands_on_a_folder_of_a_stateful_model(tmp_path: Path) -> None:
    cell = MODELS["cell"]
    model = saved_model(cell.proto, tmp_path, "cell.onnx")
    xs, out = cell.sequences(4, 5), tmp_path / "out"
    want = reference("cell", xs)
    samples = saved(xs, tmp_path, y=want.reshape(4, 5, -1).argmax(-1))
    done = tinyc("compile", model, "--target", "host", "--state", "h:hn", "--calibration", samples,
                 "--evaluate", samples, "-o", out, "--json")  # fmt: skip
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["sram"]["state"] == 6 and report["sram"]["total"] == report["sram"]["arena"] + 6
    assert report["calibration"] == "calibrated on 4 sequences of 5 steps"
    assert report["accuracy"]["samples"] == 20 and report["accuracy"]["reference"] == 1.0
    assert [state["tensor"] for state in report["model"]["states"]] == ["h"]
    assert [tensor["tensor"] for tensor in report["model"]["inputs"]] == ["x"]
    assert tinyc("run", out, "--input", samples, "-o", tmp_path / "y.npz").code == 0
    assert np.load(tmp_path / "y.npz")["y"].shape == want.shape
    assert np.abs(np.load(tmp_path / "y.npz")["y"] - want).max() < 0.05 * np.abs(want).max()
    assert tinyc("verify", out).code == 0
    seen = tinyc("inspect", model, "--state", "h:hn", "--json")
    assert seen.code == 0 and json.loads(seen.out)["state"] == 6


def test_one_label_for_a_sequence_judges_its_last_step(tmp_path: Path) -> None:
    cell = MODELS["cell"]
    xs = cell.sequences(4, 5)
    last = reference("cell", xs)[:, -1].reshape(4, -1).argmax(-1)
    made = compiled("cell", tmp_path, int8=False, evaluate=saved(xs, tmp_path, y=last))
    assert made.report.accuracy is not None
    assert (made.report.accuracy.samples, made.report.accuracy.reference) == (4, 1.0)


TWO = "float[1,5] x, float[1,5] h", "hn = Add(h, x) y = Relu(hn)", "float[1,5] y, float[1,5] hn"

REFUSED: dict[str, tuple[int, Sequence[str], str]] = {
    "no colon": (2, ["h"], "no colon"),
    "no such input": (2, ["z:hn"], "no input 'z'"),
    "no such output": (2, ["h:z"], "no output 'z'"),
    "an output twice": (2, ["h:hn", "x:hn"], "belongs to two states"),
    "an input twice": (2, ["h:hn", "h:y"], "belongs to two states"),
    "a comma": (2, ["h:hn,x:y"], "holds a comma"),
    "nothing given": (3, ["h:hn", "x:y"], "Every input"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_states_that_are_refused(case: str, tmp_path: Path) -> None:
    code, states, words = REFUSED[case]
    inputs, body, outputs = TWO
    model = saved_model(graph(inputs, body, outputs=outputs), tmp_path)
    options = [option for state in states for option in ("--state", state)]
    assert words in refused(code, model, "--precision", "float32", *options)


@pytest.mark.parametrize(
    ("initial", "words"),
    [(np.zeros((1, 6), np.float32), "24 bytes"), (np.full((1, 5), np.nan, np.float32), "not finite")],
)
def test_initial_values_that_do_not_fit(initial: np.ndarray, words: str, tmp_path: Path) -> None:
    inputs, body, outputs = TWO
    model = graph(inputs, body, {"h": initial}, outputs=outputs)
    options = ("--precision", "float32", "--state", "h:hn")
    assert words in refused(3, saved_model(model, tmp_path), *options)


@pytest.mark.parametrize("noted", ["{", "[1]", '{"h": "%"}', '{"h": 1}'])
def test_damaged_notes_are_refused(noted: str, tmp_path: Path) -> None:
    inputs, body, outputs = TWO
    model = graph(inputs, body, outputs=outputs)
    onnx.helper.set_model_props(model, {"tinyc.states": "h:hn", "tinyc.states.initial": noted})
    assert "damaged" in refused(3, saved_model(model, tmp_path), "--precision", "float32")


@pytest.mark.parametrize(
    ("output", "body", "words"),
    [
        ("float[1,10] hn", "hn = Concat<axis=1>(h, x)", "different shapes"),
        ("bool[1,5] hn", "hn = Less(h, x)", "different element types"),
    ],
)
def test_sides_that_are_not_alike(output: str, body: str, words: str, tmp_path: Path) -> None:
    model = graph(TWO[0], f"{body} y = Relu(x)", outputs=f"float[1,5] y, {output}")
    options = ("--precision", "float32", "--state", "h:hn")
    assert words in refused(3, saved_model(model, tmp_path), *options)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((4, 5), np.float32)}, "give [n, steps, 5] float32: the model has states"),
        ({"x": np.zeros((4, 3, 6), np.float32)}, "its shape is [4, 3, 6]"),
        ({"x": np.zeros((4, 0, 5), np.float32)}, "time steps: 'x' 0"),
        ({"x": np.zeros((4, 3, 5), np.float32), "y": np.zeros((4, 2))}, "labels 'y': their shape is [4, 2]"),
    ],
)
def test_samples_that_are_no_sequences(
    arrays: dict[str, np.ndarray], words: str, tmp_path: Path
) -> None:
    inputs, body, outputs = TWO
    model = saved_model(graph(inputs, body, outputs=outputs), tmp_path)
    np.savez(tmp_path / "s.npz", **arrays)
    options = ("--calibration", tmp_path / "s.npz", "--state", "h:hn")
    assert words in refused(2, model, *options)
