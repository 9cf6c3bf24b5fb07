"""Where helpers go, and whether layers share them, is the firmware's to say: each carries the macros."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tinyc.codegen.layout import WIDTH

HEADERS = {
    entry.name: entry.read_text(encoding="utf-8")
    for entry in files("tinyc.runtime_c").iterdir()
    if entry.name.endswith(".h")
}
ATTRIBUTES = (
    "static inline TINYC_HOT_ATTR ",  # of a few lines
    "static TINYC_ROUTINE_ATTR ",  # C around a micro-kernel: shared by layers, or inlined into each
    "static TINYC_LAYER_ATTR TINYC_HOT_ATTR ",  # a micro-kernel, in which nothing depends on the layer
    "static TINYC_TABLES_ATTR const ",
)


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_helpers_carry_the_macros(name: str) -> None:
    defined = [line for line in HEADERS[name].splitlines() if line.startswith(("static", "const"))]
    assert all(line.startswith(ATTRIBUTES) for line in defined), defined
    assert "extern" not in HEADERS[name]


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_lines_are_as_wide_as_emitted_ones(name: str) -> None:
    assert [line for line in HEADERS[name].splitlines() if len(line) > WIDTH] == []
