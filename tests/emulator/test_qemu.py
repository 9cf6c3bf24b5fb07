"""Cortex-M55 in QEMU: bit-exact outputs, exact counts, and words for what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinyc.emulator.qemu as qemu
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import Toolchain, gcc
from tinyc.ir.errors import BudgetError, UsageError, VerificationError
from tinyc.ir.program import Program
from tinyc.targets import Target, load_target

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target("corstone-300")


@pytest.fixture(scope="module")
def toolchain(target: Target) -> Toolchain:
    found = gcc(target)
    if found is None:
        pytest.skip(f"needs {target.gcc}, which is not installed")
    if qemu.find_qemu() is None:
        pytest.skip(f"needs {qemu.EMULATOR}, which is not installed")
    return found


@pytest.fixture(scope="module")
def digits() -> tuple[Program, Mapping[str, str]]:
    options = CompileOptions(
        target="corstone-300", calibration=MODELS / "digits_calibration.npz", precision="int8", verify=False
    )
    compiled = compile_model(MODELS / "digits.onnx", options)
    return compiled.program, compiled.files


def layers(program: Program) -> list[str]:
    return [step.name for step in program.steps]


def samples(program: Program, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    buffers = [program.buffers[name] for name in program.inputs]
    return {b.name: random.integers(-128, 128, b.shape).astype(b.dtype.numpy) for b in buffers}


def with_body(files: Mapping[str, str], body: str) -> dict[str, str]:
    """The library with its code replaced by ``body``, a digits_run in assembler."""
    text = f'#include "digits.h"\n{body}\n'
    return {"digits.h": files["digits.h"], "digits.c": text}


def assembler(code: str, name: str = "digits_run", kind: str = "digits_status") -> str:
    arguments = "void *arena, const digits_inputs *in, const digits_outputs *out"
    words = code.replace("\n", "\\n")
    return f'__attribute__((naked, used)) {kind} {name}({arguments}) {{ __asm__ volatile("{words}"); }}'


def test_digits_equals_the_numpy_emulator_byte_for_byte_and_repeats(target, toolchain, digits):
    program, files = digits
    board = qemu.QemuBoard(program, files, target, layers(program), toolchain)
    for seed in (0, 1):
        inputs = samples(program, seed)
        run, wanted = board.run(inputs), Machine(program).run(inputs)
        for name, array in wanted.items():
            np.testing.assert_array_equal(run.outputs[name], array)
    assert board.run(inputs).instructions == run.instructions
    assert program.plan is not None
    assert run.touched >= program.plan.arena_bytes + run.stack
    assert [layer.layer for layer in run.layers] == [step.name for step in program.steps]


@pytest.mark.parametrize("model", ["kws01_qdq"])
def test_mlperf_networks_equal_the_numpy_emulator(target, toolchain, shared_models, model):
    options = CompileOptions(target="corstone-300", verify=False)
    compiled = compile_model(shared_models / f"{model}.onnx", options)
    inputs = samples(compiled.program)
    run = qemu.QemuBoard(compiled.program, compiled.files, target, layers(compiled.program), toolchain).run(
        inputs
    )
    for name, array in Machine(compiled.program).run(inputs).items():
        np.testing.assert_array_equal(run.outputs[name], array)


def test_instructions_are_exact(target, toolchain, digits):
    program, files = digits
    loop = assembler("movw r3, #1000\n1: subs r3, #1\nbne 1b\nmovs r0, #0\nbx lr")
    run = qemu.QemuBoard(program, with_body(files, loop), target, layers(program), toolchain).run(
        samples(program)
    )
    assert run.instructions == 1 + 2 * 1000 + 2
    assert run.stack == 0


def test_a_layers_instructions_are_its_own_and_its_helpers(target, toolchain, digits):
    program, files = digits
    layer = f"digits_{program.steps[0].name}"
    body = "\n".join(
        (
            assembler("movw r3, #10\n1: subs r3, #1\nbne 1b\nbx lr", "helper", "int"),
            assembler("push {r4, lr}\nbl helper\npop {r4, pc}", layer, "int"),
            assembler(f"push {{r4, lr}}\nbl {layer}\nmovs r0, #0\npop {{r4, pc}}"),
        )
    )
    run = qemu.QemuBoard(program, with_body(files, body), target, layers(program), toolchain).run(
        samples(program)
    )
    assert run.layers[0].instructions == 3 + 1 + 2 * 10 + 1
    # the code behind the call lies in digits_run again
    assert run.instructions == run.layers[0].instructions + 4
    assert sum(other.instructions for other in run.layers[1:]) == 0


def test_stack_is_what_was_written_below_the_caller(target, toolchain, digits):
    program, files = digits
    deep = assembler("sub sp, #120\nmovs r0, #0\nstr r0, [sp]\nadd sp, #120\nbx lr")
    run = qemu.QemuBoard(program, with_body(files, deep), target, layers(program), toolchain).run(
        samples(program)
    )
    assert run.stack == 120


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("mov.w r3, #0x50000000\nldr r3, [r3]\nbx lr", ["fault", "0x50000000", "digits_run"]),
        ("udf #0\nbx lr", ["fault", "CFSR 0x00010000"]),
        ("movs r0, #2\nbx lr", ["status 2"]),
    ],
)
def test_what_goes_wrong_is_named(target, toolchain, digits, code, words):
    program, files = digits
    board = qemu.QemuBoard(program, with_body(files, assembler(code)), target, layers(program), toolchain)
    with pytest.raises(VerificationError) as raised:
        board.run(samples(program))
    for word in ["emulated corstone-300", *words]:
        assert word in str(raised.value)


def test_an_endless_loop_ends_at_the_limit(target, toolchain, digits, monkeypatch):
    monkeypatch.setattr(qemu, "INSTRUCTION_LIMIT", 100_000)
    program, files = digits
    board = qemu.QemuBoard(
        program, with_body(files, assembler("1: b 1b")), target, layers(program), toolchain
    )
    with pytest.raises(VerificationError, match="100,000 instructions: an endless loop"):
        board.run(samples(program))


def test_a_model_larger_than_flash_says_by_how_much(target, toolchain, digits):
    program, files = digits
    regions = (replace(r, bytes=4096) if r.kind == "flash" and r.role == "main" else r for r in target.memory)
    small = replace(target, memory=tuple(regions))
    with pytest.raises(
        BudgetError, match=r"larger than the flash of corstone-300, by [\d,]+ byte"
    ):
        qemu.QemuBoard(program, files, small, layers(program), toolchain)


def test_a_compiler_that_fails_is_quoted(target, toolchain, digits):
    program, files = digits
    with pytest.raises(UsageError, match="not C at all") as raised:
        qemu.QemuBoard(program, with_body(files, "#error not C at all"), target, layers(program), toolchain)
    assert toolchain.command[0] in raised.value.where


def test_other_cores_are_refused(toolchain, digits):
    program, files = digits
    with pytest.raises(UsageError, match="nucleo-f446re does not run in QEMU"):
        qemu.QemuBoard(program, files, load_target("nucleo-f446re"), layers(program), toolchain)


def test_without_qemu_the_error_says_what_to_install(target, digits, monkeypatch):
    monkeypatch.setattr(qemu, "find_qemu", lambda: None)
    program, files = digits
    unused = Toolchain(("false",), (), "none", complete=True)
    with pytest.raises(UsageError, match="apt install qemu-system-arm"):
        qemu.QemuBoard(program, files, target, layers(program), unused)
