"""Feature maps that get 16 bits, where 8 do measurably worse than floats: before any is narrowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .guard import Judgement
from .widths import Step, Widths


def widened(
    judge: Callable[[Widths], Judgement], offer: Callable[[], Sequence[Step]], max_drop: float,
    evaluations: int,
) -> Widths:  # fmt: skip
    """The first of the steps on ``offer``, as many as it takes, less those, the last first, that then are not
    needed.

    ``judge`` compares a model with the float model. There is nothing to do unless the model in 8 bits drops
    by more than ``max_drop``, beyond doubt (95 %). Where that limit is out of reach, because weights or
    operators without 16 bits are to blame, it is relative to what all steps reach.
    ``evaluations`` bounds how many steps are tried to be left out.
    """

    def drop(taken: Sequence[Step]) -> float:
        return judge(Widths().after(taken)).expected

    narrow = judge(Widths())
    if narrow.low <= max_drop or narrow.expected <= max_drop or not (steps := offer()):
        return Widths()
    least = drop(steps)
    limit = max_drop if least <= max_drop else least + max_drop
    if narrow.expected <= limit:
        return Widths()
    too_few, enough = 0, len(steps)
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if drop(steps[:middle]) <= limit else (middle, enough)
    taken = list(steps[:enough])
    for step in reversed(taken[max(0, enough - 1 - evaluations) : -1]):
        rest = [other for other in taken if other is not step]
        taken = rest if drop(rest) <= limit else taken
    return Widths().after(taken)
