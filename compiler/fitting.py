"""Which boards a model fits before any C exists: what is planned, and what stack and code may take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from math import ceil
from typing import Any

from ..codegen.emit import weight_bytes
from ..ir.errors import ModelError
from ..ir.program import Program
from ..passes.place import place
from ..passes.schedule import Point, least
from ..passes.schedule.feed import feed_by_rows
from ..targets import Target

STACK = 768
"""Bytes of stack and variables that are allowed for. Measured on the emulated boards, the networks of MLPerf
Tiny take 56 (ad01, Cortex-M4) to 536 (kws01, RV32)."""

CODE = 4096
CODE_PER_LAYER = 768
"""Bytes of code that are allowed for. Measured in the same way: 150 (ad01, Cortex-M55) to 780 (kws01, RV32)
per layer, all counted in."""


CERTAIN = 0.9
"""Share of a plan that no compile is expected to do without: its search is longer, and saves up to 8 % on the
networks of MLPerf Tiny; ranges that calibration finds may leave more channels dead."""


class Verdict(Enum):
    """What ``tinyc compile`` will say of a board."""

    FITS = "fits"
    ROWS = "fits with row-fed input"
    CLOSE = "close"
    """Only the compile can tell: what stack and code take decides, or a longer search for a plan."""
    NOT = "does not fit"


@dataclass(frozen=True)
class Need:
    """Bytes that one way of running a model needs, planned: ``sram`` is arena and state, ``flash`` weights
    and the tables of ``schedule``."""

    schedule: str
    arena: int
    sram: int
    flash: int


@dataclass(frozen=True)
class Needs:
    """What a model needs one whole layer after the other, with the least SRAM, and with the least where the
    caller delivers its images row by row: each row once, or ``again`` when it is asked for (None: it has no
    images). ``state`` is part of all of them, ``code`` what code may take in flash."""

    layers: Need
    least: Need
    rows: Need | None
    again: Need | None
    state: int
    code: int

    @property
    def ways(self) -> tuple[tuple[Need, Verdict], ...]:
        """From what asks least of the caller to what asks most, and what it is where it fits."""
        fed = tuple((need, Verdict.ROWS) for need in (self.rows, self.again) if need is not None)
        return ((self.layers, Verdict.FITS), (self.least, Verdict.FITS), *fed)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "arena": self.layers.arena,
            "least": {
                "buffer": asdict(self.least),
                "rows": self.rows and asdict(self.rows),
                "reread": self.again and asdict(self.again),
            },
            "state": self.state,
            "weights": self.layers.flash,
            "allowance": {"stack": STACK, "code": self.code},
        }


@dataclass(frozen=True)
class Fit:
    """The verdict on a board. ``sram`` and ``flash`` are the bytes that are left, estimated; what is missing
    is negative."""

    board: str
    verdict: Verdict
    sram: int
    flash: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "board": self.board,
            "verdict": self.verdict.value,
            "sram_left": self.sram,
            "flash_left": self.flash,
            "method": "estimated",
        }


def needs_of(program: Program) -> Needs:
    """What ``program``, which runs layer by layer in the order of least peak, takes at most and at least."""
    whole = place(program, seconds=0)
    assert whole.plan is not None
    arena, state = whole.plan.arena_bytes, whole.plan.state_bytes
    layers = Need("layer by layer", arena, arena + state, weight_bytes(whole))
    smallest = min(_need(least(program)), layers, key=lambda need: need.sram)
    code = CODE + CODE_PER_LAYER * len(program.steps)
    return Needs(layers, smallest, _fed(program, again=False), _fed(program, again=True), state, code)


def _fed(program: Program, again: bool) -> Need | None:
    try:
        return _need(least(feed_by_rows(program, again)))
    except ModelError:
        return None


def _need(point: Point) -> Need:
    """Tasks that do not run in a loop are numbers in a table."""
    program = point.program
    number = ceil(len(program.steps).bit_length() / 8)
    tables = number * len(program.tasks) if any(segment.grid for segment in point.segments) else 0
    return Need(point.describe(), point.arena, point.planned, weight_bytes(program) + tables)


def judge(needs: Needs, board: Target) -> Fit:
    """The verdict on ``board``, by the fastest way that fits."""
    for need, verdict in needs.ways:
        left = _left(need, board, needs.code)
        if min(left) >= 0:
            return Fit(board.name, verdict, *left)
    smallest = min((need for need, _ in needs.ways), key=lambda need: need.sram)
    close = CERTAIN * smallest.sram <= board.sram_bytes and CERTAIN * smallest.flash <= board.flash_bytes
    left = _left(smallest, board, needs.code)
    return Fit(board.name, Verdict.CLOSE if close else Verdict.NOT, *left)


def _left(need: Need, board: Target, code: int) -> tuple[int, int]:
    """Bytes of SRAM and of flash."""
    return board.sram_bytes - need.sram - STACK, board.flash_bytes - need.flash - code

