"""The order of steps that needs the least memory, for models with branches.

Dynamic programming over the sets of steps executed so far (SERENITY: Ahn et al., "Ordering Chaos",
MLSys 2020): what is live after a set does not depend on the order within it, so the smallest peak on the way
there is all that counts. Sets that cannot beat a known order are left out, and the model is divided at the
steps that are comparable with all others, through which every order passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...ir.program import Full, Program, Step, Task
from ..place import UNIT

MAX_STATES = 50_000
"""Sets of executed steps that are kept in one search before it becomes a beam search."""
BEAM = 128
"""Sets of equal size that a beam search keeps: those with the smallest peak, then with the least memory."""


@dataclass(frozen=True)
class Ordered:
    """``program`` runs layer by layer in an order whose busiest step has ``peak`` bytes in use, sizes rounded
    up to words and in-place outputs counted once. ``exact``: no order has less."""

    program: Program
    peak: int
    exact: bool


def least_peak_order(program: Program, *, max_states: int = MAX_STATES) -> Ordered:
    """``program``, which must run layer by layer, with steps and tasks in the order of least peak memory.

    The model's own order stays where it is as good, and otherwise steps keep it as far as the peak allows.
    ValueError where ``program`` does not run layer by layer.
    """
    if list(program.tasks) != [Task(index) for index in range(len(program.steps))]:
        raise ValueError(f"program {program.name} does not run layer by layer")
    memory = _Memory.of(program)
    parts = [_Part(memory, begin, end) for begin, end in _parts(memory)]
    peak = memory.live_at_first
    before = max([peak, *(part.peak for part in parts)])
    proved = max([peak, *(part.floor for part in parts)])
    order = list(range(len(program.steps)))
    for part in sorted(parts, key=lambda part: -part.peak):
        found, steps, bound = part.least(max(peak, proved), max_states)
        peak, proved = max(peak, found), max(proved, bound)
        order[part.begin : part.end] = steps
    if peak == before:
        return Ordered(program, peak, peak == proved)
    steps = tuple(program.steps[index] for index in order)
    return Ordered(replace(program, steps=steps, plan=None), peak, peak == proved)


@dataclass(frozen=True)
class _Block:
    """An owner of memory: its size, the steps that use it, and whether the caller fills or reads it."""

    size: int
    users: int
    given: bool
    kept: bool


@dataclass(frozen=True, eq=False)
class _Memory:
    """What the steps do to memory; sets of steps are bit masks.

    ``used[step]`` are the blocks of its operands, ``needs[step]`` the steps that have to come before.
    ``shared[step]`` is the block that may be written over one of some others that end there.
    """

    blocks: Sequence[_Block]
    used: Sequence[Sequence[int]]
    needs: Sequence[int]
    shared: Sequence[tuple[int, Sequence[int]] | None]

    @classmethod
    def of(cls, program: Program) -> _Memory:
        users: dict[str, int] = {program.owner(name)[0]: 0 for name in (*program.sources, *program.results)}
        for index, step in enumerate(program.steps):
            for name in program.operands(step):
                owner = program.owner(name)[0]
                users[owner] = users.get(owner, 0) | 1 << index
        given = {program.owner(name)[0] for name in program.sources}
        kept = {program.owner(name)[0] for name in program.results}
        sizes = {name: -(-program.buffers[name].arena_bytes // UNIT) * UNIT for name in users}
        blocks = [_Block(sizes[name], mask, name in given, name in kept) for name, mask in users.items()]
        number = {name: index for index, name in enumerate(users)}
        used = [
            sorted({number[program.owner(name)[0]] for name in program.operands(step)})
            for step in program.steps
        ]
        shared: list[tuple[int, Sequence[int]] | None] = []
        for step in program.steps:
            hosts = [number[program.owner(name)[0]] for name in _overwritable(program, step)]
            guest = number[program.owner(step.outputs[0])[0]]
            shared.append((guest, hosts) if hosts and not blocks[guest].given else None)
        return cls(blocks, used, _needs(program), shared)

    @property
    def live_at_first(self) -> int:
        """Bytes in use before any step: the caller's inputs."""
        return sum(block.size for block in self.blocks if block.given and (block.users or block.kept))

    def run(self, step: int, done: int, live: int) -> tuple[int, int]:
        """Bytes in use during ``step`` and after it, where ``live`` are in use after the steps ``done``."""
        now = done | 1 << step
        ended = 0
        for index in self.used[step]:
            block = self.blocks[index]
            if not (block.given or block.users & done):
                live += block.size
            if not block.kept and not block.users & ~now:
                ended += block.size
        return live - self._saved(step, done), live - ended

    def _saved(self, step: int, done: int) -> int:
        """Bytes that running in place saves."""
        match self.shared[step]:
            case (guest, hosts) if not self.blocks[guest].users & done:
                now = done | 1 << step
                dying = any(not self.blocks[h].users & ~now and not self.blocks[h].kept for h in hosts)
                return self.blocks[guest].size if dying else 0
            case _:
                return 0

    def least(self, step: int) -> int:
        """Bytes that ``step`` needs in any order: its operands, in place where that may ever be."""
        shared = self.shared[step]
        saved = self.blocks[shared[0]].size if shared else 0
        return sum(self.blocks[index].size for index in self.used[step]) - saved


def _overwritable(program: Program, step: Step) -> Iterator[str]:
    """Inputs whose bytes the one output may take in place where nothing else uses them later."""
    if len(step.outputs) != 1:
        return
    output = program.buffers[step.outputs[0]]
    owners = [program.owner(name)[0] for name in program.operands(step)]
    for index in step.kernel.in_place():
        if index < len(step.inputs):
            source = program.buffers[step.inputs[index]]
            alone = owners.count(program.owner(source.name)[0]) == 1
            fits = source.storage == output.storage == Full() and output.nbytes <= source.nbytes
            if alone and fits and not program.persists(source.name) and not program.persists(output.name):
                yield source.name


