"""How Unicorn and Capstone call the cores that tinyc knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..ir.errors import UsageError
from ..targets import Target


@dataclass(frozen=True)
class Core:
    """A core for emulation: engine and disassembler, and its registers for calls."""

    engine: Any
    disassembler: Any
    stack: int
    link: int
    arguments: tuple[int, int, int, int]
    result: int
    counter: int
    thumb: int
    """Added to code addresses in registers: 1 for Thumb."""


_ARM_MODELS = {
    "cortex-m0plus": "UC_CPU_ARM_CORTEX_M0",
    "cortex-m3": "UC_CPU_ARM_CORTEX_M3",
    "cortex-m4": "UC_CPU_ARM_CORTEX_M4",
    "cortex-m7": "UC_CPU_ARM_CORTEX_M7",
    "cortex-m33": "UC_CPU_ARM_CORTEX_M33",
}


def unknown_core(target: Target) -> UsageError | None:
    """What to say of a core that Unicorn does not have; None where it has it."""
    if target.is_riscv or target.cpu in _ARM_MODELS:
        return None
    return UsageError(
        f"There is no emulator for the core of {target.name}",
        why=f"no emulator has the core {target.cpu}",
        remedy="choose a board with a Cortex-M or RV32 core",
    )


def make_core(target: Target) -> Core:
    """An engine with no memory yet; UsageError for a core that Unicorn does not have."""
    if (reason := unknown_core(target)) is not None:
        raise reason
    return _riscv() if target.is_riscv else _arm(target)


def _arm(target: Target) -> Core:
    import capstone
    import unicorn
    from unicorn import arm_const as arm

    engine = unicorn.unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    engine.ctl_set_cpu_model(getattr(arm, _ARM_MODELS[target.cpu]))
    if target.fpu != "none":
        engine.mem_map(_SYSTEM_CONTROL, 0x1000)
        engine.reg_write(arm.UC_ARM_REG_FPEXC, 1 << 30)
    return Core(
        engine,
        capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS),
        arm.UC_ARM_REG_SP,
        arm.UC_ARM_REG_LR,
        (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3),
        arm.UC_ARM_REG_R0,
        arm.UC_ARM_REG_PC,
        thumb=1,
    )


_SYSTEM_CONTROL = 0xE000E000


def _riscv() -> Core:
    import capstone
    import unicorn
    from unicorn import riscv_const as rv

    return Core(
        unicorn.unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32),
        capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC),
        rv.UC_RISCV_REG_SP,
        rv.UC_RISCV_REG_RA,
        (rv.UC_RISCV_REG_A0, rv.UC_RISCV_REG_A1, rv.UC_RISCV_REG_A2, rv.UC_RISCV_REG_A3),
        rv.UC_RISCV_REG_A0,
        rv.UC_RISCV_REG_PC,
        thumb=0,
    )
