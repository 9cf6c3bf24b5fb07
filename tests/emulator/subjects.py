"""Compiled models and the emulated boards that they run on, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.devices import Device, build_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.qemu import CPUS, EMULATOR, find_qemu
from tinyc.emulator.toolchain import Toolchain, find_toolchain
from tinyc.ir.program import Program
from tinyc.targets import Target

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "models"
MLPERF = ("ad01", "ic01", "kws01", "vww01")
CORES = {
    "M0+": "nucleo-g0b1re",
    "M3": str(Path(__file__).parent / "boards" / "nucleo-l152re.toml"),
    "M4F": "nucleo-f446re",
    "M7F": "nucleo-h743zi",
    "M33": "nrf5340dk",
    "RV32IMC": "esp32-c3",
    "M55": "corstone-300",
}
"""A board for every core that is emulated; tinyc brings none with a Cortex-M3."""


@dataclass(frozen=True)
class Subject:
    """A compiled model, one random input of whole bytes, and what the NumPy emulator makes of it."""

    program: Program
    files: Mapping[str, str]
    given: Mapping[str, np.ndarray]
    wanted: Mapping[str, np.ndarray]


def subject(compiled: Compiled) -> Subject:
    program = compiled.program
    generator = np.random.default_rng(0)
    given = {
        name: generator.integers(-128, 128, program.buffers[name].shape).astype(np.int8)
        for name in program.inputs
    }
    return Subject(program, compiled.files, given, Machine(program).run(given))


@cache
def compiled(model: str, target: str) -> Subject:
    """``digits`` or one of MLPERF, for a board; skips where the shared models are absent."""
    if model == "digits":
        calibration = ROOT / "models" / "digits_calibration.npz"
        options = CompileOptions(target, calibration=calibration, precision="int8", verify=False)
        return subject(compile_model(ROOT / "models" / "digits.onnx", options))
    if not SHARED.is_dir():
        pytest.skip("needs the MLPerf Tiny models in ../shared/models, which are not part of the repository")
    return subject(compile_model(SHARED / f"{model}_qdq.onnx", CompileOptions(target, verify=False)))


def toolchain_for(target: Target, find: Callable[[Target], Toolchain | None] = find_toolchain) -> Toolchain:
    """A compiler for ``target``; skips where it, or the emulator of the core, is not installed."""
    found = find(target)
    if found is None:
        pytest.skip(f"no cross compiler for {target.name} on this machine")
    if target.cpu in CPUS and find_qemu() is None:
        pytest.skip(f"needs {EMULATOR}, which is not installed")
    return found


def device(model: Subject, target: Target, toolchain: Toolchain) -> Device:
    """The model in the emulator that has the target's core."""
    layers = [step.name for step in model.program.steps]
    return build_device(model.program, model.files, target, layers, toolchain)


def functions(elf: bytes) -> Mapping[str, int]:
    """Addresses of an ELF file's functions by name, without the Thumb bit."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    table = ELFFile(BytesIO(elf)).get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    return {
        symbol.name: symbol["st_value"] & ~1
        for symbol in table.iter_symbols()
        if symbol["st_info"]["type"] == "STT_FUNC"
    }
