"""Modelled cycles: what each instruction costs on a core, from one data file per core.

The model is an in-order pipeline: instructions issue one after another, each takes its cycles, and one that
names a register whose value is not there yet waits for it. What a core does beyond that (caches, flash wait
states, bus contention) is not in it; each file says in ``source`` what its numbers assume.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_REGISTER_LIST = re.compile(r"\{(.*)\}")
_REGISTER = re.compile(r"\b[a-z][a-z0-9]*")
_ADDRESS = re.compile(r"\[(.*)\]")


@dataclass(frozen=True)
class Rule:
    """The cost of instructions whose whole mnemonic matches ``mnemonic`` and whose operands ``operands``.

    ``cycles`` until the next one may issue, ``per_register`` more for each in a list; ``latency`` more until
    the first operand may be read. ``leads``: the next access to memory overlaps with it; ``saved``: what
    such a one saves behind a leading one whose result is not part of its address.
    """

    mnemonic: re.Pattern[str]
    operands: re.Pattern[str]
    cycles: float
    per_register: float
    latency: float
    leads: bool
    saved: float


@dataclass(frozen=True)
class Timing:
    """A core's instructions: the first rule that matches holds, else ``otherwise``. ``taken`` is added when
    a branch is taken. ``source`` tells where the numbers come from and what they assume."""

    source: str
    taken: float
    rules: tuple[Rule, ...]
    otherwise: Rule

    def rule(self, mnemonic: str, operands: str) -> Rule:
        """The rule for one instruction, as Capstone prints it."""
        for rule in self.rules:
            if rule.mnemonic.fullmatch(mnemonic) and rule.operands.search(operands):
                return rule
        return self.otherwise

    def block(self, instructions: Iterable[tuple[str, str]]) -> float:
        """Cycles of (mnemonic, operands) that run one after another, without what a taken branch adds."""
        now, ready = 0.0, dict[str, float]()
        leading: str | None = None
        for mnemonic, operands in instructions:
            rule = self.rule(mnemonic, operands)
            registers = _REGISTER.findall(operands)
            now = max([now, *(ready.pop(register, 0.0) for register in registers)])
            now += rule.cycles + rule.per_register * _listed(operands)
            if leading is not None and leading not in _address(operands):
                now -= rule.saved
            if rule.latency and registers:
                ready[registers[0]] = now + rule.latency
            leading = registers[0] if rule.leads and registers else None
        return now


def _listed(operands: str) -> int:
    """Registers in a list such as ``{r4, r5, lr}``."""
    found = _REGISTER_LIST.search(operands)
    return found[1].count(",") + 1 if found else 0


def _address(operands: str) -> list[str]:
    found = _ADDRESS.search(operands)
    return _REGISTER.findall(found[1]) if found else []


def _rule(entry: dict[str, Any]) -> Rule:
    unknown = entry.keys() - {"match", "operands", "cycles", "per_register", "latency", "leads", "saved"}
    if unknown:
        raise ValueError(f"a timing rule has no {', '.join(sorted(unknown))}")
    return Rule(
        re.compile(entry["match"]),
        re.compile(entry.get("operands", "")),
        float(entry["cycles"]),
        float(entry.get("per_register", 0)),
        float(entry.get("latency", 0)),
        bool(entry.get("leads", False)),
        float(entry.get("saved", 0)),
    )


@cache
def load_timing(cpu: str) -> Timing | None:
    """The table of a core; None where there is none."""
    entry = files("tinyc.emulator") / "timing" / f"{cpu}.toml"
    if not entry.is_file():
        return None
    data = tomllib.loads(entry.read_text(encoding="utf-8"))
    rules = tuple(_rule(rule) for rule in data.get("rule", []))
    return Timing(data["source"], float(data["taken"]), rules, _rule({"match": ".*", **data["otherwise"]}))
