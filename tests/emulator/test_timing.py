"""Modelled cycles: tables against the manuals' numbers, on instructions as Capstone prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

import tinyc.emulator.timing
from tinyc.emulator.timing import Timing, load_timing
from tinyc.targets import load_target, target_names

NOT_MODELLED = {
    "cortex-m55": "QEMU counts its instructions; Arm publishes no timings of the Helium pipeline",
    "native": "the machine that tinyc runs on is not emulated",
}


def table(cpu: str) -> Timing:
    timing = load_timing(cpu)
    assert timing is not None
    return timing


def test_every_targets_core_has_a_table_or_a_reason():
    cores = {load_target(name).cpu for name in target_names()}
    assert {cpu for cpu in cores if load_timing(cpu) is None} == set(NOT_MODELLED)


def test_every_table_names_its_source_and_what_it_assumes():
    folder = Path(tinyc.emulator.timing.__file__).parent / "timing"
    tables = sorted(folder.glob("*.toml"))
    assert tables
    for path in tables:
        timing = table(path.stem)
        assert "Manual" in timing.source and "Assumes" in timing.source, path.name
        assert timing.otherwise.cycles > 0 and timing.taken >= 0


@pytest.mark.parametrize(
    ("cpu", "mnemonic", "operands", "cycles"),
    [
        ("cortex-m0plus", "adds", "r0, r0, r1", 1),
        ("cortex-m0plus", "muls", "r1, r2, r1", 1),
        ("cortex-m0plus", "ldrb", "r1, [r2, r3]", 2),
        ("cortex-m0plus", "strh", "r1, [r2, #4]", 2),
        ("cortex-m0plus", "push", "{r4, r5, r6, lr}", 5),
        ("cortex-m0plus", "pop", "{r4, r5}", 3),
        ("cortex-m0plus", "ldm", "r0!, {r1, r2, r3}", 4),
        ("cortex-m4", "smlad", "r0, r1, r2, r0", 1),
        ("cortex-m4", "smmla", "r0, r1, r2, r3", 1),
        ("cortex-m4", "ssat", "r0, #8, r1, asr #4", 1),
        ("cortex-m4", "ldr.w", "sb, [sl, fp, lsl #2]", 2),
        ("cortex-m4", "ldrsb", "r1, [r2], #1", 2),
        ("cortex-m4", "ldrbeq", "r1, [r2]", 2),
        ("cortex-m4", "str", "r1, [r2, #8]", 1),
        ("cortex-m4", "strb.w", "r1, [r2], #1", 1),
        ("cortex-m4", "str.w", "r1, [r2, r3, lsl #2]", 2),
        ("cortex-m4", "ldrd", "r0, r1, [r2]", 3),
        ("cortex-m4", "push.w", "{r4, r5, r6, r7, r8, lr}", 7),
        ("cortex-m4", "ldm", "r0!, {r1, r2}", 3),
        ("cortex-m4", "vldmia", "r0!, {s0, s1, s2, s3}", 5),
        ("cortex-m4", "vldr", "s0, [r0]", 2),
        ("cortex-m4", "vldr", "d0, [r0]", 3),
        ("cortex-m4", "vfma.f32", "s0, s1, s2", 3),
        ("cortex-m4", "vdiv.f32", "s0, s1, s2", 14),
        ("cortex-m4", "bic", "r0, r1, r2", 1),
        ("cortex-m7", "add", "r0, r1, r2", 0.5),
        ("cortex-m7", "smlad", "r0, r1, r2, r0", 1),
        ("cortex-m33", "ldr", "r0, [r1]", 1),
        ("sifive-e31", "c.lw", "a0, 4(a1)", 1),
        ("espressif-rv32imc", "div", "a0, a1, a2", 18),
        ("qingke-v2a", "c.swsp", "a0, 0(sp)", 2),
        ("qingke-v2a", "c.add", "a0, a1", 1),
    ],
)
def test_one_instruction(cpu: str, mnemonic: str, operands: str, cycles: float):
    assert table(cpu).block([(mnemonic, operands)]) == cycles


def test_a_pop_of_the_program_counter_takes_three_more_than_its_registers_on_m0plus():
    timing = table("cortex-m0plus")
    assert timing.block([("pop", "{r4, r5, pc}")]) + timing.taken == 3 + 3


def test_a_call_takes_three_cycles_on_m0plus():
    timing = table("cortex-m0plus")
    assert timing.block([("bl", "#0x100")]) + timing.taken == 3


@pytest.mark.parametrize(
    ("block", "cycles"),
    [
        # the examples of the Technical Reference Manual, section 3.3.2
        ([("ldr", "r0, [r1]"), ("ldr", "r1, [r2]")], 3),
        ([("ldr", "r0, [r1, r2]"), ("str", "r0, [r3, #0x14]")], 3),
        ([("ldr", "r0, [r1, r2]"), ("str", "r1, [r3, r2]")], 3),
        ([("ldr", "r0, [r1, r5]"), ("ldr", "r1, [r2]"), ("ldr", "r2, [r3, #4]")], 4),
        # the first one's result is the second one's address
        ([("ldr", "r0, [r1]"), ("ldr", "r2, [r0]")], 4),
        # something else between them
        ([("ldr", "r0, [r1]"), ("adds", "r3, r3, r4"), ("ldr", "r2, [r5]")], 5),
    ],
)
def test_loads_overlap_on_m4_as_the_manual_says(block: list[tuple[str, str]], cycles: float):
    assert table("cortex-m4").block(block) == cycles


@pytest.mark.parametrize(
    ("cpu", "first", "stalls"),
    [
        ("cortex-m33", ("ldr", "r0, [r1]"), 1),
        ("sifive-e31", ("lw", "r0, 0(r1)"), 1),
        ("sifive-e31", ("lb", "r0, 0(r1)"), 2),
        ("sifive-e31", ("mul", "r0, r1, r1"), 4),
        ("espressif-rv32imc", ("lb", "r0, 0(r1)"), 1),
        ("cortex-m4", ("ldr", "r0, [r1]"), 0),
        ("cortex-m0plus", ("ldr", "r0, [r1]"), 0),
    ],
)
def test_a_result_that_the_next_instruction_reads_is_waited_for(
    cpu: str, first: tuple[str, str], stalls: float
):
    timing = table(cpu)
    free = timing.block([first, ("add", "r4, r5, r6")])
    assert timing.block([first, ("add", "r4, r0, r6")]) == free + stalls


def test_m7_issues_two_independent_instructions_per_cycle_and_waits_for_results():
    timing = table("cortex-m7")
    assert timing.block([("add", "r0, r1, r2"), ("add", "r3, r4, r5")]) == 1
    assert timing.block([("add", "r0, r1, r2"), ("add", "r3, r0, r5")]) == 1.5
    assert timing.block([("ldr", "r0, [r1]"), ("add", "r3, r0, r5")]) == 2.5
    assert timing.block([("str", "r0, [r1]"), ("add", "r3, r0, r5")]) == 1


def test_a_core_without_a_table_has_no_timing():
    assert load_timing("cortex-a53") is None
