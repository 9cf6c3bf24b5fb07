"""The emulated board: runs an image in memory that is exactly the target's, and counts what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..codegen.feeding import FEED_ORIGIN, feedings
from ..ir.errors import BudgetError, VerificationError
from ..ir.program import Program
from ..targets import Target
from . import blocks
from .blocks import Block, BlockCounter
from .cores import Core, make_core
from .image import Image
from .timing import Timing, load_timing

_PAGE = 0x1000
_PAINT = 0xA5
_FRAME = 1024
"""No block of code takes more of the stack than this, in bytes."""
STACK_ALIGN = 8
"""What Arm's calling convention keeps the stack pointer a multiple of, in bytes."""
INSTRUCTION_LIMIT = 20_000_000_000
"""A run that takes more instructions than this is taken for an endless loop."""


@dataclass(frozen=True)
class LayerWork:
    """What one layer cost; ``cycles`` is modelled, None where the core has no timing table."""

    layer: str
    instructions: int
    cycles: float | None


@dataclass(frozen=True)
class BoardRun:
    """One inference. Bytes: ``variables`` from the bottom of SRAM to the end of the highest one, arena and
    state included; ``stack`` the deepest use below the caller's frame; ``touched`` both, and what was written
    between them, where nothing should be. Variables and stack are ``aligned``: SRAM that is as large as
    their sum is enough."""

    outputs: Mapping[str, np.ndarray]
    instructions: int
    cycles: float | None
    layers: tuple[LayerWork, ...]
    variables: int
    stack: int
    touched: int


def typical(runs: Sequence[BoardRun]) -> BoardRun:
    """What consecutive runs cost: instructions and cycles of one on average, and the most memory of any. The
    outputs are the last one's."""
    count = len(runs)
    layers = tuple(
        LayerWork(
            works[0].layer,
            round(sum(work.instructions for work in works) / count),
            _mean([work.cycles for work in works]),
        )
        for works in zip(*(run.layers for run in runs), strict=True)
    )
    return replace(
        runs[-1],
        instructions=round(sum(run.instructions for run in runs) / count),
        cycles=_mean([run.cycles for run in runs]),
        layers=layers,
        stack=max(run.stack for run in runs),
        touched=max(run.touched for run in runs),
    )


def _mean(cycles: Sequence[float | None]) -> float | None:
    known = [one for one in cycles if one is not None]
    return sum(known) / len(known) if known else None


