"""Infinity and NaN are numbers of floating point: models that make them compile, verify and report."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.compiler.distance import LARGEST, distance, relative

from .command_line import tinyc
from .hostile import graph_model
from .refusals import TARGET, saved
from .test_cli import SCHEMA


def compiles(folder: Path, nodes: list, constants: dict[str, np.ndarray]) -> str:
    """Compiles, verifies, and gives the text of the golden vector."""
    made = graph_model(nodes, {"x": [1, 30]}, {"y": [1, 30]}, constants)
    for initializer in made.graph.initializer:
        assert initializer.data_type in (TensorProto.FLOAT, TensorProto.BOOL)
    outcome = tinyc("compile", saved(made, folder), *TARGET, "-o", folder / "out", "--json")
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    jsonschema.validate(report, SCHEMA)
    assert "NaN" not in outcome.out and "Infinity" not in outcome.out
    assert all(row["relative_error"] is None or row["relative_error"] < 1e-5 for row in report["layers"])
    verified = tinyc("verify", folder / "out")
    assert verified.code == 0, verified.err
    return (folder / "out" / "model_selftest.c").read_text()


def test_nan(tmp_path: Path) -> None:
    """Random samples are negative too, and the square root of those is NaN, on every machine."""
    assert "(0.0f / 0.0f)" in compiles(tmp_path, [helper.make_node("Sqrt", ["x"], ["y"], "root")], {})


def test_infinity(tmp_path: Path) -> None:
    exponentials = [helper.make_node("Exp", [a], [b], f"exp_{b}") for a, b in ("xa", "ab", "bc", "cy")]
    assert "(1.0f / 0.0f)" in compiles(tmp_path, exponentials, {})


def test_infinite_constants(tmp_path: Path) -> None:
    """As masks of attention have them."""
    nodes = [
        helper.make_node("Where", ["mask", "x", "minus"], ["masked"], "mask"),
        helper.make_node("Softmax", ["masked"], ["y"], "softmax"),
    ]
    mask = np.arange(30)[None] % 3 > 0
    text = compiles(tmp_path, nodes, {"mask": mask, "minus": np.float32(-np.inf)})
    assert "0.0f" in text


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (1.5, 1.0, 0.5),
        (np.nan, np.nan, 0.0),
        (np.inf, np.inf, 0.0),
        (-np.inf, np.inf, LARGEST),
        (np.nan, 1.0, LARGEST),
        (1.0, np.inf, LARGEST),
        (0.0, -0.0, 0.0),
    ],
)
def test_distance(mine: float, theirs: float, expected: float) -> None:
    a, b = np.array([2.0, mine], np.float32), np.array([2.0, theirs], np.float32)
    assert distance(a, b).tolist() == [0.0, expected]
    assert relative(a, b) == expected / (2.0 if not np.isfinite(theirs) else max(2.0, abs(theirs)))
