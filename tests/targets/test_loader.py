"""What a user reads about an unknown target, and about a target file of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tinyc.ir.errors import UsageError
from tinyc.targets import load_target, target_names

VALID = """
name = "my-board"
title = "My board"
vendor = "Me"
mcu = "STM32F446RET6"
source = "DS10693 Rev 10"

[core]
cpu = "cortex-m4"
isa = "armv7e-m"
dsp = true
fpu = "single"
mve = false
clock_hz = 168_000_000

[compiler]
gcc = "arm-none-eabi-gcc"
gcc_flags = ["-mcpu=cortex-m4", "-mthumb"]
zig_target = "thumb-freestanding-eabihf"
zig_cpu = "cortex_m4"

[[memory]]
name = "FLASH"
origin = 0x08000000
bytes = 65_536
kind = "flash"
role = "main"

[[memory]]
name = "RAM"
origin = 0x20000000
bytes = 20_480
kind = "ram"
role = "main"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "board.toml"
    path.write_text(text, encoding="utf-8")
    return path


def failure(name_or_path: str | Path) -> str:
    with pytest.raises(UsageError) as caught:
        load_target(name_or_path)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("nucleo-f446", "nucleo-f446re"),
        ("f446", "nucleo-f446re"),
        ("NUCLEO-H743ZI", "nucleo-h743zi"),
        ("esp32c3", "esp32-c3"),
        ("pico", "rpi-pico or rpi-pico2"),
    ],
)
def test_unknown_name_suggests_the_nearest(name: str, nearest: str) -> None:
    message = failure(name)
    assert f"There is no target named '{name}'" in message
    assert f"did you mean {nearest}" in message


@pytest.mark.parametrize("name", ["", "q" * 100_000, "*/\n\x1b[31m"])
def test_unknown_name_that_resembles_nothing_points_to_the_list(name: str) -> None:
    message = failure(name)
    assert "did you mean" not in message
    assert "`tinyc targets` lists all boards" in message
    assert len(message) < 400
    assert "\x1b" not in message


def test_users_own_file(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, VALID))
    assert (target.name, target.cpu, target.clock_hz) == ("my-board", "cortex-m4", 168_000_000)
    assert (target.sram_bytes, target.flash_bytes) == (20_480, 65_536)
    assert target.gcc_flags == ("-mcpu=cortex-m4", "-mthumb")


def test_path_as_text_and_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, VALID)
    assert load_target(str(path)) == load_target(path)
    monkeypatch.chdir(tmp_path)
    assert load_target("board.toml") == load_target(path)
    (tmp_path / "boards").mkdir()
    shutil.copy(path, tmp_path / "boards" / "mine")
    assert load_target("boards/mine") == load_target(path)


def test_a_smaller_budget_than_the_memory_is_kept(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, "sram_bytes = 16384\n" + VALID))
    assert target.sram_bytes == 16_384
    assert target.main_memory("ram").bytes == 20_480


def test_every_packaged_file_is_named_after_its_board() -> None:
    assert [load_target(name).name for name in target_names()] == list(target_names())


def test_target_without_memory_map_names_itself() -> None:
    with pytest.raises(UsageError, match="Target host has no ram memory map"):
        load_target("host").main_memory("ram")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "my-board"', "name = 7", "name: 7 found, a word"),
        ('name = "my-board"', 'name = "../board"', "name: '../board' found, a word"),
        ('title = "My board"\n', "", "title: missing, a line of text expected"),
        ('title = "My board"', 'title = "a\\nb"', r"title: 'a\nb' found, a line of text expected"),
        ('title = "My board"', 'titel = "My board"', "'titel': no such key, did you mean title?"),
        ('cpu = "cortex-m4"', 'cpu = ""', "core.cpu: '' found"),
        ('isa = "armv7e-m"', 'isa = "armv7"', "core.isa: 'armv7' found, one of armv6-m,"),
        ('isa = "armv7e-m"', 'isa = "rv64imac"', "core.isa: 'rv64imac' found"),
        ('isa = "armv7e-m"', 'isa = "rv32imac"', "core.dsp: true found, but rv32imac has no DSP extension"),
        ("mve = false", "mve = true", "core.mve: true found, but only armv8.1-m.main has Helium"),
        ("dsp = true", "dsp = 1", "core.dsp: 1 found, true or false expected"),
        ('fpu = "single"', 'fpu = "half"', "core.fpu: 'half' found, one of none, single, double expected"),
        ("clock_hz = 168_000_000", "clock_hz = 168.0", "core.clock_hz: 168.0 found, a frequency in Hz"),
        ("clock_hz = 168_000_000", "clock_hz = true", "core.clock_hz: True found, a frequency in Hz"),
        ('gcc_flags = ["-mcpu=cortex-m4", "-mthumb"]', "gcc_flags = [1]", "compiler.gcc_flags: [1] found"),
        ("bytes = 20_480", "bytes = -1", "memory[1].bytes: -1 found, a number of bytes"),
        ("origin = 0x20000000", "origin = 0x100000000", "memory[1].origin: 4294967296 found, an address"),
        ("origin = 0x20000000", "origin = 0xFFFFFFFF", "memory RAM: ends at 0x100004fff"),
        ("origin = 0x20000000", "origin = 0x08000100", "memory RAM: starts at 0x8000100, inside FLASH"),
        ('kind = "ram"', 'kind = "rom"', "memory[1].kind: 'rom' found, one of flash, ram expected"),
        ('kind = "ram"\nrole = "main"', 'kind = "ram"\nrole = "auxiliary"', "memory: no main ram region"),
        ('kind = "flash"', 'kind = "ram"', "RAM: starts at 0x20000000, 0x8010000 expected"),
        ("[core]", "[[core]]", "core: [{'cpu': 'cortex-m4'"),
        ('source = "DS10693 Rev 10"', 'source = "x"\nsram_bytes = 20_481', "sram_bytes: 20481 found"),
    ],
)
def test_broken_file_names_the_key_at_fault(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert VALID.count(old) == 1
    message = failure(write(tmp_path, VALID.replace(old, new)))
    assert "The target file is not valid" in message
    assert "board.toml" in message
    assert expected in message
    assert "tinyc targets nucleo-f446re" in message


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = VALID.replace("dsp = true", "dsp = 3").replace("bytes = 65_536", "bytes = 0")
    message = failure(write(tmp_path, text))
    assert "core.dsp: 3 found" in message
    assert "memory[0].bytes: 0 found" in message


def test_memory_that_is_no_table_list(tmp_path: Path) -> None:
    message = failure(write(tmp_path, "memory = 3\n" + VALID.split("[[memory]]")[0]))
    assert "memory: 3 found, [[memory]] tables expected" in message


def test_native_target_needs_budgets(tmp_path: Path) -> None:
    text = VALID.split("[[memory]]")[0].replace('"armv7e-m"', '"native"').replace("dsp = true", "dsp = false")
    assert "sram_bytes: missing" in failure(write(tmp_path, text))
    assert load_target(write(tmp_path, "sram_bytes = 1\nflash_bytes = 2\n" + text)).is_native


def test_unreadable_and_malformed_files(tmp_path: Path) -> None:
    assert "cannot be read" in failure(tmp_path / "absent.toml")
    assert "No such file" in failure(str(tmp_path / "absent.toml"))
    (tmp_path / "folder.toml").mkdir()
    assert "cannot be read" in failure(tmp_path / "folder.toml")
    message = failure(write(tmp_path, "name = \n"))
    assert "is not TOML" in message
    assert "line 1" in message
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "is not TOML" in failure(binary)
