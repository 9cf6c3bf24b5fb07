"""What tinyc knows about a board: its core, its memory map, and how to compile for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..ir.errors import UsageError

FpuKind = Literal["none", "single", "double"]
MemoryKind = Literal["flash", "ram"]
MemoryRole = Literal["main", "tightly-coupled", "auxiliary", "reserved"]


@dataclass(frozen=True)
class Region:
    """A stretch of addresses ``[origin, origin + bytes)`` of one memory.

    ``main`` regions of a kind lie back to back: firmware uses them as one memory. The others are
    ``tightly-coupled`` (to the core, no wait states), ``auxiliary`` (apart from the main memory), or
    ``reserved`` (for a boot loader or a cache; not free for firmware).
    """

    name: str
    origin: int
    bytes: int
    kind: MemoryKind
    role: MemoryRole

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.origin + self.bytes


@dataclass(frozen=True)
class Target:
    """A board. Sizes in bytes, addresses as the core sees them, ``clock_hz`` at its highest setting.

    ``cpu`` names the core (``cortex-m4``, ``sifive-e31``) and ``isa`` its instruction set
    (``armv7e-m``, ``rv32imac``, ``native``). ``dsp`` is Arm's DSP extension (SMLAD and friends), ``mve``
    Helium, ``fpu`` the widest float that the core computes. ``sram_bytes`` and ``flash_bytes`` are what a
    model's totals are held against. ``gcc`` is the command of the cross compiler, ``zig_target`` and
    ``zig_cpu`` the same core as ``zig cc`` spells it. ``source`` names the documents that the facts were
    taken from.
    """

    name: str
    title: str
    vendor: str
    mcu: str
    source: str
    cpu: str
    isa: str
    dsp: bool
    fpu: FpuKind
    mve: bool
    clock_hz: int
    sram_bytes: int
    flash_bytes: int
    gcc: str
    gcc_flags: tuple[str, ...]
    zig_target: str
    zig_cpu: str
    memory: tuple[Region, ...]

    @property
    def is_native(self) -> bool:
        """Whether code for this target runs on the machine that tinyc runs on."""
        return self.isa == "native"

    @property
    def is_riscv(self) -> bool:
        """Whether the core is RISC-V."""
        return self.isa.startswith("rv32")

    def main_memory(self, kind: MemoryKind) -> Region:
        """The main memory of a kind as one region.

        Raises UsageError for a target without a memory map (``host``).
        """
        regions = [region for region in self.memory if region.kind == kind and region.role == "main"]
        if not regions:
            raise UsageError(
                f"Target {self.name} has no {kind} memory map",
                remedy="choose a board: `tinyc targets` lists them",
            )
        name = "+".join(region.name for region in regions)
        return Region(name, regions[0].origin, sum(region.bytes for region in regions), kind, "main")
