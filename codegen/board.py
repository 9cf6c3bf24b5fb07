"""C and a linker script around a model, for the emulated board."""

from __future__ import annotations

from ..ir.program import Program
from ..targets import Target
from .emit import environment, interface


def board_files(program: Program, target: Target, with_memory: bool) -> dict[str, str]:
    """Text by file name: ``board.c``, ``link.ld``, and memcpy with its header ``with_memory``.

    Raises UsageError for a target without a memory map.
    """
    context = interface(program) | {
        "target": target,
        "flash": target.main_memory("flash"),
        "ram": target.main_memory("ram"),
    }
    names = ["board.c", "link.ld", *(["string.h", "memory.c"] if with_memory else [])]
    return {name: environment().get_template(f"board/{name}.j2").render(context) for name in names}
