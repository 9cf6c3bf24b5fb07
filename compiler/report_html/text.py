"""Numbers and names as people read them."""

from __future__ import annotations

from html import escape

from ...ir.names import printable

_LONGEST = 64
_JOINED = "\u00a0"


def short(name: str) -> str:
    """A name from a model in one line: no control characters, and cut where it goes on for pages."""
    safe = printable(name[: 4 * _LONGEST])
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 21]}…{safe[-20:]}"


def in_chart(name: str) -> str:
    """The same for plotly, which takes text for a subset of HTML and decodes its entities."""
    return escape(short(name), quote=False)


def count(number: float | None) -> str:
    """``12,345``; a dash for what is not known."""
    return "–" if number is None else f"{number:,.0f}"


def size(nbytes: int | None) -> str:
    """``12,345 B``, never broken over two lines."""
    return "–" if nbytes is None else f"{nbytes:,}{_JOINED}B"


def kibibytes(nbytes: int) -> str:
    """``12.1 KiB``, ``1.44 MiB``"""
    if nbytes < 1024 * 1024:
        return f"{nbytes / 1024:,.1f}{_JOINED}KiB"
    return f"{nbytes / 1024 / 1024:,.2f}{_JOINED}MiB"


def percent(share: float | None, digits: int = 2) -> str:
    """``99.63 %``"""
    return "–" if share is None else f"{100 * share:,.{digits}f}{_JOINED}%"


def interval(ends: list[float] | None) -> str:
    """``98.7–99.9 %``"""
    return "" if ends is None else f"{100 * ends[0]:.1f}–{percent(ends[1], 1)}"


def shape(axes: list[int]) -> str:
    """``25×5×64``; a scalar has no axes."""
    return "×".join(map(str, axes)) or "1"
