"""The emulated board: runs an image in memory that is exactly the target's, and counts what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.errors import VerificationError
from ..ir.program import Program
from ..targets import Target
from .cores import Core, make_core
from .image import Image
from .timing import Timing, load_timing

_PAGE = 0x1000
_PAINT = 0xA5
_EDGE = 256
"""Bytes at the end of the variables that are watched for the stack."""
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
    """One inference. ``stack`` is the deepest use below the caller's frame, in bytes; ``touched`` the bytes
    of SRAM from its bottom to the highest variable, plus the stack."""

    outputs: Mapping[str, np.ndarray]
    instructions: int
    cycles: float | None
    layers: tuple[LayerWork, ...]
    stack: int
    touched: int


@dataclass(frozen=True)
class _Block:
    """A stretch of code that runs as a whole. ``following`` is the address behind it; ``owner`` the layer's
    index, _RUN for the model's own function, None for helpers."""

    count: int
    cycles: float
    following: int
    owner: int | None


_RUN = -1


class Board:
    """An image in an emulated device. ``run`` may be called any number of times."""

    def __init__(self, program: Program, image: Image, target: Target, layers: Sequence[str]) -> None:
        """``program`` tells name, inputs, outputs and their offsets; ``layers`` names its steps in order."""
        self.program, self.image, self.target, self.layers = program, image, target, layers
        self._timing: Timing | None = load_timing(target.cpu)
        self._ram, self._flash = target.main_memory("ram"), target.main_memory("flash")
        self._core: Core = make_core(target)
        self._blocks: dict[int, _Block] = {}
        self._work: list[list[float]] = []
        self._current, self._expected, self._total = _RUN, None, 0
        self._fault = ""
        self._owners = self._layer_ranges()
        self._map_memory()

    def _layer_ranges(self) -> list[tuple[int, int, int]]:
        """(begin, end, owner) of the functions that layers and the model's entry compiled to."""
        name, symbols = self.program.name, self.image.symbols
        named = [(f"{name}_{layer}", index) for index, layer in enumerate(self.layers)]
        found = [(symbols[key], owner) for key, owner in [*named, (f"{name}_run", _RUN)] if key in symbols]
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
        edge = self._ram.origin + self._variables()
        engine.hook_add(
            unicorn.UC_HOOK_MEM_WRITE, self._on_variables, None, max(edge - _EDGE, self._ram.origin), edge - 1
        )
        engine.hook_add(unicorn.UC_HOOK_BLOCK, self._block)
        for address, data in self.image.segments:
            engine.mem_write(address, data)

    def run(self, inputs: Mapping[str, np.ndarray]) -> BoardRun:
        """One inference on ``inputs`` by buffer name, as the emulator's machine takes them.

        Raises VerificationError for an access outside the device's memory, an endless loop, or a status
        other than OK.
        """
        arena = self.image.symbols["tinyc_arena"]
        engine = self._core.engine
        engine.mem_write(self._ram.origin, bytes([_PAINT]) * self._ram.bytes)
        for name in self.program.inputs:
            engine.mem_write(
                arena.address + self.program.offset(name), np.ascontiguousarray(inputs[name]).tobytes()
            )
        self._work = [[0, 0.0] for _ in range(len(self.layers) + 1)]
        self._current, self._expected, self._total, self._fault = _RUN, None, 0, ""
        self._execute()
        return self._result(arena.address)

    def _execute(self) -> None:
        import unicorn

        core, symbols = self._core, self.image.symbols
        top = self._ram.end // 8 * 8
        core.engine.reg_write(core.stack, top)
        core.engine.reg_write(core.link, symbols["tinyc_done"].address + core.thumb)
        for register, name in zip(core.arguments, ("tinyc_arena", "tinyc_in", "tinyc_out"), strict=True):
            core.engine.reg_write(register, symbols[name].address)
        entry = symbols[f"{self.program.name}_run"].address
        try:
            core.engine.emu_start(entry + core.thumb, symbols["tinyc_done"].address)
        except unicorn.unicorn.UcError as error:
            self._fault = self._fault or f"{error} at 0x{core.engine.reg_read(core.counter):08x}"
        if self._fault:
            raise self._failed(self._fault)
        if status := core.engine.reg_read(core.result):
            raise self._failed(f"{self.program.name}_run returned status {status}")

    def _outside(self, engine: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        counter = engine.reg_read(self._core.counter)
        place = self._nearest(address)
        self._fault = f"an access of {size} bytes at 0x{address:08x}, {place}, by code at 0x{counter:08x}"
        engine.emu_stop()
        return False

    def _on_variables(self, engine: Any, access: int, address: int, size: int, value: int, data: Any) -> None:
        """A write to the last of the variables: wrong where the stack has come down to them."""
        if address >= engine.reg_read(self._core.stack):
            self._fault = "the stack reaches down to the variables: SRAM is too small"
            engine.emu_stop()

    def _variables(self) -> int:
        """Bytes of RAM from its bottom to the end of the highest variable."""
        inside = [s for s in self.image.symbols.values() if self._ram.origin <= s.address < self._ram.end]
        return max(s.address + s.size for s in inside) - self._ram.origin

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
        owner = self._current
        layer = f"layer {self.layers[owner]}" if owner >= 0 else f"{self.program.name}_run"
        return VerificationError(
            f"{self.program.name} failed on the emulated {self.target.name}",
            where=layer,
            why=why,
            remedy="report this as a bug of tinyc, with the model",
        )

    def _block(self, engine: Any, address: int, size: int, data: Any) -> None:
        block = self._blocks.get(address)
        if block is None:
            block = self._blocks[address] = self._decode(engine, address, size)
        timing = self._timing
        if self._expected is not None and address != self._expected and timing is not None:
            self._work[self._current][1] += timing.taken
        if block.owner is not None:
            self._current = block.owner
        work = self._work[self._current]
        work[0] += block.count
        work[1] += block.cycles
        self._expected = block.following
        self._total += block.count
        if self._total > INSTRUCTION_LIMIT:
            self._fault = f"it takes more than {INSTRUCTION_LIMIT:,} instructions: an endless loop?"
            engine.emu_stop()

    def _decode(self, engine: Any, address: int, size: int) -> _Block:
        lines = list(self._core.disassembler.disasm_lite(bytes(engine.mem_read(address, size)), address))
        cycles = 0.0
        if self._timing is not None:
            cycles = self._timing.block((mnemonic, operands) for _, _, mnemonic, operands in lines)
        owner = next((who for begin, end, who in self._owners if begin <= address < end), None)
        return _Block(len(lines), cycles, address + size, owner)

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
            for layer, (count, cycles) in zip(self.layers, self._work, strict=False)
        )
        bottom = self._variables()
        stack = self._stack(bottom)
        total = sum(cycles for _, cycles in self._work)
        return BoardRun(outputs, self._total, total if modelled else None, layers, stack, bottom + stack)

    def _stack(self, bottom: int) -> int:
        """Bytes between the top of RAM and the lowest one above the variables that lost its paint."""
        painted = np.frombuffer(
            bytes(self._core.engine.mem_read(self._ram.origin, self._ram.bytes)), np.uint8
        )
        changed = np.flatnonzero(painted[bottom:] != _PAINT)
        if changed.size == 0:
            return 0
        return self._ram.end // 8 * 8 - (self._ram.origin + bottom + int(changed[0]))
