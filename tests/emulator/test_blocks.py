"""Counts of the emulated board, on code whose instructions and cycles can be told by hand."""

from __future__ import annotations

import pytest

from tinyc.emulator.board import Board, BoardRun
from tinyc.emulator.image import build_image
from tinyc.emulator.toolchain import find_toolchain
from tinyc.ir.errors import VerificationError
from tinyc.ir.program import Program
from tinyc.targets import load_target

TARGET = load_target("nucleo-f446re")
HEADER = """#include <stdint.h>
#define TOY_ARENA_BYTES 64u
#define TOY_ARENA_ALIGNED __attribute__((aligned(8)))
typedef struct { int none; } toy_inputs;
typedef struct { int none; } toy_outputs;
"""


def assembler(name: str, code: str) -> str:
    words = code.replace("\n", "\\n")
    return f'__attribute__((naked, used)) void {name}(void) {{ __asm__ volatile("{words}"); }}\n'


def run(*functions: str) -> BoardRun:
    """What a model ``toy`` of the layers ``one`` and ``two`` costs, in assembler."""
    toolchain = find_toolchain(TARGET)
    if toolchain is None:
        pytest.skip("no cross compiler for Cortex-M4 on this machine")
    pytest.importorskip("unicorn")
    program = Program("toy", {}, (), (), (), ())
    files = {"toy.h": HEADER, "toy.c": '#include "toy.h"\n' + "".join(functions)}
    return Board(program, build_image(program, files, TARGET, toolchain), TARGET, ["one", "two"]).run({})


def test_a_loop() -> None:
    done = run(assembler("toy_run", "movw r3, #1000\n1: subs r3, #1\nbne 1b\nmovs r0, #0\nbx lr"))
    assert done.instructions == 1 + 2 * 1000 + 2
    # one cycle each, and two more (the pipeline's refill) for each of the 999 branches that were taken
    assert done.cycles == done.instructions + 2 * 999
    assert (done.variables, done.stack, done.touched) == (64, 0, 64)


def test_layers_own_the_work_of_their_helpers() -> None:
    done = run(
        assembler("helper", "movs r2, #10\n1: subs r2, #1\nbne 1b\nbx lr"),
        assembler("toy_one", "push {r4, lr}\nbl helper\npop {r4, pc}"),
        assembler("toy_two", "nop\nbx lr"),
        assembler("toy_run", "push {r4, lr}\nbl toy_one\nbl toy_two\nmovs r0, #0\npop {r4, pc}"),
    )
    one, two = done.layers
    assert (one.instructions, two.instructions) == (3 + 1 + 2 * 10 + 1, 2)
    assert done.instructions == one.instructions + two.instructions + 5
    # push and pop of two registers take three cycles; two more for each jump but the layer's return
    assert two.cycles == 2 + 2
    assert one.cycles == 3 + 1 + 2 + (1 + 2 * 10 + 2 * 9 + 1 + 2) + 3 + 2
    assert done.stack == 16


def test_stack_is_what_was_written_below_the_caller() -> None:
    deep = "sub sp, #120\nmovs r0, #0\nstr r0, [sp]\nb 1f\n1: add sp, #120\nbx lr"
    assert run(assembler("toy_run", deep)).stack == 120


def test_a_write_between_variables_and_stack_is_touched_memory() -> None:
    stray = "movw r3, #0x1000\nmovt r3, #0x2000\nmovs r0, #0\nstr r0, [r3]\nbx lr"
    done = run(assembler("toy_run", stray))
    assert (done.stack, done.touched) == (0, 64 + 4)


def test_what_is_not_code_does_not_run() -> None:
    wild = "movw r3, #0x8001\nmovt r3, #0x0800\nbx r3"
    with pytest.raises(VerificationError, match="holds no code that is known"):
        run(assembler("toy_run", wild))
