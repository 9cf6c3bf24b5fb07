"""docs/operators.md, made of the outcomes of ONNX's own tests."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .operators import Outcome

_INTRODUCTION = """\
# Operators

This page is written by `python -m tinyc.benchmarks.operators --page docs/operators.md`. It compiles the tests
of operators that come with onnx {version} for a board with a floating-point unit, runs the C on the host, and
holds every output against the one that ONNX expects.

**{passed:,} of {all:,} tests pass, on {supported} of {operators} operators.** {refused:,} are refused, each
with the reason below; {disputed} disputed (ONNX Runtime computes something else than ONNX expects, and tinyc
goes with ONNX Runtime); {failed} crash or compute wrong numbers.

- Types: float32, int8 to int64, uint8 to uint32, bool. float16, bfloat16 and float64 are stored and computed
  as float32: a test passes within a relative 0.001 and an absolute 0.00001, of float16 within 0.002, of
  bfloat16 within 0.02.
- Out of scope: training, text, sequences and maps, optional values, random numbers, and decoding of pictures.
- Operands are run-time inputs where that compiles. Where it does not, those behind the first are given as
  initializers, as weights, axes, shapes, scales and the like are in every trained model: first those of up to
  one dimension, then all.
- A name that ends in `_expanded` is the test of an operator as ONNX expresses it by others.
- Quantized models (QDQ) take kernels of their own for most of these operators; these tests do not count them.
"""
_TYPES = (
    "float", "float16", "bfloat16", "double", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
    "bool", "other",
)  # fmt: skip
"""As ONNX names them, in the order of the table's cells."""
_SHOWN = {"float": "float32", "double": "float64"}


def page(outcomes: Sequence[Outcome], version: str) -> str:
    """Markdown: a summary, a table of operators, and the tests behind each reason of refusal."""
    by_operator: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_operator[one.operator].append(one)
    verdicts = Counter(one.verdict for one in outcomes)
    introduction = _INTRODUCTION.format(
        version=version,
        passed=verdicts["passed"],
        all=len(outcomes),
        refused=verdicts["refused"],
        disputed=f"{verdicts['disputed']} {'is' if verdicts['disputed'] == 1 else 'are'}",
        failed=verdicts["failed"] or "none",
        supported=sum(any(one.verdict == "passed" for one in ones) for ones in by_operator.values()),
        operators=len(by_operator),
    )
    rows = ["| operator | tests passed | types | why not |", "|---|---|---|---|"]
    rows += [_row(name, by_operator[name]) for name in sorted(by_operator)]
    return "\n".join([introduction, *rows, "", "## Tests that do not pass", "", *_reasons(outcomes), ""])


def _row(operator: str, outcomes: Sequence[Outcome]) -> str:
    passed = [one for one in outcomes if one.verdict == "passed"]
    found = {name for one in passed for name in one.types}
    types = ", ".join(_SHOWN.get(name, name) for name in _TYPES if name in found)
    reasons = Counter(told(one.reason) for one in outcomes if one.verdict != "passed")
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    why = "; ".join(f"{reason} ({count})" for reason, count in ordered)
    return f"| {operator} | {len(passed)} of {len(outcomes)} | {types} | {why} |"


def _reasons(outcomes: Sequence[Outcome]) -> Iterable[str]:
    names: dict[str, list[str]] = defaultdict(list)
    for one in outcomes:
        if one.verdict != "passed":
            names[told(one.reason)].append(one.case)
    for reason in sorted(names):
        yield f"- {reason}: " + ", ".join(f"`{name}`" for name in names[reason])


def told(reason: str) -> str:
    """A reason as the page has it: one short line without the names of tensors, safe in a table."""
    text = re.sub(r"'[^']*'", "…", " ".join(reason.split()))
    text = re.sub(r"node_\d+|\(name: [^)]*\)", "…", text)
    return re.sub(r"([|<>*_\[\]])", r"\\\1", text[:160])


def reasons_on(text: str) -> Mapping[str, str]:
    """By test, the reason that the text of a page gives for its not passing."""
    found: dict[str, str] = {}
    for line in text.split("## Tests that do not pass", 1)[1].splitlines():
        reason, _, names = line.removeprefix("- ").partition(": `")
        found.update({name: reason for name in re.findall(r"`?(test_\w+)`", names)})
    return found
