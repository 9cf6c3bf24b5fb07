"""How emitted C lies on the page: text from a model made safe for comments, and long lines wrapped."""

from __future__ import annotations

import re
from collections.abc import Iterator

WIDTH = 120
"""Columns of a line of emitted C, where it can be broken."""

_LONGEST = 100
_BREAKABLE = re.compile(r"(?<=[,;]) (?=\S)| (?=(?:\?|:|\+|\*|&&|\|\||>>) )")
"""The blanks of a line of code after which it may go on in the next line."""
_HAZARDS = re.compile(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?)(?=\?)")
"""Between the characters that close or open a comment, or begin a trigraph."""


def c_comment(text: str) -> str:
    """Text from a model, safe inside a C comment: one line, printable, bounded, cannot close it."""
    line = "".join("/" if c == "\\" else c if c.isprintable() else " " if c.isspace() else "_" for c in text)
    return _shortened(_HAZARDS.sub(" ", line))


def c_node(name: str) -> str:
    """A node's name for a comment. Of names that converters from TensorFlow join with ``;`` each is shown
    once, and so is the scope that they share."""
    parts = list(dict.fromkeys(part.strip() for part in name.split(";") if part.strip()))
    if len(parts) < 2:
        return c_comment(name)
    scope = parts[0].partition("/")[0] + "/"
    return c_comment("; ".join([parts[0], *(part.removeprefix(scope) for part in parts[1:])]))


def _shortened(line: str) -> str:
    """Both ends of a long line: what tells names apart is as often behind as in front."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST * 2 // 3]} … {line[-_LONGEST // 3 + 3 :]}"


def wrapped(text: str) -> str:
    """C text with lines of at most WIDTH columns, where they can be broken. Directives stay as they are."""
    lines = text.split("\n")
    if max(map(len, lines)) <= WIDTH:
        return text
    made: list[str] = []
    directive = False
    for line in lines:
        directive = directive or line.startswith("#")
        made += [line] if directive else _wrapped_line(line)
        directive = directive and line.endswith("\\")
    return "\n".join(made)


def _wrapped_line(line: str) -> Iterator[str]:
    comment = re.match(r" ?/?\*", line)
    margin = " * " if comment else " " * (len(line) - len(line.lstrip()) + 8)
    while len(line) > WIDTH and (cut := _space(line) if comment else _break(line, len(margin))):
        yield line[:cut].rstrip()
        line = margin + line[cut:].lstrip()
    yield line


def _space(line: str) -> int:
    return line.rfind(" ", 4, WIDTH + 1) + 1


def _break(line: str, margin: int) -> int:
    """Where to break a line of code: in as few parentheses as possible, as early as leaves one more line."""
    begins = len(line) - len(line.lstrip())
    places = [(depth, cut) for depth, cut in _places(line) if begins < cut <= WIDTH]
    if not places:
        return 0
    shallowest = min(depth for depth, _ in places)
    cuts = [cut for depth, cut in places if depth == shallowest]
    return next((cut for cut in cuts if margin + len(line) - cut <= WIDTH), cuts[-1])


def _places(line: str) -> Iterator[tuple[int, int]]:
    """(parentheses around it, column) of each place where a line of code may be broken."""
    depth, quoted = 0, False
    for column, c in enumerate(line):
        if c == '"' and line[column - 1] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif _BREAKABLE.match(line, column):
            yield depth, column + 1
