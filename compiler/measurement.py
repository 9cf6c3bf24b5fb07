"""What cannot be planned: stack, code, instructions and cycles, measured on the emulated board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from ..codegen.emit import Footprint, weight_bytes
from ..codegen.optimization import LEVELS, Optimize, other
from ..emulator.board import BoardRun, typical
from ..emulator.devices import Device, build_device, flash_bytes, obstacle
from ..emulator.image import Image
from ..emulator.toolchain import Toolchain, find_toolchain
from ..ir.errors import BudgetError, VerificationError
from ..ir.program import Program
from ..targets import Region, Target
from .verification import same_outputs

Arrays = Mapping[str, np.ndarray]
_MORE_RAM, _MORE_FLASH = 64 * 1024, 1024 * 1024


@dataclass(frozen=True)
class Measurement:
    """One inference on the emulated board, or several time steps. ``exact``: every output byte was the
    emulator's.

    ``footprint`` is in bytes; ``run`` has stack, instructions and modelled cycles, in total and by layer:
    those of one time step on average. ``layer_code`` are bytes of the function that each layer compiled to,
    None where the compiler left none.
    """

    toolchain: str
    footprint: Footprint
    run: BoardRun
    exact: bool
    layer_code: tuple[int | None, ...]


@dataclass(frozen=True)
class Unmeasured:
    """Why there was no run on an emulated board, and what to type to have one ("": nothing would do)."""

    why: str
    remedy: str

    @property
    def line(self) -> str:
        """Both on one line."""
        return f"{self.why}: {self.remedy}" if self.remedy else self.why


def measure(
    program: Program, files: Mapping[str, str], target: Target, given: Sequence[Arrays],
    wanted: Sequence[Arrays], optimize: Optimize = "speed",
) -> Measurement | Unmeasured:  # fmt: skip
    """Runs the C ``files`` on the emulated ``target``; ``given`` and ``wanted`` are stored inputs and
    outputs by buffer name, of consecutive runs. The code is measured for the other of speed and size too,
    but not run.

    A model that its memory cannot hold once code and stack are counted is measured on a board with more of
    it: the figures then say by how much. Raises VerificationError where outputs differ, the run fails, or
    it takes more memory than was planned, UsageError where the cross compiler fails, BudgetError for an
    image that no larger board can hold either.
    """
    if (reason := obstacle(target)) is not None:
        return Unmeasured(reason.why, reason.remedy)
    assert program.plan is not None
    flash, ram = target.main_memory("flash"), target.main_memory("ram")
    planned = program.plan.arena_bytes + program.plan.state_bytes
    for memory, need in ((ram, planned), (flash, weight_bytes(program))):
        if need > memory.bytes:
            return Unmeasured(f"{memory.name} has no room for what is planned alone", "")
    found = find_toolchain(target)
    assert found is not None
    toolchain, otherwise = (replace(found, optimize=goal) for goal in (optimize, other(optimize)))
    with ThreadPoolExecutor(1) as beside:
        in_flash = beside.submit(_in_flash, program, files, target, otherwise)
        device, runs = _run_with_room(program, files, target, toolchain, given)
    run = typical(runs)
    _check_promise(program, target, device, run)
    exact = all(
        same_outputs(program, one, found.outputs, f"the emulated {target.name}")
        for one, found in zip(wanted, runs, strict=True)
    )
    footprint = _footprint(target, toolchain, device, run, in_flash.result())
    return Measurement(toolchain.label, footprint, run, exact, _layer_code(program, device.image))


def _in_flash(
    program: Program, files: Mapping[str, str], target: Target, toolchain: Toolchain
) -> tuple[int, int] | None:
    """Bytes of code and of constants, whether the target has room for them or not; None where no larger board
    has."""
    with suppress(BudgetError):
        return flash_bytes(program, files, _roomier(target), toolchain)
    return None


def _run_with_room(
    program: Program, files: Mapping[str, str], target: Target, toolchain: Toolchain, given: Sequence[Arrays]
) -> tuple[Device, list[BoardRun]]:
    """Runs that left memory free, on a roomier board where the target itself has none."""
    with suppress(BudgetError):
        device, runs = _run(program, files, target, toolchain, given)
        if typical(runs).touched + 8 <= target.main_memory("ram").bytes:
            return device, runs
    return _run(program, files, _roomier(target), toolchain, given)


def _run(
    program: Program, files: Mapping[str, str], target: Target, toolchain: Toolchain, given: Sequence[Arrays]
) -> tuple[Device, list[BoardRun]]:
    layers = [step.name for step in program.steps]
    device = build_device(program, files, target, layers, toolchain)
    return device, device.run_steps(given)


def _roomier(target: Target) -> Target:
    """The board with more flash and SRAM, as far as neither runs into the other."""
    flash, ram = target.main_memory("flash"), target.main_memory("ram")
    larger = (_grown(flash, _MORE_FLASH, ram), _grown(ram, _MORE_RAM, flash))
    return replace(target, memory=larger)


def _grown(region: Region, more: int, other: Region) -> Region:
    room = other.origin - region.end if other.origin >= region.end else more
    return replace(region, bytes=region.bytes + min(more, room))


def _check_promise(program: Program, target: Target, device: Device, run: BoardRun) -> None:
    """VerificationError where the run wrote to memory that neither plan nor stack account for."""
    assert program.plan is not None
    planned, taken = program.plan.arena_bytes + program.plan.state_bytes, _blocks(device.image)
    if taken <= planned and run.touched <= run.variables + run.stack:
        return
    blocks = "arena and state" if program.states else "arena"
    raise VerificationError(
        f"{program.name} takes more SRAM on the emulated {target.name} than was planned",
        why=f"{blocks}: {taken:,} bytes where {planned:,} were planned"
        if taken > planned
        else f"{run.touched - run.variables - run.stack:,} bytes outside {blocks} and stack were written",
        remedy="report this as a bug of tinyc, with the model",
    )


def _layer_code(program: Program, image: Image) -> tuple[int | None, ...]:
    functions = (image.symbols.get(f"{program.name}_{step.name}") for step in program.steps)
    return tuple(None if function is None else function.size for function in functions)


def _blocks(image: Image) -> int:
    """Bytes of arena and state in an image."""
    return sum(image.symbols[name].size for name in ("tinyc_arena", "tinyc_state") if name in image.symbols)


def _footprint(
    target: Target, toolchain: Toolchain, device: Device, run: BoardRun, otherwise: tuple[int, int] | None
) -> Footprint:
    image = device.image
    return Footprint(
        stack=run.stack,
        static=run.variables - _blocks(image),
        code=image.text,
        code_otherwise=None if otherwise is None else otherwise[0],
        total_otherwise=None if otherwise is None else sum(otherwise),
        constants=image.rodata + image.data,
        source=f"{toolchain.label} {LEVELS[toolchain.optimize]} on the emulated {target.name}",
    )
