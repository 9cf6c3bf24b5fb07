"""Structure in a flat list of tasks, found again for the emitted C: calls, loops over rows, streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from ..ir.program import Program, Task
from ..ir.window import Window


@dataclass(frozen=True)
class Block:
    """A task with its window: of a step that runs whole, all of its output."""

    task: Task
    window: Window

    @property
    def step(self) -> int:
        return self.task.step

    def goes_on(self, other: Block, upward: bool) -> bool:
        """True where ``other`` computes as many rows of the same columns right below this block, or above;
        the rows that frames begin with may differ."""
        mine, theirs = self.window, other.window
        return (
            (theirs.x0, theirs.x1, theirs.height) == (mine.x0, mine.x1, mine.height)
            and (theirs.y1 == mine.y0 if upward else theirs.y0 == mine.y1)
            and other.step == self.step
            and dict(other.task.origins) == dict(self.task.origins)
        )

    def repeats(self, other: Block, upward: bool) -> bool:
        """True where ``other`` goes on from this block with its frames in the same places, and depends on the
        same flag."""
        mine, theirs = self.task, other.task
        same = dict(theirs.tops) == dict(mine.tops) and theirs.when == mine.when
        return same and self.goes_on(other, upward)


@dataclass(frozen=True)
class Rows:
    """``count`` tasks of one step: each block of rows below (``upward``: above) the last one."""

    first: Block
    count: int = 1
    upward: bool = False


@dataclass(frozen=True)
class Pass:
    """Steps in the ``order`` in which each computes its next block of rows; ``first`` has the first ones."""

    order: tuple[int, ...]
    first: dict[int, Block]


@dataclass(frozen=True)
class Stream:
    """Steps that advance together, in one pass or several: of column tiles, of patches. ``blocks`` are the
    same tasks one by one."""

    steps: tuple[int, ...]
    passes: tuple[Pass, ...]
    upward: bool
    blocks: tuple[Block, ...]


Region = Rows | Stream


def regions(program: Program) -> list[Region]:
    """The program's tasks in order. A stream holds all tasks of its steps, and its steps cannot be told apart
    into some that run before the others."""
    blocks = [Block(task, program.window(task)) for task in program.tasks]
    found: list[Region] = []
    for part in _apart(blocks):
        steps = tuple(sorted({block.step for block in part}))
        if len(steps) > 1 and len(part) > 2 * len(steps):
            upward = _upward(part)
            moves = {step for step in steps if program.steps[step].kernel.slides}
            found.append(Stream(steps, tuple(_passes(part, upward, moves)), upward, tuple(part)))
        else:
            found += loops(part)
    return found


def _apart(blocks: Sequence[Block]) -> Iterator[Sequence[Block]]:
    """The list cut wherever no step has tasks on both sides."""
    last = {block.step: index for index, block in enumerate(blocks)}
    begin = end = 0
    for index, block in enumerate(blocks):
        end = max(end, last[block.step])
        if index == end:
            yield blocks[begin : index + 1]
            begin = index + 1


def loops(blocks: Sequence[Block]) -> Iterator[Rows]:
    """Blocks of one step that follow each other directly, together."""
    run: list[Block] = []
    upward = False
    for block in blocks:
        if len(run) == 1 and run[0].repeats(block, upward=True):
            upward = True
        elif run and not run[-1].repeats(block, upward):
            yield Rows(run[0], len(run), upward)
            run, upward = [], False
        run.append(block)
    if run:
        yield Rows(run[0], len(run), upward)


def _upward(blocks: Sequence[Block]) -> bool:
    """Whether steps advance from the last row to the first, as the first step shows that advances at all."""
    latest: dict[int, Block] = {}
    for block in blocks:
        before = latest.get(block.step, block)
        for upward in (False, True):
            if before.goes_on(block, upward):
                return upward
        latest[block.step] = block
    return False


def _passes(blocks: Sequence[Block], upward: bool, moves: Set[int]) -> Iterator[Pass]:
    """A pass ends where a step does not go on from its latest block; ``moves`` are steps that may always."""
    order: list[int] = []
    first: dict[int, Block] = {}
    latest: dict[int, Block] = {}
    for block in blocks:
        if block.step in latest and block.step not in moves and not latest[block.step].goes_on(block, upward):
            yield Pass(tuple(order), first)
            order, first, latest = [], {}, {}
        order.append(block.step)
        first.setdefault(block.step, block)
        latest[block.step] = block
    yield Pass(tuple(order), first)
