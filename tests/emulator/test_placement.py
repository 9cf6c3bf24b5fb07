"""Hot code in ITCM and tables in DTCM of an emulated Cortex-M7: TINYC_HOT_ATTR and TINYC_TABLES_ATTR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tinyc.codegen.board import board_files
from tinyc.codegen.optimization import Optimize
from tinyc.emulator.cores import make_core
from tinyc.emulator.image import Image, Surroundings, link
from tinyc.emulator.toolchain import gcc, zig
from tinyc.targets import Region, Target, load_target

from .subjects import Subject, compiled, functions, toolchain_for

TARGET = "nucleo-h743zi"
SCRIPT = """MEMORY
{{
    FLASH (rx) : ORIGIN = {FLASH.origin}, LENGTH = {FLASH.bytes}
    ITCM (rwx) : ORIGIN = {ITCM.origin}, LENGTH = {ITCM.bytes}
    DTCM (rw) : ORIGIN = {DTCM.origin}, LENGTH = {DTCM.bytes}
    RAM (rw) : ORIGIN = {AXISRAM.origin}, LENGTH = {AXISRAM.bytes}
}}
SECTIONS
{{
    .itcm : {{ *(.itcm) }} > ITCM AT > FLASH
    .dtcm_tables : {{ *(.dtcm_tables) }} > DTCM AT > FLASH
    .text : {{ *(.text .text.*) }} > FLASH
    .rodata : {{ *(.rodata .rodata.*) }} > FLASH
    .bss (NOLOAD) : {{ *(.bss .bss.* COMMON) }} > RAM
    /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .eh_frame* .comment .note*) }}
}}
"""


def regions(target: Target) -> Mapping[str, Region]:
    return {region.name: region for region in target.memory}


def built(model: Subject, target: Target, find, optimize: Optimize) -> Image:
    """The model with hot code and tables where the linker script above puts them."""
    toolchain = replace(toolchain_for(target, find), optimize=optimize)
    files = board_files(model.program, target, with_memory=not toolchain.complete)
    options = (
        '-DTINYC_HOT_ATTR=__attribute__((section(".itcm")))',
        '-DTINYC_TABLES_ATTR=__attribute__((section(".dtcm_tables")))',
        f"-Wl,-e,{model.program.name}_run",
        *(f"-Wl,-u,tinyc_{name}" for name in ("arena", "in", "out", "done")),
    )
    script = SCRIPT.format(**regions(target))
    around = Surroundings({**files, "hot.ld": script}, "hot.ld", options, target.flash_bytes)
    return link(model.program, model.files, around, target, toolchain)


def outputs(model: Subject, target: Target, image: Image) -> Mapping[str, np.ndarray]:
    """What the image computes, every section being where start-up code would have copied it."""
    core, symbols, program = make_core(target), image.symbols, model.program
    for region in regions(target).values():
        core.engine.mem_map(region.origin, -(-region.bytes // 4096) * 4096)
    for address, data in image.segments:
        core.engine.mem_write(address, data)
    arena = symbols["tinyc_arena"].address
    for name, array in model.given.items():
        core.engine.mem_write(arena + program.offset(name), array.tobytes())
    for register, name in zip(core.arguments, ("tinyc_arena", "tinyc_in", "tinyc_out"), strict=False):
        core.engine.reg_write(register, symbols[name].address)
    core.engine.reg_write(core.stack, target.main_memory("ram").end)
    core.engine.reg_write(core.link, symbols["tinyc_done"].address + core.thumb)
    entry = symbols[f"{program.name}_run"].address
    core.engine.emu_start(entry + core.thumb, symbols["tinyc_done"].address)
    assert core.engine.reg_read(core.result) == 0
    found: dict[str, np.ndarray] = {}
    for name in program.outputs:
        buffer = program.buffers[name]
        raw = bytes(core.engine.mem_read(arena + program.offset(name), buffer.nbytes))
        found[name] = np.frombuffer(raw, buffer.dtype.numpy).reshape(buffer.shape)
    return found


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("find", [gcc, zig])
@pytest.mark.parametrize("name", ["digits", "kws01"])
def test_hot_code_and_tables_lie_in_tightly_coupled_memory(name: str, find, optimize: Optimize) -> None:
    """All that runs in an inference, but for what the compiler's libraries bring; it computes the same."""
    model, target = compiled(name, TARGET), load_target(TARGET)
    image = built(model, target, find, optimize)
    itcm, dtcm = regions(target)["ITCM"], regions(target)["DTCM"]
    own = (f"{model.program.name}_", "tinyc_")
    cold = {f"{model.program.name}_status_text", "tinyc_done"}
    hot = {f: itcm.origin <= at < itcm.end for f, at in functions(image.elf).items() if f.startswith(own)}
    assert {f for f, inside in hot.items() if not inside} <= cold
    assert f"{model.program.name}_run" in hot and any(f.startswith("tinyc_dsp_") for f in hot)
    tables = [key for key in image.symbols if key.startswith(model.program.name) and key.endswith("_table")]
    assert len(tables) == (name == "kws01")
    structs = [key for key in image.symbols if "conv" in key.split(".")]  # conv.1, or layer.conv
    assert structs or optimize == "speed"
    for key in (*tables, *structs):
        assert dtcm.origin <= image.symbols[key].address < dtcm.end
    for output, wanted in model.wanted.items():
        np.testing.assert_array_equal(outputs(model, target, image)[output], wanted)
