"""ONNX's own tests of its operators, through the whole compiler, held against what docs/operators.md says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tinyc.benchmarks.operators import Outcome, cases, outcome
from tinyc.benchmarks.operators_page import page, reasons_on, told

PAGE = (Path(__file__).parents[2] / "docs" / "operators.md").read_text("utf-8")
REASONS = reasons_on(PAGE)
EVERY = 97
"""One case of so many is tried in the quick test."""
PARTS = 8
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def disagreement(found: Outcome) -> str:
    """How a case's outcome differs from the page; empty where it does not."""
    said, is_now = REASONS.get(found.case, "passes"), told(found.reason) or "passes"
    return "" if said == is_now else f"{found.case}: {is_now}, but the page says: {said}"


def test_a_sample_of_the_cases() -> None:
    sample = [outcome(case) for case in list(cases().values())[::EVERY]]
    assert [text for one in sample if (text := disagreement(one))] == []


def test_the_page_counts_all_cases() -> None:
    numbers = re.search(r"\*\*([\d,]+) of\s([\d,]+) tests pass, on (\d+) of\s(\d+) operators", PAGE)
    assert numbers is not None
    passed, total, operators, _ = (int(number.replace(",", "")) for number in numbers.groups())
    rows = re.findall(r"^\| \w+ \| (\d+) of (\d+) \|", PAGE, re.MULTILINE)
    assert total == len(cases()) == sum(int(row[1]) for row in rows)
    assert passed == total - len(REASONS) == sum(int(row[0]) for row in rows)
    assert operators == sum(row[0] != "0" for row in rows)
    assert REASONS.keys() <= cases().keys()
    assert passed >= 1500 and operators >= 165


def test_the_page_of_outcomes() -> None:
    text = page(
        [
            Outcome("test_a", "Abs", ("float", "int8"), "passed"),
            Outcome("test_b", "Abs", ("float16",), "refused", "Tensor 'x' | has\nno elements"),
            Outcome("test_c", "Exp", ("float",), "refused", "Tensor 'y' | has\nno elements"),
        ],
        "1.0",
    )
    assert "**1 of 3 tests pass, on 1 of 2 operators.**" in text
    assert "| Abs | 1 of 2 | float32, int8 | Tensor … \\| has no elements (1) |" in text
    assert reasons_on(text) == dict.fromkeys(("test_b", "test_c"), "Tensor … \\| has no elements")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_all_cases(part: int) -> None:
    """With the sanitizers of clang, where there is one."""
    clang = shutil.which("clang")
    found = [
        outcome(cases()[name], (clang,) if clang else None, SANITIZERS) for name in list(cases())[part::PARTS]
    ]
    assert [text for one in found if (text := disagreement(one))] == []
    assert [one for one in found if one.verdict == "failed"] == []
