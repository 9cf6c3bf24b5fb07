"""Recurrent layers."""

from __future__ import annotations

from math import prod

from tinyc.kernels.cells import GATES

from .sketch import LARGEST, Sketch


def recurrent(s: Sketch, x: str) -> str | None:
    """LSTM, GRU or RNN along the first axis of three: all states, or the last one."""
    shape = s.shape(x)
    units = s.whole(1, 5)
    operator = s.pick(*GATES)
    if prod(shape[:2]) * 2 * units > LARGEST or prod(shape[:2]) > 60:
        return None
    direction = s.pick("forward", "reverse", "bidirectional")
    directions = 2 if direction == "bidirectional" else 1
    rows = GATES[operator] * units
    operands = [
        s.constant(s.rng.normal(size=(directions, rows, columns)) * columns**-0.5)
        for columns in (shape[2], units)
    ]
    operands += [s.constant(s.rng.normal(size=(directions, 2 * rows)) * 0.3)] if s.chance(2) else []
    attributes: dict[str, object] = {"direction": direction, "hidden_size": units}
    if operator == "GRU":
        attributes["linear_before_reset"] = s.whole(0, 1)
    sequence, last = s.add(operator, [x, *operands], outputs=2, **attributes)
    return s.pick(sequence, last)
