"""What ``tinyc compile`` measures on the emulated board, and what it says where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.measurement import Measurement, Unmeasured, measure
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.compiler.verdict import require_fit
from tinyc.compiler.verification import emulate
from tinyc.emulator.qemu import find_qemu
from tinyc.emulator.toolchain import find_toolchain
from tinyc.ir.errors import BudgetError, UsageError, VerificationError
from tinyc.passes.samples import load_samples
from tinyc.targets import load_target

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "models" / "digits_calibration.npz"
BOARD = "nucleo-f446re"


@pytest.fixture(autouse=True)
def board() -> None:
    if find_toolchain(load_target(BOARD)) is None:
        pytest.skip("no cross compiler for Cortex-M4 on this machine")


def compiled(target: str | Path, **options: object) -> Compiled:
    """The digits model, layer by layer: a small budget is met by no other schedule."""
    given = {"calibration": SAMPLES, "schedule": "fast"} | options
    return compile_model(ROOT / "models" / "digits.onnx", CompileOptions(str(target), **given))


@cache
def digits() -> Compiled:
    return compiled(BOARD)


def measured(made: Compiled) -> Measurement:
    found = made.report.measurement
    assert found is not None
    return found


def smaller(tmp_path: Path, sram: int | None = None, flash: int | None = None) -> Path:
    """A target file of the board with less memory."""
    text = (ROOT / "targets" / f"{BOARD}.toml").read_text(encoding="utf-8")
    head, flash_block, sram_block, _ = text.split("[[memory]]\n")
    if sram is not None:
        sram_block = sram_block.replace("114_688", str(sram))
    if flash is not None:
        flash_block = flash_block.replace("524_288", str(flash))
    path = tmp_path / "small.toml"
    path.write_text("[[memory]]\n".join((head, flash_block, sram_block)), encoding="utf-8")
    return path


# ---- the totals, and the device that is cut to them ----


def test_the_header_has_what_was_measured() -> None:
    made, found = digits(), measured(digits())
    header = made.files["digits.h"]
    assert f"#  define DIGITS_STACK_BYTES {found.footprint.stack}u" in header
    assert f"{found.toolchain} -O2 on the emulated {BOARD}" in header
    assert made.report.sram_total == made.report.arena + found.footprint.stack
    assert made.report.flash_total == found.footprint.code + found.footprint.constants


def test_sram_of_exactly_the_total_is_enough(tmp_path: Path) -> None:
    total = digits().report.sram_total
    made = compiled(smaller(tmp_path, sram=total))
    assert made.report.fits and made.report.sram_total == total and measured(made).exact


def test_64_bytes_of_sram_less_are_refused_by_how_much(tmp_path: Path) -> None:
    total = digits().report.sram_total
    made = compiled(smaller(tmp_path, sram=total - 64))
    assert made.report.sram_total == total and not made.report.fits
    with pytest.raises(BudgetError, match=f"{total:,} bytes of SRAM .* 64 too many") as caught:
        require_fit(made.report)
    assert "the deepest stack takes" in caught.value.where and "--target" in caught.value.remedy


def test_code_that_is_too_large_for_flash_is_refused_by_how_much(tmp_path: Path) -> None:
    total = digits().report.flash_total
    made = compiled(smaller(tmp_path, flash=total - 100))
    assert measured(made).exact and made.report.flash_total == total
    with pytest.raises(BudgetError, match=f"{total:,} bytes of flash .* 100 too many") as caught:
        require_fit(made.report)
    assert "code takes" in caught.value.where


@pytest.mark.parametrize(("memory", "name"), [("sram", "SRAM1"), ("flash", "FLASH")])
def test_a_plan_that_does_not_fit_is_not_emulated(tmp_path: Path, memory: str, name: str) -> None:
    made = compiled(smaller(tmp_path, **{memory: 2048}))
    assert made.report.measured == Unmeasured(f"{name} has no room for what is planned alone", "")
    assert made.report.method == "estimated"
    with pytest.raises(BudgetError, match="does not fit nucleo-f446re"):
        require_fit(made.report)


def test_a_budget_of_the_total_is_met_and_one_byte_less_is_not() -> None:
    total = digits().report.sram_total
    for budget, fits in ((total, True), (total - 1, False)):
        made = compiled(BOARD, sram_budget=budget)
        assert made.report.fits == fits
        assert f"DIGITS_SRAM_BUDGET {budget}u" in made.files["digits.h"]


# ---- without a board ----


def estimated(made: Compiled, words: str) -> None:
    report = made.report.to_dict()
    assert report["sram"]["method"] == report["flash"]["method"] == "estimated"
    assert report["sram"]["total"] == report["sram"]["arena"]
    assert report["flash"]["total"] == report["flash"]["weights"]
    for unknown in (report["sram"]["stack"], report["flash"]["code"], report["compute"]["instructions"]):
        assert unknown is None
    assert report["toolchain"] is None and words in report["unmeasured"]
    assert "DIGITS_STACK_BYTES" not in made.files["digits.h"]


def test_no_cross_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyc.emulator.devices.find_toolchain", lambda target: None)
    made = compiled(BOARD)
    estimated(made, "no cross compiler for cortex-m4: pip install 'tinyc[toolchain]'")
    assert made.report.verification is not None and made.report.verification.board_bit_exact is None


def test_no_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyc.emulator.devices.find_spec", lambda name: None)
    estimated(compiled(BOARD), "no unicorn, capstone, elftools: pip install 'tinyc[toolchain]'")


def test_no_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyc.emulator.qemu.find_qemu", lambda: None)
    estimated(compiled("corstone-300", precision="int8"), "apt install qemu-system-arm")


def test_this_computer_is_no_board() -> None:
    estimated(compiled("host", precision="int8"), "this computer is no board")


def test_without_verification() -> None:
    estimated(compiled(BOARD, verify=False), "--no-verify")


# ---- what a run must not do ----


def again(files: Mapping[str, str], change: float = 0) -> Measurement | Unmeasured:
    """``digits`` of other C on the board, held against outputs that are off by ``change``."""
    program = digits().program
    (sample, *_) = load_samples(SAMPLES, digits_inputs())
    (wanted,) = emulate(program, [sample])
    falsified = {name: (array + change).astype(array.dtype) for name, array in wanted.items()}
    return measure(program, files, load_target(BOARD), [stored_inputs(program, sample)], [falsified])


def digits_inputs():
    from tinyc.passes.import_onnx import import_model
    from tinyc.passes.samples import input_specs

    return input_specs(import_model(ROOT / "models" / "digits.onnx").graph.inputs)


def altered(name: str, old: str, new: str) -> dict[str, str]:
    text = digits().files[name]
    assert old in text
    return {**digits().files, name: text.replace(old, new, 1)}


def test_the_same_c_measures_the_same() -> None:
    """The header with the measured stack in it does not change what is measured."""
    found = again(digits().files)
    assert isinstance(found, Measurement) and found.exact
    assert found.run.instructions == measured(digits()).run.instructions
    assert found.footprint == measured(digits()).footprint


def test_another_output_fails_verification() -> None:
    with pytest.raises(VerificationError, match="disagree") as caught:
        again(digits().files, change=1)
    assert f"the emulated {BOARD}" in caught.value.where and "output 'logits'" in caught.value.where


def test_an_arena_larger_than_planned_fails_verification() -> None:
    arena = digits().report.arena
    files = altered("digits.h", f"DIGITS_ARENA_BYTES   {arena}u", f"DIGITS_ARENA_BYTES   {arena + 1024}u")
    with pytest.raises(VerificationError, match=r"more SRAM .* than was planned") as caught:
        again(files)
    assert f"{arena + 1024:,} bytes where {arena:,} were planned" in caught.value.why


def test_a_write_outside_the_arena_fails_verification() -> None:
    stray = "    ((volatile int8_t *)memory)[4000] = 1;\n    return DIGITS_OK;"
    with pytest.raises(VerificationError, match=r"more SRAM .* than was planned") as caught:
        again(altered("digits.c", "    return DIGITS_OK;", stray))
    assert "1 bytes outside arena and stack" in caught.value.why


def test_variables_of_its_own_count() -> None:
    own = "    static volatile int8_t kept[40];\n    kept[3] = 1;\n    return DIGITS_OK;"
    found = again(altered("digits.c", "    return DIGITS_OK;", own))
    assert isinstance(found, Measurement) and found.footprint.static == 40


def test_a_cross_compiler_that_fails_is_quoted(tmp_path: Path) -> None:
    path = smaller(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("-mfpu=fpv4-sp-d16", "-mfpu=no-such-unit").replace("cortex_m4", "no_such"))
    with pytest.raises(UsageError, match="cross compiler for nucleo-f446re failed") as caught:
        compiled(path)
    assert "no" in caught.value.why and "link.ld" in caught.value.where


def test_floats_agree_within_the_tolerance_of_the_host() -> None:
    found = measured(compiled(BOARD, calibration=None, precision="float32"))
    assert found.run.instructions > 0


@pytest.mark.skipif(find_qemu() is None, reason="needs qemu-system-arm")
def test_helium_has_instructions_but_no_cycles() -> None:
    report = compiled("corstone-300", precision="int8").report.to_dict()
    assert report["sram"]["method"] == "measured" and report["verification"]["board_bit_exact"]
    assert report["compute"]["instructions"] > 0
    assert report["compute"]["cycles"] is None and report["compute"]["milliseconds"] is None
