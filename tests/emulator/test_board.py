"""The emulated board: exactly the device's memory, and words for every fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import helper

from tinyc.emulator.devices import Device
from tinyc.emulator.image import build_image
from tinyc.emulator.toolchain import Toolchain
from tinyc.ir.errors import BudgetError, UsageError, VerificationError
from tinyc.targets import Target, load_target

from ..kernels.boards import check_on_board
from ..kernels.checks import float_model, lowered
from .subjects import Subject, compiled, device, toolchain_for


def digits() -> Subject:
    return compiled("digits", "nucleo-f446re")


def board(model: Subject, target: Target) -> Device:
    return device(model, target, toolchain_for(target))


def with_ram(target: Target, nbytes: int) -> Target:
    """The target with one RAM of ``nbytes``."""
    ram = replace(target.main_memory("ram"), bytes=nbytes)
    flash = [region for region in target.memory if region.kind == "flash"]
    return replace(target, memory=(*flash, ram))


# ic01 has a stack that is no multiple of what the stack pointer is aligned to
@pytest.mark.parametrize("name", ["digits", "ic01"])
def test_sram_of_exactly_the_measured_size_is_enough(name: str) -> None:
    model, target = compiled(name, "nucleo-f446re"), load_target("nucleo-f446re")
    tight = with_ram(target, board(model, target).run(model.given).touched)
    run = board(model, tight).run(model.given)
    for output, wanted in model.wanted.items():
        np.testing.assert_array_equal(run.outputs[output], wanted)


def test_64_bytes_less_do_not_pass() -> None:
    """The stack then meets the arena."""
    model, target = digits(), load_target("nucleo-f446re")
    short = with_ram(target, board(model, target).run(model.given).touched - 64)
    with pytest.raises(BudgetError, match="its stack reaches down to its variables"):
        board(model, short).run(model.given)


def test_an_arena_that_does_not_fit_is_refused() -> None:
    model, target = digits(), load_target("nucleo-f446re")
    assert model.program.plan is not None
    arena = model.program.plan.arena_bytes
    with pytest.raises(BudgetError, match="larger than the SRAM of nucleo-f446re, by 1,024 bytes"):
        board(model, with_ram(target, arena - 1024))


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


@pytest.mark.parametrize("name", ["board", "memory"])
def test_a_model_may_have_the_name_of_a_file_around_it(name: str) -> None:
    """Where there is no C library, memory.c is around it too."""
    node = helper.make_node("Relu", ["x"], ["y"], "relu")
    check_on_board(replace(lowered(float_model([node], {"x": [1, 5]}, ["y"])), name=name), "esp32-c3")


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
