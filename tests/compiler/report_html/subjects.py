"""Reports to look at, each compiled once, and their pages taken apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.toolchain import find_toolchain
from tinyc.models import mobilenetv2
from tinyc.targets import load_target

MODELS = Path(str(files("tinyc.models")))
BOARD = "nucleo-f446re"
MLPERF = {"kws01": "kws01_qdq.onnx", "vww01": "vww01_qdq.onnx"}


def require_board() -> None:
    if find_toolchain(load_target(BOARD)) is None:
        pytest.skip("no cross compiler for Cortex-M4 on this machine")


@cache
def digits(**options: Any) -> Compiled:
    """The packaged model, by default layer by layer and not run."""
    given: dict[str, Any] = {"schedule": "fast", "verify": False} | options
    return compile_model(
        MODELS / "digits.onnx",
        CompileOptions(BOARD, calibration=MODELS / "digits_calibration.npz", **given),
    )


def measured() -> Compiled:
    """Run on the emulated board, and judged."""
    require_board()
    return digits(schedule="fit", verify=True, evaluate=MODELS / "digits_evaluation.npz")


def over_budget() -> Compiled:
    """With too little SRAM and flash."""
    return digits(schedule="fit", sram_budget=800, flash_budget=9000)


@cache
def mlperf(folder: Path, name: str) -> Compiled:
    options = CompileOptions("nucleo-l4r5zi", schedule="fast", verify=False)
    return compile_model(folder / MLPERF[name], options)


@cache
def large() -> Compiled:
    """MobileNetV2 with 1000 classes, in floating point."""
    options = CompileOptions(
        "nucleo-h743zi", precision="float32", schedule="fast", verify=False, flash_budget=1 << 24
    )
    return compile_model(mobilenetv2.build_model(0.35, 48), options)


def content(compiled: Compiled) -> dict[str, Any]:
    """report.json."""
    return json.loads(compiled.files["report.json"])


def deep(report: dict[str, Any], count: int) -> dict[str, Any]:
    """The report of a layer-by-layer model as if it had ``count`` layers."""
    layers, buffers = report["layers"], report["buffers"]
    made = [
        layers[index % len(layers)] | {"index": index + 1, "name": f"layer_{index + 1}"}
        for index in range(count)
    ]
    lives = [
        buffers[index % len(buffers)] | {"first": index, "last": index, "layer": index + 1, "held": []}
        for index in range(count)
    ]
    runs = [[index + 1, index, index] for index in range(count)]
    return report | {"layers": made, "buffers": lives, "timeline": {"tasks": count, "runs": runs}}


@dataclass
class Parsed(HTMLParser):
    """What a page consists of: elements with their attributes, text outside scripts and styles, scripts."""

    page: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    scripts: list[tuple[dict[str, str], str]] = field(default_factory=list)
    _inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "script":
            self.scripts.append((self.elements[-1][1], ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attributes, text = self.scripts.pop()
            self.scripts.append((attributes, text + data))
        elif self._inside != "style":
            self.texts.append(data)

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def figures(self) -> dict[str, Any]:
        """Plotly's figures by chart."""
        return {
            attributes["id"].removeprefix("data-"): json.loads(text)
            for attributes, text in self.scripts
            if attributes.get("type") == "application/json"
        }

    @property
    def code(self) -> list[str]:
        """Scripts that a browser runs."""
        return [text for attributes, text in self.scripts if "type" not in attributes]
