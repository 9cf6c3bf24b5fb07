"""The file as such: it needs nothing else, runs nothing else, and is the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.compiler.report_html import page

from ..hostile import renamed, two_headed
from .subjects import MLPERF, Parsed, content, deep, digits, large, measured, mlperf, over_budget

LARGEST = 6_000_000
EVIL = "<b>x</b></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&lt;{{ 7 * 7 }}%{x}"


def assert_sound(text: str) -> Parsed:
    """No address but data and places on the page, no code but what the policy names, none in attributes."""
    assert len(text.encode()) <= LARGEST
    parsed = Parsed(text)
    for tag, attributes in parsed.elements:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert re.match(r"#[a-z]+$|data:,$", attributes.get(name, "#x")), (tag, attributes)
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    (policy,) = (a["content"] for _, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy")
    allowed = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in parsed.code]
    assert len(allowed) == 2 and re.findall(r"'sha256-([^']+)'", policy) == allowed
    assert policy.startswith("default-src 'none';") and "unsafe-eval" not in policy
    assert len(parsed.figures) == len([a for _, a in parsed.elements if a.get("class") == "chart"])
    return parsed


def test_page_of_a_measured_model() -> None:
    report = content(measured())
    parsed = assert_sound(page(report))
    assert list(parsed.figures) == ["sram", "front", "flash", "accuracy", "confusion"]
    shown = " ".join(" ".join(parsed.texts).replace("\u00a0", " ").split())
    for text in (
        "It fits", f"{report['sram']['total']:,} B of 131,072 B", f"arena {report['sram']['arena']:,} B",
        f"stack {report['sram']['stack']:,} B", f"{report['compute']['milliseconds']:,.2f} ms",
        "measured on the emulated board", "modelled", report["reproduce"]["command"],
    ):  # fmt: skip
        assert text in shown, text


def test_the_same_report_gives_the_same_page() -> None:
    report = content(digits())
    assert page(report) == page(json.loads(json.dumps(report)))
    assert digits().folder()["report.html"] == page(report)


@pytest.mark.parametrize("name", MLPERF)
def test_pages_of_real_models(shared_models: Path, name: str) -> None:
    assert_sound(page(content(mlperf(shared_models, name))))


def test_page_of_a_large_model() -> None:
    report = content(large())
    parsed = assert_sound(page(report))
    assert parsed.tags().count("tr") == 1 + len(report["layers"])


@pytest.mark.parametrize("count", [3, 300])
def test_few_layers_and_many(count: int) -> None:
    parsed = assert_sound(page(deep(content(digits()), count)))
    assert parsed.tags().count("tr") == 1 + count
    flash = parsed.figures["flash"]["data"]
    # of few what they share has a bar of its own, of many the smaller ones share one
    assert {len(bars["y"]) for bars in flash} == {4 if count == 3 else 31}
    assert bool(parsed.figures["sram"]["layout"]["xaxis"].get("ticktext")) == (count == 3)


def hostile_report() -> dict[str, Any]:
    model = renamed(two_headed(), lambda name: EVIL + name)
    options = CompileOptions("nucleo-f446re", schedule="fast", verify=False, name=EVIL)
    return content(compile_model(model, options))


def test_hostile_names_are_text() -> None:
    report = hostile_report()
    parsed = assert_sound(page(report))
    tags, text = parsed.tags(), "".join(parsed.texts)
    assert tags.count("script") == 2 + len(parsed.figures) and "img" not in tags
    assert (
        "</script><script>alert(1)" in text and "{{ 7 * 7 }}" in text and "49" not in text.split("alert")[1]
    )
    hover = json.dumps(parsed.figures["sram"]["data"])
    assert "&lt;/script&gt;" in hover and "<img" not in hover and "<script" not in hover


def test_a_refusal_says_why() -> None:
    report = content(over_budget())
    parsed = assert_sound(page(report))
    text = "".join(parsed.texts)
    assert "It does not fit" in text and "It fits" not in text
    for part in ("what", "where", "remedy"):
        for line in report["refusal"][part].split("\n"):
            assert line in text
    assert ("i", {"style": f"left: {100 * 800 / report['sram']['total']:.3f}%"}) in parsed.elements
