"""The boards' facts, against a table written from the datasheets and not from the target files."""

from __future__ import annotations

import pytest

from tinyc.targets import Target, load_target, target_names

# name: cpu, fpu, MHz, main RAM (origin, KiB), main flash (origin, KiB), document
BOARDS = {
    "nucleo-f446re": ("cortex-m4", "single", 180, (0x20000000, 128), (0x08000000, 512), "DS10693"),
    "nucleo-l4r5zi": ("cortex-m4", "single", 120, (0x20000000, 640), (0x08000000, 2048), "DS12023"),
    "stm32f746g-disco": ("cortex-m7", "single", 216, (0x20000000, 320), (0x08000000, 1024), "DS10916"),
    "nucleo-h743zi": ("cortex-m7", "double", 480, (0x24000000, 512), (0x08000000, 2048), "DS12110"),
    "nucleo-g0b1re": ("cortex-m0plus", "none", 64, (0x20000000, 144), (0x08000000, 512), "DS13560"),
    "b-u585i-iot02a": ("cortex-m33", "single", 160, (0x20000000, 768), (0x08000000, 2048), "DS13086"),
    "arduino-nano-33-ble": ("cortex-m4", "single", 64, (0x20000000, 256), (0x10000, 960), "4413_417"),
    "nrf5340dk": ("cortex-m33", "single", 128, (0x20000000, 512), (0, 1024), "4460_487"),
    "rpi-pico": ("cortex-m0plus", "none", 133, (0x20000000, 264), (0x10000000, 2048), "RP2040"),
    "rpi-pico2": ("cortex-m33", "single", 150, (0x20000000, 520), (0x10000000, 4096), "RP2350"),
    "corstone-300": ("cortex-m55", "double", 32, (0x21000000, 4096), (0, 512), "DAI 0547"),
    "esp32-c3": ("espressif-rv32imc", "none", 160, (0x3FC80000, 0x4E710 / 1024), (0x42000000, 4032), "C3"),
    "gd32vf103": ("nuclei-bumblebee", "none", 108, (0x20000000, 32), (0x08000000, 128), "GD32VF103"),
    "ch32v003": ("qingke-v2a", "none", 48, (0x20000000, 2), (0, 16), "CH32V003"),
    "sifive-hifive1": ("sifive-e31", "none", 320, (0x80000000, 16), (0x20010000, 4032), "FE310-G002"),
}

ISA = {
    "cortex-m0plus": "armv6-m",
    "cortex-m4": "armv7e-m",
    "cortex-m7": "armv7e-m",
    "cortex-m33": "armv8-m.main",
    "cortex-m55": "armv8.1-m.main",
    "espressif-rv32imc": "rv32imc",
    "nuclei-bumblebee": "rv32imac",
    "sifive-e31": "rv32imac",
    "qingke-v2a": "rv32ec",
}


def test_all_boards_are_there() -> None:
    assert target_names() == tuple(sorted([*BOARDS, "host"]))


@pytest.mark.parametrize("name", BOARDS)
def test_facts(name: str) -> None:
    cpu, fpu, mhz, ram, flash, document = BOARDS[name]
    target = load_target(name)
    assert (target.name, target.cpu, target.isa, target.fpu) == (name, cpu, ISA[cpu], fpu)
    assert target.clock_hz == mhz * 1_000_000
    main_ram, main_flash = target.main_memory("ram"), target.main_memory("flash")
    assert (main_ram.origin, main_ram.bytes) == (ram[0], ram[1] * 1024)
    assert (main_flash.origin, main_flash.bytes) == (flash[0], flash[1] * 1024)
    assert (target.sram_bytes, target.flash_bytes) == (main_ram.bytes, main_flash.bytes)
    assert document in target.source


@pytest.mark.parametrize("name", BOARDS)
def test_core_features(name: str) -> None:
    target = load_target(name)
    assert target.dsp is (target.cpu in {"cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"})
    assert target.mve is (target.cpu == "cortex-m55")
    assert target.is_riscv is (name in {"esp32-c3", "gd32vf103", "ch32v003", "sifive-hifive1"})
    assert not target.is_native


def test_memories_beside_the_main_one() -> None:
    h743 = {region.name: region for region in load_target("nucleo-h743zi").memory}
    dtcm = h743["DTCM"]
    assert (dtcm.origin, dtcm.bytes, dtcm.role) == (0x20000000, 0x20000, "tightly-coupled")
    assert h743["SRAM3"].end == 0x30048000
    f446 = [region for region in load_target("nucleo-f446re").memory if region.kind == "ram"]
    assert [(region.name, region.origin, region.bytes) for region in f446] == [
        ("SRAM1", 0x20000000, 0x1C000),
        ("SRAM2", 0x2001C000, 0x4000),
    ]
    c3 = [region for region in load_target("esp32-c3").memory if region.name in {"SRAM0", "SRAM1", "LOADER"}]
    assert sum(region.bytes for region in c3) == 400 * 1024


def test_host_runs_natively_and_has_no_memory_map() -> None:
    host = load_target("host")
    assert host.is_native
    assert not host.is_riscv
    assert host.sram_bytes >= 2**30
    assert host.flash_bytes >= 2**30
    assert host.memory == ()


def _describe(target: Target) -> tuple[str, ...]:
    return (target.title, target.vendor, target.mcu, target.gcc, target.zig_target, target.zig_cpu)


@pytest.mark.parametrize("name", target_names())
def test_every_board_says_who_makes_it_and_how_to_compile_for_it(name: str) -> None:
    assert all(_describe(load_target(name)))
