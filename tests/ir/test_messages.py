"""One style of messages: every place in the source that raises an error says all that a user needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tinyc.ir import errors

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("codegen", "compiler", "emulator", "ir", "kernels", "models", "passes", "targets")
ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type)]
KINDS = {kind.__name__ for kind in ERRORS if issubclass(kind, errors.TinycError)}
REMEDY_LAST = {"refuse", "Obstacle"}
"""What takes a remedy as its last argument, beside functions of that kind (``_refused(…, why, remedy)``)."""
GAP = "…"
"""Stands for what is known only when the error is raised."""

VERBS = re.findall(
    r"\w+",
    """
    add allow ask begin build cast check choose compile compute connect convert copy correct crop cut drop
    export fix give install keep leave let make name open pad pip put quantize raise reduce remove rename
    replace report resize retrain run save scale set shift split start store subtract swap take train undo
    use write
    """,
)
"""How a remedy begins: with what to do."""


@dataclass(frozen=True)
class Site:
    """A place that makes an error: its texts by their part, with gaps; None where it is all computed."""

    place: str
    kind: str
    texts: dict[str, str | None]


def sites() -> Iterator[Site]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and (site := _site(call, path)) is not None:
                    yield site


def _site(call: ast.Call, path: Path) -> Site | None:
    is_plain = isinstance(call.func, ast.Name)  # click has a UsageError too
    name = getattr(call.func, "id" if is_plain else "attr", "")
    place = f"{path.relative_to(ROOT)}:{call.lineno}"
    if is_plain and name in KINDS and call.args:
        texts = {"what": _text(call.args[0])} | {k.arg or "": _text(k.value) for k in call.keywords}
        return Site(place, name, texts)
    if name in REMEDY_LAST and len(call.args) == 2:
        return Site(place, name, {"why": _text(call.args[0]), "remedy": _text(call.args[1])})
    return None


def _text(node: ast.expr) -> str | None:
    """Literal text, with gaps where it is filled in."""
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(values):
            return "".join(_text(value) or GAP for value in values)
        case ast.BinOp(left, ast.Add(), right):
            return (_text(left) or GAP) + (_text(right) or GAP)
        case _:
            return None


SITES = [*sites()]
RAISED = [site for site in SITES if site.kind in KINDS]
every = pytest.mark.parametrize("site", SITES, ids=[site.place for site in SITES])


def test_the_sites_are_found() -> None:
    assert len(RAISED) > 150 and len(SITES) - len(RAISED) > 40
    assert {site.kind for site in RAISED} >= KINDS - {"TinycError"}


@every
def test_every_error_says_what_to_do(site: Site) -> None:
    assert "remedy" in site.texts, "no remedy"
    remedy = site.texts["remedy"]
    if remedy is None or remedy.startswith(GAP):
        return  # made elsewhere; the refusals of the tests are held to the same
    assert remedy.split()[0].strip(",:") in VERBS, f"a remedy begins with what to do: {remedy!r}"


@every
def test_every_error_about_a_model_says_why(site: Site) -> None:
    if site.kind == "ModelError":
        assert site.texts.keys() >= {"why", "remedy"}, "where may be left to the file that is being compiled"
    assert "" not in site.texts.values()


@every
def test_wording(site: Site) -> None:
    for part, text in site.texts.items():
        if text is not None:
            assert text == text.strip() and not text.endswith((".", "!")), f"{part}: {text!r}"
            assert not re.search(r"\b(please|sorry|oops|invalid argument)\b", text, re.IGNORECASE), text
    what = site.texts.get("what")
    if what is not None:
        assert re.match(rf"[A-Z`'{GAP}]|--|\.\w", what), f"a sentence begins with a capital letter: {what!r}"
