"""Where a step may write its output over an input: pairs of lines that may lie on the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..ir.accesses import Accesses, repeated
from ..ir.lifetime import Liveness
from ..ir.program import Buffer, Full, Program, Step


@dataclass(frozen=True, eq=False)
class Guests:
    """One element per pair of lines: at ``moment`` a task reads the host for the last time and begins the
    guest.

    The two may share bytes then if the guest's owner begins ``delta`` bytes after the host's.
    """

    guest: np.ndarray
    host: np.ndarray
    moment: np.ndarray
    delta: np.ndarray


def guests(program: Program, table: Accesses, live: Liveness) -> Guests:
    """All such pairs, where a kernel lets element i of its output take the place of element i of an input.

    The two windows consist of equally many runs of bytes, equally far apart, of as many elements (a kernel
    that is not windowed may write fewer than it reads), and no element is wider than the one it replaces.
    """
    choices = np.array(list(_choices(program, table)), np.int64).reshape(-1, 5)
    runs = np.bincount(table.operand, minlength=int(choices[:, :2].max(initial=0)) + 1)
    begins = np.cumsum(runs) - runs
    choices = choices[(runs[choices[:, 0]] == runs[choices[:, 1]]) & (runs[choices[:, 0]] > 0)]
    choice, number = repeated(runs[choices[:, 0]])
    output, read = (begins[choices[choice, side]] + number for side in (0, 1))
    delta = _inside_owner(table, read) - _inside_owner(table, output)
    written, taken = ((table.end - table.begin)[run] for run in (output, read))
    width, other_width, windowed = choices[choice, 2:].T
    fits = (written <= taken) & (~windowed.astype(bool) | (written * other_width == taken * width))
    fits &= delta == delta[np.flatnonzero(number == 0)][choice] if len(choice) else fits
    fits = np.bincount(choice, ~fits, len(choices))[choice] == 0
    return _dying(table, live, output[fits], read[fits], delta[fits])


def _choices(program: Program, table: Accesses) -> Iterator[tuple[int, int, int, int, bool]]:
    """For each task and input that its one output may overwrite: the numbers of both operands, the widths of
    their elements, and whether the kernel is windowed. An input that the task uses twice is none."""
    ways = {index: list(_ways(program, step)) for index, step in enumerate(program.steps)}
    for first, task in zip(table.firsts, program.tasks, strict=True):
        for index, width, other_width, windowed in ways[task.step]:
            output = first + len(program.steps[task.step].inputs)
            yield output, first + index, width, other_width, windowed


def _ways(program: Program, step: Step) -> Iterator[tuple[int, int, int, bool]]:
    allowed = [index for index in sorted(set(step.kernel.in_place())) if index < len(step.inputs)]
    if not allowed or len(step.outputs) != 1:
        return
    uses = Counter(program.owner(name)[0] for name in program.operands(step))
    output = program.buffers[step.outputs[0]]
    for index in allowed:
        read = program.buffers[step.inputs[index]]
        # rows of a ring wrap around: the later ones lie first, where wider elements still wait to be read
        wraps = output.dtype.bits != read.dtype.bits and (_wraps(output) or _wraps(read))
        if uses[program.owner(read.name)[0]] == 1 and not wraps:
            yield index, *output.widths(read), step.kernel.windowed


def _wraps(buffer: Buffer) -> bool:
    return buffer.storage != Full() and buffer.pixels_stored[0] > 1


def _inside_owner(table: Accesses, run: np.ndarray) -> np.ndarray:
    begin = table.begin[run]
    return begin - table.bases[np.searchsorted(table.bases, begin, "right") - 1]


def _dying(
    table: Accesses, live: Liveness, output: np.ndarray, read: np.ndarray, delta: np.ndarray
) -> Guests:
    """The lines of these pairs of runs, where the one begins as the other is read for the last time."""
    begin = table.bases[live.owner] + live.begin
    low = [np.searchsorted(begin, table.begin[run], "right") - 1 for run in (output, read)]
    high = [np.searchsorted(begin, table.end[run], "left") for run in (output, read)]
    hosts = high[1] - low[1]
    pair, number = repeated((high[0] - low[0]) * hosts)
    guest, host = low[0][pair] + number // hosts[pair], low[1][pair] + number % hosts[pair]
    moment = table.moment[output[pair]]
    births = (live.line * live.moments + live.first)[live.born]
    deaths = (live.line * live.moments + live.last - 1)[live.dead]
    born = np.isin(guest * live.moments + moment, births)
    dies = np.isin(host * live.moments + moment, deaths)
    keep = born & dies
    return Guests(guest[keep], host[keep], moment[keep], delta[pair][keep])
