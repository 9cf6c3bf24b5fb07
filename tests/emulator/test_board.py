"""The emulated board: every core computes the emulator's bytes, in exactly the device's memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.board import Board
from tinyc.emulator.image import build_image
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import Toolchain, find_toolchain, gcc, zig
from tinyc.ir.errors import BudgetError, UsageError, VerificationError
from tinyc.ir.program import Program
from tinyc.targets import Target, load_target

MODELS = Path(__file__).resolve().parents[2] / "models"
BOARDS = ["nucleo-g0b1re", "nucleo-f446re", "nucleo-h743zi", "nrf5340dk", "esp32-c3", "gd32vf103"]


@dataclass(frozen=True)
class Subject:
    program: Program
    files: Mapping[str, str]
    given: Mapping[str, np.ndarray]
    wanted: Mapping[str, np.ndarray]


@cache
def digits() -> Subject:
    options = CompileOptions("nucleo-f446re", calibration=MODELS / "digits_calibration.npz", verify=False)
    return subject(compile_model(MODELS / "digits.onnx", options))


def subject(compiled: Compiled) -> Subject:
    """One random input of whole bytes, and what the NumPy emulator makes of it."""
    program = compiled.program
    generator = np.random.default_rng(0)
    given = {
        name: generator.integers(-128, 128, program.buffers[name].shape).astype(np.int8)
        for name in program.inputs
    }
    return Subject(program, compiled.files, given, Machine(program).run(given))


def toolchain_for(target: Target) -> Toolchain:
    found = find_toolchain(target)
    if found is None:
        pytest.skip(f"no cross compiler for {target.name} on this machine")
    return found


def board(model: Subject, target: Target, toolchain: Toolchain | None = None) -> Board:
    image = build_image(model.program, model.files, target, toolchain or toolchain_for(target))
    return Board(model.program, image, target, [step.name for step in model.program.steps])


@pytest.mark.parametrize("name", BOARDS)
def test_every_core_computes_the_same_bytes(name: str) -> None:
    model, target = digits(), load_target(name)
    device = board(model, target)
    first, again = device.run(model.given), device.run(model.given)
    for output, wanted in model.wanted.items():
        np.testing.assert_array_equal(first.outputs[output], wanted)
    assert (first.instructions, first.cycles) == (again.instructions, again.cycles)
    assert first.cycles is not None and first.cycles > 0
    assert all(layer.instructions > 0 for layer in first.layers), "a layer's work was not counted"
    assert sum(layer.instructions for layer in first.layers) <= first.instructions
    assert 0 < first.stack < 1024
    plan = model.program.plan
    assert plan is not None and first.touched == plan.arena_bytes + first.stack


@pytest.mark.parametrize("make", [gcc, zig])
def test_both_compilers_build_it(make) -> None:
    model, target = digits(), load_target("nucleo-f446re")
    toolchain = make(target)
    if toolchain is None:
        pytest.skip(f"{make.__name__} is not installed")
    run = board(model, target, toolchain).run(model.given)
    for output, wanted in model.wanted.items():
        np.testing.assert_array_equal(run.outputs[output], wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ad01", "ic01", "kws01", "vww01"])
@pytest.mark.parametrize("core", BOARDS[:5])
def test_the_mlperf_networks(shared_models: Path, name: str, core: str) -> None:
    options = CompileOptions("nucleo-l4r5zi", verify=False)
    model = subject(compile_model(shared_models / f"{name}_qdq.onnx", options))
    run = board(model, load_target(core)).run(model.given)
    for output, wanted in model.wanted.items():
        np.testing.assert_array_equal(run.outputs[output], wanted)


def with_ram(target: Target, nbytes: int) -> Target:
    """The target with one RAM of ``nbytes``."""
    ram = replace(target.main_memory("ram"), bytes=nbytes)
    flash = [region for region in target.memory if region.kind == "flash"]
    return replace(target, memory=(*flash, ram))


def test_sram_of_exactly_the_measured_size_is_enough() -> None:
    model, target = digits(), load_target("nucleo-f446re")
    need = -(-board(model, target).run(model.given).touched // 8) * 8
    tight = board(model, with_ram(target, need)).run(model.given)
    for output, wanted in model.wanted.items():
        np.testing.assert_array_equal(tight.outputs[output], wanted)


def test_64_bytes_less_do_not_pass() -> None:
    """The stack then meets the arena: outputs differ or an access leaves the memory."""
    model, target = digits(), load_target("nucleo-f446re")
    need = -(-board(model, target).run(model.given).touched // 8) * 8
    with pytest.raises(VerificationError):
        board(model, with_ram(target, need - 64)).run(model.given)


def test_an_arena_that_does_not_fit_is_refused() -> None:
    model, target = digits(), load_target("nucleo-f446re")
    with pytest.raises(BudgetError, match="larger than the SRAM of nucleo-f446re, by 1,024 bytes"):
        board(model, with_ram(target, 2048))


def test_flash_that_is_too_small_is_refused() -> None:
    model, target = digits(), load_target("nucleo-f446re")
    flash = replace(target.main_memory("flash"), bytes=4096)
    small = replace(target, memory=(flash, target.main_memory("ram")))
    with pytest.raises(BudgetError, match="larger than the flash of nucleo-f446re"):
        board(model, small)


def changed(model: Subject, old: str, new: str) -> Subject:
    """The model with a piece of its C replaced."""
    name = f"{model.program.name}.c"
    text = model.files[name]
    assert old in text
    return replace(model, files={**model.files, name: text.replace(old, new, 1)})


def test_a_write_outside_the_memory_is_caught() -> None:
    target = load_target("nucleo-f446re")
    end = target.main_memory("ram").end
    spoiled = changed(
        digits(), "    return DIGITS_OK;", f"    *(volatile int8_t *){end + 4}u = 1;\n    return DIGITS_OK;"
    )
    with pytest.raises(VerificationError) as caught:
        board(spoiled, target).run(spoiled.given)
    text = str(caught.value)
    assert f"0x{end + 4:08x}" in text and "4 bytes behind the end of" in text and "digits_run" in text


def test_memory_ends_at_the_byte_and_not_at_the_page() -> None:
    target = with_ram(load_target("nucleo-f446re"), 8 * 1024 + 96)
    end = target.main_memory("ram").end
    spoiled = changed(
        digits(), "    return DIGITS_OK;", f"    *(volatile int8_t *){end}u = 1;\n    return DIGITS_OK;"
    )
    with pytest.raises(VerificationError, match="0 bytes behind the end"):
        board(spoiled, target).run(spoiled.given)


def test_an_endless_loop_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyc.emulator.board.INSTRUCTION_LIMIT", 3_000_000)
    target = load_target("nucleo-f446re")
    loop = "    for (volatile int spin = 0; spin == 0;) {\n    }\n    return DIGITS_OK;"
    spoiled = changed(digits(), "    return DIGITS_OK;", loop)
    with pytest.raises(VerificationError, match="more than 3,000,000 instructions: an endless loop"):
        board(spoiled, target).run(spoiled.given)


def test_a_failing_compiler_shows_its_words_and_the_command() -> None:
    target = load_target("nucleo-f446re")
    spoiled = changed(digits(), "    return DIGITS_OK;", "    return DIGITS_OK")
    with pytest.raises(UsageError) as caught:
        board(spoiled, target)
    assert "digits.c" in str(caught.value) and "link.ld" in str(caught.value)


def test_a_target_without_a_memory_map_is_refused() -> None:
    with pytest.raises(UsageError, match="no flash memory map"):
        build_image(digits().program, digits().files, load_target("host"), Toolchain(("cc",), (), "cc", True))
