"""C around a model for a whole emulated machine: start-up, files by semihosting, instruction counter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..ir.program import Program
from ..targets import Region
from .emit import environment, interface

STARTUP_FUNCTIONS = ("board_reset", "board_main", "board_fault", "board_report")
"""What runs before and after the model; its instructions are not the model's."""


@dataclass(frozen=True)
class CodeRange:
    """Code at ``[begin, end)`` whose instructions count for ``owner``: a layer's index, or one of the
    owners of ``counter_source``."""

    begin: int
    end: int
    owner: int


def semihosted_files(program: Program, code: Region, ram: Region, with_memory: bool) -> dict[str, str]:
    """Text by file name: ``semihosted.c``, ``semihosted.ld``, and memcpy with its header ``with_memory``.

    The image reads the inputs in order from ``input.bin`` (those that are fed by rows to their places outside
    the device's memory) and writes status, bytes of stack, bytes that the stack could have taken (three
    32-bit words), and the outputs in order to ``output.bin``. Of a model with states, the input begins with a
    32-bit word, 1 for a reset, and the state to go on with; the output ends with the next state. A fault
    leaves its program counter, CFSR, HFSR and BFAR in ``fault.bin``.
    """
    context = interface(program) | {
        "code": code,
        "ram": ram,
    }
    names = ["semihosted.c", "semihosted.ld", *(["string.h", "memory.c"] if with_memory else [])]
    return {name: environment().get_template(f"board/{name}.j2").render(context) for name in names}


def counter_source(ranges: Sequence[CodeRange], owners: int, limit: int, plugin_version: int) -> str:
    """C of a QEMU plugin that counts instructions by owner, and writes them to ``counts.txt``.

    Owners are the layers 0 … ``owners`` − 1, the model's own function (= ``owners``), and what is around the
    model (= ``owners`` + 1, not counted). Other code counts for whoever called it. One line per owner, then
    the owner that ran last. Beyond ``limit`` instructions QEMU ends with exit code 3.
    """
    context = {"ranges": ranges, "owners": owners, "limit": limit, "plugin_version": plugin_version}
    return environment().get_template("board/counter.c.j2").render(context)