def _needs(program: Program) -> list[int]:
    """For each step the earlier ones that it cannot overtake, as a mask: they use bytes that it writes, or
    write bytes that it uses; and all that these need. Both halves of a state are the same bytes."""
    place = {state.after: state.before for state in program.states}
    needs: list[int] = []
    seen: list[tuple[int, bool, str, int, int]] = []
    for index, step in enumerate(program.steps):
        mask = 0
        spans: list[tuple[int, bool, str, int, int]] = []
        for name in (*step.inputs, *step.outputs):
            owner, begin = program.owner(name)
            end = begin + program.buffers[name].nbytes
            spans.append((index, name in step.outputs, place.get(owner, owner), begin, end))
        for _, writes, owner, begin, end in spans:
            for other, wrote, other_owner, other_begin, other_end in seen:
                if owner == other_owner and (writes or wrote) and begin < other_end and other_begin < end:
                    mask |= 1 << other | needs[other]
        needs.append(mask)
        seen += spans
    return needs


def _parts(memory: _Memory) -> Iterator[tuple[int, int]]:
    """Steps [begin, end) that may change places among themselves only."""
    count = len(memory.needs)
    begin = 0
    followers = [0] * count
    for index, needed in enumerate(memory.needs):
        for other in range(count):
            if needed >> other & 1:
                followers[other] |= 1 << index
    for index in range(count):
        if memory.needs[index] | followers[index] | 1 << index == (1 << count) - 1:
            if begin < index:
                yield begin, index
            yield index, index + 1
            begin = index + 1
    if begin < count:
        yield begin, count


_State = tuple[int, int]
"""The smallest peak on the way to a set of executed steps, and the bytes in use after it."""


class _Part:
    """Steps [begin, end), which every order runs behind those before ``begin`` and ahead of those behind."""

    def __init__(self, memory: _Memory, begin: int, end: int) -> None:
        self.begin, self.end = begin, end
        self._memory = memory
        self._done = (1 << begin) - 1
        self._live = memory.live_at_first
        for step in range(begin):
            _, self._live = memory.run(step, (1 << step) - 1, self._live)
        self.peak = max(during for during, _ in self._replay(range(begin, end)))
        """Bytes in use during the busiest step in the model's order."""
        self.floor = self.peak if end - begin == 1 else max(map(memory.least, range(begin, end)))
        """Bytes that no order does without."""

    def _replay(self, steps: Sequence[int]) -> Iterator[tuple[int, int]]:
        done, live = self._done, self._live
        for step in steps:
            during, live = self._memory.run(step, done, live)
            yield during, live
            done |= 1 << step

    def least(self, enough: int, max_states: int) -> tuple[int, Sequence[int], int]:
        """The least peak found, an order that has it, and bytes that no order does without.

        A peak of ``enough`` bytes is not improved on.
        """
        given = range(self.begin, self.end)
        if self.peak <= enough:
            return self.peak, given, self.floor
        complete = True
        for below in dict.fromkeys((enough + 1, self.peak)):  # a low bound leaves few sets to look at
            found, complete = self._search(below, max_states)
            if found:
                peak = max(during for during, _ in self._replay(found))
                return peak, found, peak if complete and below == self.peak else self.floor
        return self.peak, given, self.peak if complete else self.floor

    def _search(self, below: int, max_states: int) -> tuple[Sequence[int], bool]:
        """The first order, as the model numbers steps, of the least peak below ``below``; none where there is
        none, which is certain where the second result is true."""
        levels: list[dict[int, _State]] = [{self._done: (0, self._live)}]
        states, complete = 1, True
        for _ in range(self.begin, self.end):
            reached: dict[int, _State] = {}
            for done, state in levels[-1].items():
                for step, (top, live) in self._moves(done, state):
                    after = done | 1 << step
                    if top < below and (after not in reached or top < reached[after][0]):
                        reached[after] = (top, live)
            states += len(reached)
            if states > max_states and len(reached) > BEAM:
                reached = dict(sorted(reached.items(), key=lambda item: item[1])[:BEAM])
                complete = False
            levels.append(reached)
        if not levels[-1]:
            return [], complete
        ((peak, _),) = levels[-1].values()
        return self._walk(levels, peak), complete

    def _moves(self, done: int, state: _State) -> Iterator[tuple[int, _State]]:
        """Each step that can be next, with the state behind it."""
        for step in range(self.begin, self.end):
            if not done >> step & 1 and not self._memory.needs[step] & ~done:
                during, live = self._memory.run(step, done, state[1])
                yield step, (max(state[0], during), live)

    def _walk(self, levels: Sequence[dict[int, _State]], peak: int) -> Sequence[int]:
        """The order that takes the lowest step wherever ``peak`` can be kept."""
        good = set(levels[-1])
        kept: list[set[int]] = [good]
        for level in reversed(levels[:-1]):
            good = {
                done
                for done, state in level.items()
                if any(top <= peak and done | 1 << s in good for s, (top, _) in self._moves(done, state))
            }
            kept.append(good)
        order: list[int] = []
        done = self._done
        for level, good in zip(levels, kept[-2::-1], strict=False):
            for step, (top, _) in self._moves(done, level[done]):
                if top <= peak and done | 1 << step in good:
                    order.append(step)
                    done |= 1 << step
                    break
        return order
