"""Work by layer while Unicorn runs: its hook on blocks of code, compiled from ``native/blocks.c``."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from .host import build_shared

NOBODY = -1
"""Owner of a helper's blocks: its work counts for the layer that called it."""
LIMIT_REACHED, NOT_CODE, STACK_LOW = 1, 2, 3
"""Why a run was stopped."""


@dataclass(frozen=True)
class Block:
    """A stretch of code that runs as a whole: its instructions, their cycles, and the index of the layer
    that it is part of."""

    count: int
    cycles: float
    owner: int


class _Block(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_uint32),
        ("following", ctypes.c_uint32),
        ("owner", ctypes.c_int32),
        ("cycles", ctypes.c_double),
    )


class _Work(ctypes.Structure):
    _fields_ = (("instructions", ctypes.c_uint64), ("cycles", ctypes.c_double))


_Look = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint32, ctypes.POINTER(_Block))


class _Counter(ctypes.Structure):
    _fields_ = (
        ("blocks", ctypes.POINTER(_Block)),
        ("begin", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("work", ctypes.POINTER(_Work)),
        ("look", _Look),
        ("stop", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("limit", ctypes.c_uint64),
        ("total", ctypes.c_uint64),
        ("lowest", ctypes.c_uint64),
        ("floor", ctypes.c_uint64),
        ("taken", ctypes.c_double),
        ("stack", ctypes.c_int32),
        ("owner", ctypes.c_int32),
        ("reason", ctypes.c_int32),
        ("expected", ctypes.c_uint32),
    )


class BlockCounter:
    """Counts on a Unicorn engine; ``start`` before each run, figures afterwards.

    ``owners`` counts the layers and, as the last, the model's own function, which owns what runs first.
    """

    def __init__(
        self, engine: Any, code: range, owners: int, look: Callable[[int, int], Block],
        taken: float, stack: int,
    ) -> None:  # fmt: skip
        """``look`` tells of the block at an address, of so many bytes; ``code`` holds the addresses of
        instructions, ``taken`` the cycles that a taken branch adds, ``stack`` Unicorn's number of the
        stack pointer. Raises UsageError where this machine has no C compiler."""
        import unicorn
        from unicorn.unicorn_py3.unicorn import uclib

        self._look_at = look
        self._blocks = (_Block * (len(code) // 2 + 1))()
        self._work = (_Work * owners)()
        self._counter = _Counter(
            blocks=self._blocks, begin=code.start, end=code.stop, work=self._work, look=_Look(self._look),
            stop=ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p),
            read=ctypes.cast(uclib.uc_reg_read, ctypes.c_void_p), taken=taken, stack=stack,
        )  # fmt: skip
        hook = ctypes.cast(_library().tinyc_on_block, ctypes.c_void_p)
        data = ctypes.cast(ctypes.pointer(self._counter), ctypes.c_void_p)
        status = uclib.uc_hook_add(
            engine._uch, ctypes.byref(ctypes.c_size_t()), unicorn.UC_HOOK_BLOCK, hook, data, 1, 0
        )
        if status != unicorn.UC_ERR_OK:
            raise unicorn.unicorn.UcError(status)

    def _look(self, address: int, size: int, entry: Any) -> None:
        block = self._look_at(address, size)
        entry[0] = _Block(block.count, address + size, block.owner, block.cycles)

    def start(self, entry: int, limit: int, top: int, floor: int) -> None:
        """A new run from ``entry`` with the stack at ``top``. More instructions than ``limit`` stop it, and
        a stack below ``floor``."""
        ctypes.memset(self._work, 0, ctypes.sizeof(self._work))
        counter = self._counter
        counter.expected, counter.limit, counter.lowest, counter.floor = entry, limit, top, floor
        counter.owner, counter.total, counter.reason = len(self._work) - 1, 0, 0

    @property
    def total(self) -> int:
        """Instructions of the run."""
        return self._counter.total

    @property
    def lowest(self) -> int:
        """The least value of the stack pointer at the begin of a block."""
        return self._counter.lowest

    @property
    def owner(self) -> int:
        """Who ran last."""
        return self._counter.owner

    @property
    def reason(self) -> int:
        """Why the run was stopped; 0: it was not."""
        return self._counter.reason

    @property
    def work(self) -> Sequence[tuple[int, float]]:
        """Instructions and cycles by owner."""
        return [(entry.instructions, entry.cycles) for entry in self._work]


@cache
def _library() -> ctypes.CDLL:
    """The hook, compiled for this machine once in a process."""
    source = files("tinyc.emulator") / "native" / "blocks.c"
    with tempfile.TemporaryDirectory(prefix="tinyc-hook-", ignore_cleanup_errors=True) as folder:
        return ctypes.CDLL(str(build_shared(Path(folder), source.read_text(encoding="utf-8"))))
