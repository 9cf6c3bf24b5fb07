"""Lines of emitted C: where they are broken."""

from __future__ import annotations

import pytest

from tinyc.codegen.layout import WIDTH, wrapped

TERMS = " + ".join(f"first_operand[{n}] * 12345" for n in range(12))


@pytest.mark.parametrize(
    "line",
    [
        f"    value = {TERMS};",
        f"    value = call(argument, (number)call(call(sum[0], multipliers[c], -5, 1), {TERMS}), -8, 7);",
        f"                    + call({TERMS});",  # begins where a line may be broken
        f"/* {TERMS} */",
    ],
)
def test_long_lines_are_broken_and_nothing_is_lost(line: str) -> None:
    made = wrapped(line)
    words = made.replace("\n *", "\n") if line.startswith("/*") else made
    assert "".join(words.split()) == "".join(line.split())
    assert len(made.split("\n")) > 1
    assert all(len(part) <= WIDTH for part in made.split("\n"))


def test_what_cannot_be_broken_stays() -> None:
    line = f"                * {'x' * 150};"
    assert wrapped(line) == line