class Board:
    """An image in an emulated device. ``run`` may be called any number of times."""

    def __init__(self, program: Program, image: Image, target: Target, layers: Sequence[str]) -> None:
        """``program`` tells name, inputs, outputs and their offsets; ``layers`` names its steps in order."""
        self.program, self.image, self.target, self.layers = program, image, target, layers
        self._timing: Timing | None = load_timing(target.cpu)
        self._ram, self._flash = target.main_memory("ram"), target.main_memory("flash")
        self._core: Core = make_core(target)
        self._fault = ""
        self._fed = feedings(program)
        self._owners = self._layer_ranges()
        self._map_memory()
        taken = 0.0 if self._timing is None else self._timing.taken
        self._counter = BlockCounter(
            self._core.engine, image.code, len(layers) + 1, self._look, taken, self._core.stack
        )

    def _layer_ranges(self) -> list[tuple[int, int, int]]:
        """(begin, end, owner) of the functions that layers and the model's entry compiled to."""
        name, symbols = self.program.name, self.image.symbols
        names = [*(f"{name}_{layer}" for layer in self.layers), f"{name}_run"]
        found = [(symbols[key], owner) for owner, key in enumerate(names) if key in symbols]
        return sorted((s.address, s.address + s.size, owner) for s, owner in found)

    def _map_memory(self) -> None:
        import unicorn

        engine = self._core.engine
        accesses = unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE
        for region, rights in (
            (self._flash, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC),
            (self._ram, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE),
        ):
            begin, end = region.origin // _PAGE * _PAGE, -(-region.end // _PAGE) * _PAGE
            engine.mem_map(begin, end - begin, rights)
            # the engine maps whole pages; what the device does not have is caught access by access
            for low, high in ((begin, region.origin), (region.end, end)):
                if low < high:
                    engine.hook_add(accesses, self._outside, None, low, high - 1)
        engine.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._outside)
        if self._fed:
            length = max(f.address + f.nbytes for f in self._fed.values()) - FEED_ORIGIN
            engine.mem_map(FEED_ORIGIN, -(-length // _PAGE) * _PAGE, unicorn.UC_PROT_READ)
        for address, data in self.image.segments:
            engine.mem_write(address, data)

    def run(self, inputs: Mapping[str, np.ndarray]) -> BoardRun:
        """One inference on ``inputs`` by buffer name, as the emulator's machine takes them; of a model with
        states, after a reset.

        Raises VerificationError for an access outside the device's memory, an endless loop, or a status
        other than OK, BudgetError for a stack that does not fit above the variables.
        """
        return self.run_steps([inputs])[0]

    def run_steps(self, steps: Sequence[Mapping[str, np.ndarray]]) -> list[BoardRun]:
        """The same for several inferences: the time steps of one sequence, where the model has states."""
        if self.program.states:
            self._paint()
            self._call("reset", ("tinyc_state",))
        return [self._step(inputs) for inputs in steps]

    def _paint(self) -> None:
        """Fills all RAM but the states with a pattern."""
        engine, held = self._core.engine, self.image.symbols.get("tinyc_state")
        kept = b"" if held is None else bytes(engine.mem_read(held.address, held.size))
        engine.mem_write(self._ram.origin, bytes([_PAINT]) * self._ram.bytes)
        if held is not None:
            engine.mem_write(held.address, kept)

    def _step(self, inputs: Mapping[str, np.ndarray]) -> BoardRun:
        arena = self.image.symbols["tinyc_arena"]
        engine = self._core.engine
        self._paint()
        for name in self.program.inputs:
            fed = self._fed.get(name)
            place = arena.address + self.program.offset(name) if fed is None else fed.address
            engine.mem_write(place, np.ascontiguousarray(inputs[name]).tobytes())
        kept = ("tinyc_state",) if self.program.states else ()
        self._call("run", ("tinyc_arena", *kept, "tinyc_in", "tinyc_out"))
        return self._result(arena.address)

    def _call(self, function: str, arguments: Sequence[str]) -> None:
        """Executes a function of the model's interface with the addresses of variables as arguments."""
        import unicorn

        self._fault = ""
        core, symbols = self._core, self.image.symbols
        top = self._ram.end // STACK_ALIGN * STACK_ALIGN
        core.engine.reg_write(core.stack, top)
        core.engine.reg_write(core.link, symbols["tinyc_done"].address + core.thumb)
        for register, name in zip(core.arguments, arguments, strict=False):
            core.engine.reg_write(register, symbols[name].address)
        entry = symbols[f"{self.program.name}_{function}"].address
        self._counter.start(entry, INSTRUCTION_LIMIT, top, self._ram.origin + self._variables())
        try:
            core.engine.emu_start(entry + core.thumb, symbols["tinyc_done"].address)
        except unicorn.unicorn.UcError as error:
            self._fault = self._fault or f"{error} at 0x{core.engine.reg_read(core.counter):08x}"
        if self._fault or self._counter.reason:
            raise self._failed(self._fault or self._reason())
        if status := core.engine.reg_read(core.result):
            raise self._failed(f"{self.program.name}_{function} returned status {status}")

    def _reason(self) -> str:
        """Why the counter stopped the run; BudgetError where the memory is to blame."""
        match self._counter.reason:
            case blocks.STACK_LOW:
                raise stack_too_large(self.program, self.target)
            case blocks.LIMIT_REACHED:
                return f"it takes more than {INSTRUCTION_LIMIT:,} instructions: an endless loop?"
            case _:
                at = self._core.engine.reg_read(self._core.counter)
                return f"0x{at:08x} holds no code that is known"

    def _outside(self, engine: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        counter = engine.reg_read(self._core.counter)
        place = self._nearest(address)
        self._fault = f"an access of {size} bytes at 0x{address:08x}, {place}, by code at 0x{counter:08x}"
        engine.emu_stop()
        return False

    def _variables(self) -> int:
        """Bytes of RAM from its bottom to the end of the highest variable, aligned."""
        inside = [s for s in self.image.symbols.values() if self._ram.origin <= s.address < self._ram.end]
        return aligned(max(s.address + s.size for s in inside) - self._ram.origin)

    def _nearest(self, address: int) -> str:
        """Where an address lies, in words a person can use."""
        for region in (self._flash, self._ram):
            if region.end <= address < region.end + 2 * _PAGE:
                return f"{address - region.end} bytes behind the end of {region.name}"
            if region.origin - 2 * _PAGE <= address < region.origin:
                return f"{region.origin - address} bytes before {region.name}"
        arena = self.image.symbols["tinyc_arena"]
        if arena.address <= address < arena.address + arena.size:
            return f"in the arena at byte {address - arena.address}"
        return "in no memory of the device"

    def _failed(self, why: str) -> VerificationError:
        owner = self._counter.owner
        layer = f"layer {self.layers[owner]}" if owner < len(self.layers) else f"{self.program.name}_run"
        return VerificationError(
            f"{self.program.name} failed on the emulated {self.target.name}",
            where=layer,
            why=why,
            remedy="report this as a bug of tinyc, with the model",
        )

    def _look(self, address: int, size: int) -> Block:
        code = bytes(self._core.engine.mem_read(address, size))
        lines = list(self._core.disassembler.disasm_lite(code, address))
        cycles = 0.0
        if self._timing is not None:
            cycles = self._timing.block((mnemonic, operands) for _, _, mnemonic, operands in lines)
        owner = next((who for begin, end, who in self._owners if begin <= address < end), blocks.NOBODY)
        known = sum(length for _, length, _, _ in lines) == size
        return Block(len(lines) if known else 0, cycles, owner)

    def _result(self, arena: int) -> BoardRun:
        engine, program = self._core.engine, self.program
        outputs: dict[str, np.ndarray] = {}
        for name in program.outputs:
            buffer = program.buffers[name]
            raw = bytes(engine.mem_read(arena + program.offset(name), buffer.nbytes))
            outputs[name] = np.frombuffer(raw, buffer.dtype.numpy).reshape(buffer.shape)
        modelled = self._timing is not None
        layers = tuple(
            LayerWork(layer, int(count), cycles if modelled else None)
            for layer, (count, cycles) in zip(self.layers, self._counter.work, strict=False)
        )
        variables = self._variables()
        stack, stray = self._above(variables)
        total = sum(cycles for _, cycles in self._counter.work)
        return BoardRun(
            outputs, self._counter.total, total if modelled else None, layers,
            variables, stack, variables + stack + stray,
        )  # fmt: skip

    def _above(self, variables: int) -> tuple[int, int]:
        """Bytes of stack, from the lowest that lost its paint to the top, and bytes below that were written
        though the stack never came near them."""
        top = self._ram.end // STACK_ALIGN * STACK_ALIGN
        bottom = self._ram.origin + variables
        painted = np.frombuffer(self._core.engine.mem_read(bottom, top - bottom), np.uint8)
        changed = bottom + np.flatnonzero(painted != _PAINT)
        below = changed < self._counter.lowest - _FRAME
        lowest = int(changed[~below].min(initial=top))
        return aligned(top - lowest), int(below.sum())


def aligned(nbytes: int) -> int:
    """``nbytes`` up to where a stack pointer may lie."""
    return -(-nbytes // STACK_ALIGN) * STACK_ALIGN


def stack_too_large(program: Program, target: Target) -> BudgetError:
    """What to raise where the stack comes down to the variables."""
    return BudgetError(
        f"{program.name} is larger than the SRAM of {target.name}: its stack reaches down to its variables",
        remedy="choose a board with more memory, or narrow the model",
    )
