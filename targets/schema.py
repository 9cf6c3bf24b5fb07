"""Checks the content of a target file and turns it into a Target, reporting every fault at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, cast

from ..ir.errors import UsageError
from .target import MemoryKind, Region, Target

_ARM_ISAS = ("armv6-m", "armv7-m", "armv7e-m", "armv8-m.base", "armv8-m.main", "armv8.1-m.main")
_DSP_ISAS = ("armv7e-m", "armv8-m.main", "armv8.1-m.main")
_ADDRESS_SPACE = 2**32


@dataclass(frozen=True)
class _Rule:
    """What a key's value has to be, in words and as a check."""

    expected: str
    holds: Callable[[Any], bool]


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value) <= 200 and value.isprintable()


def _is_line_list(value: object) -> bool:
    return isinstance(value, list) and all(_is_line(item) for item in cast("list[object]", value))


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _within(low: int, high: int) -> Callable[[Any], bool]:
    # `type` and not `isinstance`: TOML's true and false are no numbers, though Python's are.
    return lambda value: type(value) is int and low <= value <= high


def _one_of(*choices: str) -> _Rule:
    return _Rule("one of " + ", ".join(choices), lambda value: value in choices)


_LINE = _Rule("a line of text", _is_line)
_WORD = _Rule("a word of letters, digits, '.', '_' and '-'", _matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"))
_FLAG = _Rule("true or false", lambda value: type(value) is bool)
_BYTES = _Rule("a number of bytes from 1 to 2^32", _within(1, _ADDRESS_SPACE))

_BOARD = {"name": _WORD, "title": _LINE, "vendor": _LINE, "mcu": _LINE, "source": _LINE}
_BUDGET = {"sram_bytes": _BYTES, "flash_bytes": _BYTES}
_CORE = {
    "cpu": _WORD,
    "isa": _Rule(
        "one of " + ", ".join(_ARM_ISAS) + ", native, or RISC-V such as rv32imac",
        lambda value: value in (*_ARM_ISAS, "native") or _matches(r"rv32[ie]m?a?f?d?c?")(value),
    ),
    "dsp": _FLAG,
    "fpu": _one_of("none", "single", "double"),
    "mve": _FLAG,
    "clock_hz": _Rule("a frequency in Hz from 1 to 10^10", _within(1, 10**10)),
}
_COMPILER = {
    "gcc": _LINE,
    "gcc_flags": _Rule("a list of options", _is_line_list),
    "zig_target": _LINE,
    "zig_cpu": _LINE,
}
_REGION = {
    "name": _WORD,
    "origin": _Rule("an address from 0 to 2^32 - 1", _within(0, _ADDRESS_SPACE - 1)),
    "bytes": _BYTES,
    "kind": _one_of("flash", "ram"),
    "role": _one_of("main", "tightly-coupled", "auxiliary", "reserved"),
}


def parse_target(data: Mapping[str, Any], where: str) -> Target:
    """The Target that a parsed TOML document describes; ``where`` names the document in errors.

    Raises UsageError with every key at fault: what was found and what was expected.
    """
    faults: list[str] = []
    board = _read(data, _BOARD, faults, optional=_BUDGET, tables=("core", "compiler", "memory"))
    core = _read(data.get("core", {}), _CORE, faults, "core")
    compiler = _read(data.get("compiler", {}), _COMPILER, faults, "compiler")
    memory = _read_memory(data.get("memory", []), faults)
    if not faults:
        faults += _core_faults(core)
        faults += _memory_faults(memory)
        faults += _settle_budget(board, "sram_bytes", _main_bytes(memory, "ram"), core["isa"])
        faults += _settle_budget(board, "flash_bytes", _main_bytes(memory, "flash"), core["isa"])
    if faults:
        raise UsageError(
            "The target file is not valid",
            where=where,
            why="\n".join(faults),
            remedy="correct these keys; `tinyc targets nucleo-f446re` shows a valid target",
        )
    compiler["gcc_flags"] = tuple(compiler["gcc_flags"])
    return Target(**board, **core, **compiler, memory=memory)


def _read(
    table: object,
    rules: Mapping[str, _Rule],
    faults: list[str],
    path: str = "",
    optional: Mapping[str, _Rule] | None = None,
    tables: tuple[str, ...] = (),
) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        faults.append(f"{path}: {_show(table)} found, a table expected")
        return {}
    values = dict(cast("Mapping[str, Any]", table))
    prefix = f"{path}." if path else ""
    known = {**rules, **(optional or {})}
    for key in rules:
        if key not in values:
            faults.append(f"{prefix}{key}: missing, {rules[key].expected} expected")
    for key, value in values.items():
        if key in known and not known[key].holds(value):
            faults.append(f"{prefix}{key}: {_show(value)} found, {known[key].expected} expected")
        elif key not in known and key not in tables:
            near = get_close_matches(key, [*known, *tables], n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            faults.append(f"{prefix}{_show(key)}: no such key{hint}")
    return {key: value for key, value in values.items() if key in known}


def _read_memory(tables: object, faults: list[str]) -> tuple[Region, ...]:
    if not isinstance(tables, list):
        faults.append(f"memory: {_show(tables)} found, [[memory]] tables expected")
        return ()
    before = len(faults)
    numbered = enumerate(cast("list[object]", tables))
    regions = [_read(table, _REGION, faults, f"memory[{index}]") for index, table in numbered]
    return tuple(Region(**region) for region in regions) if len(faults) == before else ()


def _core_faults(core: Mapping[str, Any]) -> list[str]:
    isa = core["isa"]
    faults: list[str] = []
    if core["dsp"] and isa not in _DSP_ISAS:
        faults.append(f"core.dsp: true found, but {isa} has no DSP extension")
    if core["mve"] and isa != "armv8.1-m.main":
        faults.append(f"core.mve: true found, but only armv8.1-m.main has Helium, not {isa}")
    return faults


def _memory_faults(memory: tuple[Region, ...]) -> list[str]:
    """Regions that leave the address space, overlap, or break the main memory in pieces."""
    faults = [
        f"memory {region.name}: ends at {region.end:#x}, an address within 2^32 expected"
        for region in memory
        if region.end > _ADDRESS_SPACE
    ]
    ordered = sorted(memory, key=lambda region: region.origin)
    for low, high in pairwise(ordered):
        if low.end > high.origin:
            faults.append(f"memory {high.name}: starts at {high.origin:#x}, inside {low.name}")
    for kind in ("flash", "ram"):
        main = [region for region in memory if region.kind == kind and region.role == "main"]
        for low, high in pairwise(main):
            if low.end != high.origin:
                faults.append(
                    f"memory {high.name}: starts at {high.origin:#x}, {low.end:#x} expected, where {low.name}"
                    " ends (main regions of a kind are listed by address, without gaps)"
                )
    return faults


def _main_bytes(memory: tuple[Region, ...], kind: MemoryKind) -> int:
    return sum(region.bytes for region in memory if region.kind == kind and region.role == "main")


def _settle_budget(board: dict[str, Any], key: str, available: int, isa: str) -> list[str]:
    """Fills in the budget that the file leaves out: all of the main memory of that kind."""
    if not available and isa != "native":
        return [f"memory: no main {'ram' if key == 'sram_bytes' else 'flash'} region, at least one expected"]
    budget = board.setdefault(key, available)
    if not budget:
        return [f"{key}: missing, {_BYTES.expected} expected where there is no memory map"]
    if available and budget > available:
        return [f"{key}: {budget} found, but the main regions hold {available}"]
    return []


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
